//! Blobs as files below one directory of the local disk.

mod batches;
mod blocking;
mod diagnose;
mod disk;
mod error;
mod fate;
mod list;
mod marker;
mod open;
mod places;
mod put;
mod read;
mod read_only;
mod segments;
mod shared;
mod space;
mod space_grant;
mod staged;
#[cfg(test)]
mod tests;
mod tree;

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use attache_lanes::QueueMonitor;
use attache_model::{BlobId, Finding, TenantId};
use rustix::fs::AtFlags;
use rustix::io::Errno;

use self::blocking::blocking;
use self::disk::{Disk, SystemDisk};
use self::error::{LocalError, WriteError};
pub use self::read_only::ReadOnlyLocalBlobStore;
use self::segments::{Change, SlotPlace, submit};
use self::shared::Shared;
use self::tree::split_path;
use crate::{
    BlobError, BlobKey, BlobMeta, BlobReader, BlobStore, Body, ByteRange, Capabilities, KeyPage,
    MarkerWrite, PresignOperation, PresignedRequest, PutError, PutOptions, StoreHealth,
    StoreMarker, StoredBlob,
};

/// Options for opening a [`LocalBlobStore`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalOptions {
    /// The directory, which is created if it is missing. Symbolic links in this path are followed;
    /// none below it are.
    pub root: PathBuf,
    /// The space that puts leave free, in bytes, so that a database on the same disk can continue.
    /// The default is 0. It applies to the bytes of all puts together, each of which is granted its
    /// space before it writes; names and inodes are not counted. It needs a filesystem that counts
    /// written bytes at once, as ext4, xfs and tmpfs do.
    pub reserved_bytes: u64,
}

impl LocalOptions {
    /// Creates the default options for a directory.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            reserved_bytes: 0,
        }
    }

    /// Sets [`reserved_bytes`](Self::reserved_bytes).
    #[must_use]
    pub fn with_reserved_bytes(mut self, reserved_bytes: u64) -> Self {
        self.reserved_bytes = reserved_bytes;
        self
    }
}

/// Stores blobs as files: `blobs/{key}` below the root. A file has no name before it is whole; where
/// the filesystem has no such files (`O_TMPFILE`), it is written in `staging/` beside `blobs`.
///
/// While several puts wait for the disk, [`new_key`] places small blobs in slots of *segments*: files that they
/// share, below `blobs/{tenant}/small`, and one sync for all. A deletion there frees the space and leaves zeros.
///
/// - **Durable.** Before it returns, a put syncs the file, names it without replacing anything,
///   and syncs the directory and every directory that it created. A delete syncs the directory. Changes of a
///   segment sync the segment, and the directory if it is new.
/// - **A failed sync is never retried**: the kernel may report success for lost bytes on the next
///   attempt. The put fails, and from then on every put and delete, and [`health`], fails with
///   `Unavailable` until the store is reopened. Reads continue. A full disk does not count.
/// - **Owner-only.** Directories are 0700 and files 0600, whatever the umask. Symbolic links below
///   the root are never followed; reading one is `Corrupt`.
/// - **Exclusive.** A `flock` on `.lock` is held as long as the store or any call on it lives, so
///   that a second open fails and opening may empty `staging/`.
/// - **Cancellation.** Once a put's future has been dropped, the blob exists or never will, so that
///   a later delete is final.
/// - **Slow disks** do not take all blocking threads of the runtime: at most 64 run changes, and 256 run reads of
///   bytes that are not in memory. Keys with the same first segment, a tenant's, get three quarters of
///   them, and take turns with others. [`health`] never waits for them.
/// - **Keys** as the service makes them fit every filesystem. A segment may have at most 255 bytes,
///   and no key may be a parent of another: such a put is refused.
///
/// Needs a tokio runtime with its timer. Linux only.
///
/// [`health`]: BlobStore::health
/// [`new_key`]: BlobStore::new_key
#[derive(Debug)]
pub struct LocalBlobStore {
    shared: Arc<Shared>,
}

impl LocalBlobStore {
    /// Opens a directory as a store, and creates it if it is missing.
    ///
    /// ```
    /// use attache_storage::{BlobKey, BlobStore, BlobStoreExt, LocalBlobStore, LocalOptions};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// let root = directory.path().join("files");
    /// // Leave one GiB to the database on the same disk.
    /// let options = LocalOptions::new(root).with_reserved_bytes(1 << 30);
    /// let store = LocalBlobStore::open(options).await?;
    ///
    /// let key = BlobKey::parse("7/91/report")?;
    /// store.put_bytes(&key, "%PDF-1.7").await?;
    /// assert_eq!(store.head(&key).await?.size_bytes, 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InUse` if another store has the directory open; `PermissionDenied`, `OutOfSpace` or `Other`
    /// if it cannot be created, synced or read.
    pub async fn open(options: LocalOptions) -> Result<Self, BlobError> {
        Self::open_on(options, Box::new(SystemDisk)).await
    }

    /// Diagnoses a directory for its operator, even while a store has it open: is it usable, and is
    /// it in use? Changes nothing.
    pub async fn diagnose(root: impl Into<PathBuf>) -> Vec<Finding> {
        let root = root.into();
        match blocking(move || diagnose::diagnose(&root)).await {
            Ok(findings) => findings,
            Err(error) => vec![Finding::failure(&error)],
        }
    }

