//! The reaper: deletes bytes that nothing refers to (abandoned uploads, deleted records, copies) and
//! drops expired uploads.

use std::time::Duration;

use attache_metadata::{ReapStage, ReapTask};
use attache_storage::BlobKey;
use futures_util::{StreamExt, stream};

use crate::{FileService, ServiceError};

/// The number of blobs taken from the repository at once.
const BATCH: u32 = 64;
/// The number of concurrent deletions.
const MAX_CONCURRENT: usize = 8;
/// The time after which a blob that was taken but not finished is handed out again.
const RETRY_AFTER: Duration = Duration::from_mins(1);
/// The time for which a deleted blob's row is kept, to delete once more a write that arrived late.
const PURGE_AFTER: Duration = Duration::from_hours(48);
/// The time for which an expired upload can still be found.
const KEEP_EXPIRED_FOR: Duration = Duration::from_hours(24);
/// The poll interval: a lease that ends wakes nobody.
const POLL_INTERVAL: Duration = Duration::from_secs(15);
/// The pause between two runs. Every upload wakes the reaper; hundreds in a second share a run.
const PAUSE: Duration = Duration::from_millis(100);

/// The result of one run of the reaper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReapReport {
    /// The number of blobs whose bytes were deleted.
    pub deleted: u64,
    /// The number of rows dropped, long after their bytes were deleted.
    pub purged: u64,
    /// The number of blobs that could not be deleted; they are retried later.
    pub failed: u64,
    /// The number of uploads dropped, a day after they expired.
    pub dropped_uploads: u64,
}

impl FileService {
    /// Deletes everything that can be deleted now, and returns when nothing is left to do.
    ///
    /// # Errors
    ///
    /// Returns the error of the repository, and [`ServiceError::Internal`] if the database and the store no
    /// longer belong together: then nothing is deleted. Errors of the store are counted, logged and retried later.
    pub async fn reap_once(&self) -> Result<ReapReport, ServiceError> {
        let mut report = ReapReport::default();
        if let Some(guard) = &self.parts.guard {
            guard.require_together().await?;
        }
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
            let mut outcomes = stream::iter(outcomes).buffer_unordered(MAX_CONCURRENT);
            while let Some((outcome, task)) = outcomes.next().await {
                match outcome {
                    Ok(()) if task.stage == ReapStage::Purge => report.purged += 1,
                    Ok(()) => report.deleted += 1,
                    Err(error) => {
                        report.failed += 1;
                        let is_outage = error.is_outage();
                        let error = &error as &dyn std::error::Error;
                        if is_outage {
                            tracing::debug!(blob = %task.id, error, "bytes were not deleted");
                        } else {
                            tracing::warn!(blob = %task.id, error, "bytes were not deleted");
                        }
                    }
                }
            }
        }
        report.dropped_uploads = self.drop_expired_uploads().await?;
        Ok(report)
    }

    /// Staged bytes of these uploads are not deleted here: they have leases of their own.
    async fn drop_expired_uploads(&self) -> Result<u64, ServiceError> {
        let mut total = 0;
        loop {
            let dropped = self
                .parts
                .repository
                .drop_expired_uploads(KEEP_EXPIRED_FOR, BATCH)
                .await?;
            total += u64::from(dropped);
            if dropped < BATCH {
                return Ok(total);
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

    /// Runs the reaper forever: whenever there is something to delete, and every 15 seconds.
    ///
    /// Spawn it once in every process that serves. Any number may run concurrently. Cancel-safe: it
    /// may be dropped at any point.
    ///
    /// ```
    /// # use attache_service::FileService;
    /// fn start_reaper(service: &FileService) -> tokio::task::JoinHandle<()> {
    ///     let service = service.clone();
    ///     tokio::spawn(async move { service.run_reaper().await })
    /// }
    /// ```
    pub async fn run_reaper(&self) {
        loop {
            match self.reap_once().await {
                Ok(report) if report == ReapReport::default() => {}
                Ok(report) => tracing::debug!(?report, "reaped"),
                Err(error) if error.is_outage() => {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "the reaper failed"
                    );
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the reaper failed; it will run again"
                    );
                }
            }
            tokio::time::sleep(PAUSE).await;
            let _ = tokio::time::timeout(POLL_INTERVAL, self.parts.reaper_wake.notified()).await;
        }
    }
}
