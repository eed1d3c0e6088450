//! Verification: every live blob is compared with the store, and every key of the store with the
//! database.

use attache_metadata::{BlobFault, BlobTotals, LiveBlob, MetadataRepository, StoredFile};
use attache_model::TenantId;
use attache_storage::{BlobErrorKind, BlobKey, BlobStore};
use futures_util::{StreamExt, stream};

use crate::ServiceError;
use crate::blob_health::{Depth, check_blob, mark_faulty};

/// The number of blobs, files or keys that are listed at once.
const PAGE: u32 = 500;
/// The number of blobs that are checked at once.
const CONCURRENT_CHECKS: usize = 8;

/// The options of a verification.
#[derive(Debug, Clone, Copy, Default)]
pub struct VerifyOptions {
    /// The tenant to verify, or `None` for all.
    pub tenant: Option<TenantId>,
    /// True to read every byte. Otherwise only presence and size are compared.
    pub deep: bool,
    /// True to mark the blobs that are found faulty, and to remove the marks of those that are right. A
    /// verification that is not deep keeps the marks of blobs with wrong bytes: it has not read them.
    pub mark: bool,
}

/// One thing that a verification did or found.
#[derive(Debug)]
#[non_exhaustive]
pub enum VerifyEvent<'e> {
    /// The verification starts: this is how much there is to do.
    Started(BlobTotals),
    /// A blob was checked.
    Checked {
        /// The number of its stored bytes.
        stored_bytes: u64,
    },
    /// The bytes of a file are missing or wrong.
    Lost {
        /// The file.
        file: &'e StoredFile,
        /// The fault of its stored bytes.
        fault: BlobFault,
    },
    /// The store has something that the database does not know.
    Unknown {
        /// Its key.
        key: &'e BlobKey,
    },
}

/// The result of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// The number of blobs that were checked.
    pub blobs: u64,
    /// The number of their stored bytes.
    pub stored_bytes: u64,
    /// The number of blobs that are missing or wrong.
    pub lost_blobs: u64,
    /// The number of files whose bytes are missing or wrong.
    pub lost_files: u64,
    /// The number of keys in the store that the database does not know.
    pub unknown_blobs: u64,
    /// The number of blobs that were newly marked as faulty.
    pub marked: u64,
    /// The number of blobs whose mark was removed.
    pub unmarked: u64,
}

/// Compares the database with the store, and reports every file whose bytes are missing or wrong, and
/// every blob that no row knows. Deletes nothing.
///
/// It can run beside servers: what is deleted or repaired meanwhile is not reported, and the bytes of
/// uploads in flight are known by their leases.
///
/// # Errors
///
/// Returns the error of the repository, or one of the store that says nothing about a single blob.
pub async fn verify(
    repository: &dyn MetadataRepository,
    store: &dyn BlobStore,
    options: VerifyOptions,
    observe: &(dyn Fn(VerifyEvent<'_>) + Send + Sync),
) -> Result<VerifyReport, ServiceError> {
    let mut verification = Verification {
        repository,
        store,
        options,
        observe,
        report: VerifyReport::default(),
    };
    let totals = repository.count_live_blobs(options.tenant).await?;
    observe(VerifyEvent::Started(totals));
    verification.check_blobs().await?;
    verification.find_unknown().await?;
    Ok(verification.report)
}

struct Verification<'v> {
    repository: &'v dyn MetadataRepository,
    store: &'v dyn BlobStore,
    options: VerifyOptions,
    observe: &'v (dyn Fn(VerifyEvent<'_>) + Send + Sync),
    report: VerifyReport,
}

