//! The readiness check: whether database and store respond. Anyone may call it, so it runs at most once a
//! second.

use std::time::Duration;

use attache_service::FileService;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The lifetime of a result.
const LIFETIME: Duration = Duration::from_secs(1);

/// The last result; the lock admits one check at a time.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Returns `true` if both responded, now or within the last second.
    pub(crate) async fn check(&self, service: &FileService) -> bool {
        let mut last = self.0.lock().await;
        if let Some((asked_at, healthy)) = *last
            && asked_at.elapsed() < LIFETIME
        {
            return healthy;
        }
        let health = service.check_health().await;
        if let Err(error) = &health {
            tracing::warn!(error = error as &dyn std::error::Error, "not ready");
        }
        *last = Some((Instant::now(), health.is_ok()));
        health.is_ok()
    }
}
