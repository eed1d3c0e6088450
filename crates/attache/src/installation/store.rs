//! Opening the store of an installation, and its marker.

use std::path::Path;
use std::sync::Arc;

use attache_lanes::QueueMonitor;
use attache_model::Finding;
use attache_storage::{
    BlobError, BlobStore, LocalBlobStore, LocalOptions, ObservedBlobStore, ReadOnlyLocalBlobStore,
    StoreMarker, TimeoutBlobStore, Timeouts,
};
#[cfg(feature = "s3")]
use attache_storage_s3::{S3BlobStore, S3Credentials, S3Options};

use super::error::OpenError;
use super::options::{InstallationOptions, StorageLocation};

/// An open store: its blobs, and its marker.
#[derive(Debug, Clone)]
pub(crate) struct OpenStore {
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) marker: Arc<dyn StoreMarker>,
    /// Views of the queues at the store.
    pub(crate) queues: Vec<QueueMonitor>,
}

impl StorageLocation {
    /// Returns `true` if this is a directory with nothing in it, or none: either a new store, or one whose
    /// volume is not mounted.
    pub(super) fn is_empty_directory(&self) -> bool {
        let is_empty = |path: &Path| {
            std::fs::read_dir(path).map_or(!path.exists(), |mut entries| entries.next().is_none())
        };
        match self {
            Self::Local(path) => is_empty(path),
            #[cfg(feature = "s3")]
            Self::S3 { .. } => false,
            Self::Own { .. } => false,
        }
    }
}

/// Opens the store of an installation. A local store is locked: only one program can have it open.
///
/// Every call on it has a time limit, on a disk that does not respond as well as on a network.
pub(crate) async fn open_store(options: &InstallationOptions) -> Result<OpenStore, OpenError> {
    match &options.storage {
        StorageLocation::Local(path) => {
            let local = LocalOptions::new(path).with_reserved_bytes(options.reserved_bytes);
            let store = LocalBlobStore::open(local).await;
            let store = store.map_err(|error| OpenError::of_blobs(path.clone(), error))?;
            let store = Arc::new(store);
            Ok(OpenStore {
                queues: store.queues(),
                blobs: Arc::new(ObservedBlobStore::new(TimeoutBlobStore::new(
                    store.clone(),
                    Timeouts::default(),
                ))),
                marker: store,
            })
        }
        // The client retries and bounds each request; only a stalled body needs a timeout of its own.
        #[cfg(feature = "s3")]
        StorageLocation::S3 {
            options,
            credentials,
        } => {
            let store = bucket(options, credentials);
            store.find_credentials().await?;
            Ok(OpenStore {
                queues: Vec::new(),
                marker: Arc::new(store.clone()),
                blobs: Arc::new(ObservedBlobStore::new(TimeoutBlobStore::new(
                    store,
                    Timeouts::default(),
                ))),
            })
        }
        StorageLocation::Own { blobs, marker } => Ok(OpenStore {
            queues: Vec::new(),
            blobs: Arc::new(ObservedBlobStore::new(blobs.clone())),
            marker: marker.clone(),
        }),
    }
}

#[cfg(feature = "s3")]
fn bucket(options: &S3Options, credentials: &S3Credentials) -> S3BlobStore {
    S3BlobStore::new(options.clone(), credentials)
}

impl InstallationOptions {
    /// Opens the store for reading, even while a server has it open. Changes are refused where the store
    /// itself can be open only once; a bucket is open to all.
    ///
    /// # Errors
    ///
    /// [`OpenError`], if the directory of a local store is missing or cannot be read, or there are no
    /// credentials for a bucket.
    pub async fn open_store_read_only(&self) -> Result<Arc<dyn BlobStore>, OpenError> {
        match &self.storage {
            StorageLocation::Local(path) => {
                let store = ReadOnlyLocalBlobStore::open(path).await;
                let store = store.map_err(|error| OpenError::of_blobs(path.clone(), error))?;
                Ok(Arc::new(store))
            }
            #[cfg(feature = "s3")]
            StorageLocation::S3 { .. } => Ok(open_store(self).await?.blobs),
            StorageLocation::Own { blobs, .. } => Ok(blobs.clone()),
        }
    }

    /// Reports the state of the store to its operator, even while a server has it open. Leaves nothing
    /// behind.
    pub async fn diagnose_storage(&self) -> Vec<Finding> {
        match &self.storage {
            StorageLocation::Local(path) => LocalBlobStore::diagnose(path).await,
            #[cfg(feature = "s3")]
            StorageLocation::S3 {
                options,
                credentials,
            } => {
                let (clock, entropy) = (self.clock.as_ref(), self.entropy.as_ref());
                bucket(options, credentials).diagnose(clock, entropy).await
            }
            StorageLocation::Own { blobs, .. } => vec![match blobs.health().await {
                Ok(_) => Finding::fine("the program's own store responds"),
                Err(error) => Finding::failure(&error),
            }],
        }
    }

    /// Reads the store's marker, even while a server has the store open.
    pub(super) async fn read_marker(&self) -> Result<Option<String>, BlobError> {
        match &self.storage {
            StorageLocation::Local(path) => LocalBlobStore::marker_at(path).await,
            #[cfg(feature = "s3")]
            StorageLocation::S3 {
                options,
                credentials,
            } => bucket(options, credentials).read_marker().await,
            StorageLocation::Own { marker, .. } => marker.read_marker().await,
        }
    }
}