impl Verification<'_> {
    async fn check_blobs(&mut self) -> Result<(), ServiceError> {
        let store = self.store;
        let depth = if self.options.deep {
            Depth::Digest
        } else {
            Depth::Size
        };
        let mut after = None;
        loop {
            let (tenant, repository) = (self.options.tenant, self.repository);
            let blobs = repository.list_live_blobs(tenant, after, PAGE).await?;
            let Some(last) = blobs.last() else {
                return Ok(());
            };
            after = Some(last.location.id);
            let checks = blobs.into_iter().map(|blob| async move {
                let fault = check_blob(store, &blob.location, depth).await;
                (blob, fault)
            });
            let mut checks = stream::iter(checks).buffer_unordered(CONCURRENT_CHECKS);
            while let Some((blob, fault)) = checks.next().await {
                self.note(&blob, fault?).await?;
            }
        }
    }

    async fn note(
        &mut self,
        blob: &LiveBlob,
        fault: Option<BlobFault>,
    ) -> Result<(), ServiceError> {
        let stored_bytes = blob.location.facts.stored_bytes;
        self.report.blobs += 1;
        self.report.stored_bytes += stored_bytes;
        (self.observe)(VerifyEvent::Checked { stored_bytes });
        match fault {
            Some(fault) => self.report_lost(blob, fault).await,
            None => self.unmark(blob).await,
        }
    }

    /// Reports the files of a faulty blob, unless they were deleted or repaired since it was listed.
    async fn report_lost(&mut self, blob: &LiveBlob, fault: BlobFault) -> Result<(), ServiceError> {
        let (repository, location) = (self.repository, &blob.location);
        let mut lost_files = 0;
        let mut after = None;
        loop {
            let files = repository.list_files_of_blob(blob.tenant, location.id, after, PAGE);
            let files = files.await?;
            let Some(last) = files.last() else { break };
            after = Some(last.record.seq);
            let is_there = |file: &&StoredFile| file.blob.storage_key == location.storage_key;
            for file in files.iter().filter(is_there) {
                lost_files += 1;
                (self.observe)(VerifyEvent::Lost { file, fault });
            }
        }
        if lost_files == 0 {
            return Ok(());
        }
        self.report.lost_files += lost_files;
        self.report.lost_blobs += 1;
        if self.options.mark && mark_faulty(repository, blob.tenant, location, fault).await? {
            self.report.marked += 1;
        }
        Ok(())
    }

    async fn unmark(&mut self, blob: &LiveBlob) -> Result<(), ServiceError> {
        let was_read = self.options.deep || blob.fault != Some(BlobFault::WrongDigest);
        if !self.options.mark || blob.fault.is_none() || !was_read {
            return Ok(());
        }
        let (id, key) = (blob.location.id, &blob.location.storage_key);
        if self.repository.mark_blob(id, key, None).await? {
            self.report.unmarked += 1;
        }
        Ok(())
    }

    /// Reports what the database does not know. A row exists before the first byte of a blob is written
    /// and until long after the last was deleted, so what is unknown belongs to nobody.
    async fn find_unknown(&mut self) -> Result<(), ServiceError> {
        let (repository, store) = (self.repository, self.store);
        let prefix = self.options.tenant.map(|tenant| format!("{tenant}/"));
        let mut after = None;
        loop {
            let limit = usize::try_from(PAGE).unwrap_or(usize::MAX);
            let prefix = prefix.as_deref().unwrap_or("");
            let page = store.list(prefix, after.as_ref(), limit).await?;
            let lookups = page.keys.iter().map(|key| async move {
                let known = repository.knows_storage_key(key.as_str()).await;
                known.map(|known| (!known).then_some(key))
            });
            let mut lookups = stream::iter(lookups).buffered(CONCURRENT_CHECKS);
            while let Some(unknown) = lookups.next().await {
                let Some(key) = unknown? else { continue };
                // It may have been listed just before it was deleted for good.
                match store.head(key).await {
                    Err(error) if error.kind() == BlobErrorKind::NotFound => continue,
                    _ => {}
                }
                self.report.unknown_blobs += 1;
                (self.observe)(VerifyEvent::Unknown { key });
            }
            drop(lookups);
            if !page.has_more {
                return Ok(());
            }
            after = page.keys.last().cloned();
        }
    }
}
