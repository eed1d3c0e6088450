//! Gauges of the database and the store, refreshed at intervals.

use std::sync::Arc;
use std::time::Duration;

use attache::{BlobStore, MetadataRepository};

use crate::metrics;

/// The interval of asking the store for its free space.
const SPACE_INTERVAL: Duration = Duration::from_secs(15);
/// The number of such intervals after which the stored bytes are counted again, which reads a row for each
/// blob.
const COUNT_EVERY: u32 = 8;

/// Refreshes the gauges until the future is dropped. Where the database or the store does not respond, the
/// last values stay; errors have metrics of their own.
pub(crate) async fn record_gauges(
    repository: Arc<dyn MetadataRepository>,
    store: Arc<dyn BlobStore>,
) {
    let mut ticks = tokio::time::interval(SPACE_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for round in (0..COUNT_EVERY).cycle() {
        ticks.tick().await;
        if let Ok(health) = store.health().await
            && let Some(free_bytes) = health.free_bytes
        {
            metrics::record_free_bytes(free_bytes);
        }
        if round == 0
            && let Ok(usage) = repository.storage_usage().await
        {
            metrics::record_usage(&usage);
        }
    }
}