    /// Reads the marker of a directory, even while a store has it open. `None` if there is no marker or
    /// no directory. Changes nothing.
    ///
    /// # Errors
    ///
    /// Those of [`StoreMarker::read_marker`].
    pub async fn marker_at(root: impl Into<PathBuf>) -> Result<Option<String>, BlobError> {
        let root = root.into();
        let read = blocking(move || marker::read_at(&root)).await;
        let read = read.and_then(|read| read);
        read.map_err(|error| error.into_store_error("read_marker"))
    }

    /// Returns views of the queues of calls that wait for the disk, for metrics: changes, and reads of bytes that
    /// are not in memory.
    pub fn queues(&self) -> Vec<QueueMonitor> {
        self.shared.places.monitors()
    }

    async fn open_on(options: LocalOptions, disk: Box<dyn Disk>) -> Result<Self, BlobError> {
        let opened = blocking(move || open::open(&options, disk)).await;
        let shared = opened
            .and_then(|opened| opened)
            .map_err(|error| error.into_store_error("open"))?;
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Runs a blocking call.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, LocalError> + Send + 'static,
    ) -> Result<T, LocalError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || work(&shared)).await?
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl BlobStore for LocalBlobStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            refuses_taken_keys: true,
            ..Capabilities::default()
        }
    }

    fn new_key(&self, tenant: TenantId, blob: BlobId, max_size_bytes: Option<u64>) -> BlobKey {
        let slot = self
            .shared
            .supports_holes
            .then(|| self.shared.allocation.slot(tenant, blob, max_size_bytes));
        slot.flatten()
            .and_then(|key| BlobKey::parse(key).ok())
            .unwrap_or_else(|| BlobKey::for_blob(tenant, blob))
    }

    async fn put(
        &self,
        key: &BlobKey,
        body: Body,
        options: PutOptions,
    ) -> Result<StoredBlob, PutError> {
        let stored = put::put(&self.shared, key, body, options).await;
        stored.map_err(|error| match error {
            WriteError::Local(error) => {
                WriteError::Local(self.shared.locate(error)).into_put_error(key)
            }
            error @ WriteError::Body(_) => error.into_put_error(key),
        })
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        read::get(&self.shared, key, range).await
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        read::head(&self.shared, key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        if let Some(place) = SlotPlace::of_key(key.as_str()) {
            let cleared = submit(&self.shared, key, place, Change::Clear).await;
            return cleared.map_err(|error| error.into_blob_error("delete", key));
        }
        let owned_key = key.clone();
        let deleted = async {
            // Not the tenant's place: what deletes is the reaper.
            let place = self.shared.places.remove().await?;
            self.run(move |shared| {
                let _place = place;
                delete(shared, &owned_key)
            })
            .await
        };
        deleted
            .await
            .map_err(|error| error.into_blob_error("delete", key))
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        let (prefix, after) = (prefix.to_owned(), after.cloned());
        self.run(move |shared| {
            let after = after.as_ref().map(BlobKey::as_str);
            list::list(&shared.blobs, &prefix, after, limit)
        })
        .await
        .map_err(|error| error.into_store_error("list"))
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        Err(LocalError::CannotPresign.into_blob_error("presign", operation.key()))
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        self.run(|shared| {
            shared.check_not_degraded()?;
            shared.free_bytes()
        })
        .await
        .map(|free_bytes| StoreHealth {
            free_bytes: Some(free_bytes),
        })
        .map_err(|error| error.into_store_error("health"))
    }
}

#[async_trait]
impl StoreMarker for LocalBlobStore {
    async fn read_marker(&self) -> Result<Option<String>, BlobError> {
        let read = self.run(|shared| marker::read(shared.root.as_fd())).await;
        read.map_err(|error| error.into_store_error("read_marker"))
    }

    async fn write_marker(&self, marker: &str, write: MarkerWrite) -> Result<(), BlobError> {
        let marker = marker.to_owned();
        let written = self.run(move |shared| marker::write(shared, &marker, write));
        let written = written.await;
        written.map_err(|error| error.into_store_error("write_marker"))
    }
}

/// Unlinks a blob's file and makes the change durable.
fn delete(shared: &Shared, key: &BlobKey) -> Result<(), LocalError> {
    shared.check_not_degraded()?;
    let (path, name) = split_path(key.as_str());
    let directory = match shared.blobs.open_directory(path) {
        Ok(directory) => directory,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => return Ok(()),
        Err(errno) => return Err(LocalError::system("opening a directory")(errno)),
    };
    match rustix::fs::unlinkat(&directory, name, AtFlags::empty()) {
        // A missing file may have been unlinked by a call that ended before its sync.
        Ok(()) | Err(Errno::NOENT) => shared.sync_directory(directory.as_fd()),
        // A directory is not a blob.
        Err(Errno::ISDIR | Errno::NAMETOOLONG) => Ok(()),
        Err(errno) => Err(LocalError::system("unlinking the blob")(errno)),
    }
}
