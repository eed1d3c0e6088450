//! The readiness check: whether database and store respond. Anyone may call it, so it runs at most once a
//! second.

use std::time::Duration;

use attache_service::FileService;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The lifetime of a result.
const LIFETIME: Duration = Duration::from_secs(1);

/// The time after which a check that has no result counts as failed.
const TIME_LIMIT: Duration = Duration::from_secs(3);

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
        let health = tokio::time::timeout(TIME_LIMIT, service.check_health()).await;
        let healthy = matches!(health, Ok(Ok(())));
        // Logged where it changes: an orchestrator asks every few seconds.
        if last.is_none_or(|(_, was_healthy)| was_healthy != healthy) {
            match health {
                Ok(Ok(())) => tracing::info!("ready"),
                Ok(Err(error)) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
                }
                Err(_) => tracing::warn!("not ready: no response within {TIME_LIMIT:?}"),
            }
        }
        *last = Some((Instant::now(), healthy));
        healthy
    }
}
