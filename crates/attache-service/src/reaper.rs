//! Deleting bytes that nothing refers to (abandoned uploads, deleted records, copies), and forgetting
//! uploads that expired.

use std::time::Duration;

use attache_metadata::{ReapStage, ReapTask};
use attache_storage::BlobKey;
use futures_util::{StreamExt, stream};

use crate::{FileService, ServiceError};

/// How many blobs one turn takes.
const BATCH: u32 = 64;
/// How many of them are deleted at once.
const AT_ONCE: usize = 8;
/// How long a blob that was taken is left to whoever took it.
const RETRY_AFTER: Duration = Duration::from_mins(1);
/// How long a deleted blob's row is kept, to delete once more what arrived late.
const PURGE_AFTER: Duration = Duration::from_hours(48);
/// How long an upload that expired can still be asked about.
const EXPIRED_KEPT_FOR: Duration = Duration::from_hours(24);
/// How often the reaper looks without being woken: abandoned promises end by time alone.
const TURN: Duration = Duration::from_secs(15);

/// What one turn of the reaper did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReapReport {
    /// Blobs whose bytes were deleted.
    pub deleted: u64,
    /// Rows that were forgotten, long after their bytes.
    pub purged: u64,
    /// Blobs that could not be deleted and come up again.
    pub failed: u64,
    /// Uploads that were forgotten, a day after they expired.
    pub forgotten_uploads: u64,
}

impl FileService {
    /// Deletes what can be deleted now.
    ///
    /// # Errors
    ///
    /// What the repository fails with. A store that fails is counted, logged and tried again later.
    pub async fn reap_once(&self) -> Result<ReapReport, ServiceError> {
        let mut report = ReapReport::default();
        loop {
            let tasks = self
                .parts
                .repository
                .take_reapable(BATCH, RETRY_AFTER)
                .await?;
            if tasks.is_empty() {
                break;
            }
            let outcomes = tasks
                .into_iter()
                .map(|task| async move { (self.reap(&task).await, task) });
            let mut outcomes = stream::iter(outcomes).buffer_unordered(AT_ONCE);
            while let Some((outcome, task)) = outcomes.next().await {
                match outcome {
                    Ok(()) if task.stage == ReapStage::Purge => report.purged += 1,
                    Ok(()) => report.deleted += 1,
                    Err(error) => {
                        report.failed += 1;
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(blob = %task.id, error, "bytes were not deleted");
                    }
                }
            }
        }
        report.forgotten_uploads = self.forget_expired_uploads().await?;
        Ok(report)
    }

    /// Their bytes are not waited for: those have leases of their own.
    async fn forget_expired_uploads(&self) -> Result<u64, ServiceError> {
        let mut forgotten = 0;
        loop {
            let dropped = self
                .parts
                .repository
                .drop_expired_uploads(EXPIRED_KEPT_FOR, BATCH)
                .await?;
            forgotten += u64::from(dropped);
            if dropped < BATCH {
                return Ok(forgotten);
            }
        }
    }

    async fn reap(&self, task: &ReapTask) -> Result<(), ServiceError> {
        let key = BlobKey::parse(task.storage_key.as_str());
        let key = key.map_err(|error| ServiceError::Internal(Box::new(error)))?;
        self.parts.store.delete(&key).await?;
        Ok(self
            .parts
            .repository
            .finish_reap(task.id, task.stage, PURGE_AFTER)
            .await?)
    }

    /// Deletes what can be deleted, whenever something is, for ever. Run it as a task of its own in
    /// every process that serves; any number may run, and dropping it at any point is safe.
    pub async fn run_reaper(&self) {
        loop {
            match self.reap_once().await {
                Ok(report) if report == ReapReport::default() => {}
                Ok(report) => tracing::debug!(?report, "reaped"),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the reaper's turn failed"
                    );
                }
            }
            // Waiting is bounded: a lease that ends wakes nobody.
            let _ = tokio::time::timeout(TURN, self.parts.reaper_wake.notified()).await;
        }
    }
}
