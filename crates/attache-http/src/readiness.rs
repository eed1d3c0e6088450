//! Whether database and store answer, asked of them at most once a second: anybody may ask for it.

use std::time::Duration;

use attache_service::FileService;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long an answer holds.
const LIFETIME: Duration = Duration::from_secs(1);

/// The last answer, and the one place in line to get the next.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Whether both answered, now or within the last second.
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
