//! An installation: a database, a store, signing keys, and the service over them.

use std::sync::Arc;

use attache_metadata::MetadataRepository;
use attache_model::Finding;
use attache_service::{Administration, FileService, ServiceBuilder};
use attache_storage::{BlobStore, LocalBlobStore, LocalOptions};
#[cfg(feature = "s3")]
use attache_storage::{TimeoutBlobStore, Timeouts};
#[cfg(feature = "s3")]
use attache_storage_s3::{S3BlobStore, S3Credentials, S3Options};
use tokio::task::JoinHandle;

use crate::{InstallationDatabase, InstallationOptions, OpenError, StorageLocation};

/// An installation, open: the service over it, and what an operator does beside it.
///
/// While one with a local store is open nobody else can open it; [`InstallationDatabase`] can. A
/// task that deletes what nothing refers to runs until it is closed or dropped.
#[derive(Debug)]
pub struct Installation {
    service: FileService,
    store: Arc<dyn BlobStore>,
    database: InstallationDatabase,
    reaper: ReaperTask,
}

impl Installation {
    /// Opens an installation, and makes what of it is missing: directory, keys, SQLite file, schema.
    /// A shared database is used as it is: it must be migrated, and the keys must be given.
    ///
    /// Needs a tokio runtime. An opening that was dropped half-way can be made again. A bucket is
    /// not asked whether it is there: [`FileService::check_health`] does that; but there must be
    /// credentials for it.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; with [`OpenError::InUse`] nothing was touched.
    pub async fn open(options: InstallationOptions) -> Result<Self, OpenError> {
        Self::open_with(options, |builder| builder).await
    }

    /// As [`open`](Self::open), with a say in how the service is built: its limits, an inspector,
    /// another way to authenticate.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_with(
        options: InstallationOptions,
        configure: impl FnOnce(ServiceBuilder) -> ServiceBuilder + Send,
    ) -> Result<Self, OpenError> {
        options.make_data_dir()?;
        // First of all, as it takes the lock that keeps a second server away.
        let store = open_store(&options).await?;
        let key_ring = options.load_keys()?;
        if !options.database.is_shared() {
            InstallationDatabase::migrate(&options).await?;
        }
        let database = InstallationDatabase::open(&options).await?;
        let builder = FileService::builder(database.repository(), store.clone(), key_ring)
            .clock(options.clock.clone())
            .entropy(options.entropy.clone());
        let service = configure(builder).build();
        let reaping = service.clone();
        let reaper = ReaperTask(tokio::spawn(async move { reaping.run_reaper().await }));
        Ok(Self {
            service,
            store,
            database,
            reaper,
        })
    }

    /// The service: everything a caller may do. Clones stay good until the installation is closed.
    pub fn service(&self) -> &FileService {
        &self.service
    }

    /// Tenants and keys.
    pub fn administration(&self) -> &Administration {
        self.database.administration()
    }

    /// The database.
    pub fn repository(&self) -> Arc<dyn MetadataRepository> {
        self.database.repository()
    }

    /// The bytes.
    pub fn store(&self) -> Arc<dyn BlobStore> {
        self.store.clone()
    }

    /// Finishes what must not be cut, and closes the database. Call it when no request runs any
    /// more; those that come later fail as unavailable. Dropping without closing loses nothing that
    /// was acknowledged.
    pub async fn close(self) {
        self.service.finish_tasks().await;
        drop(self.reaper);
        self.database.close().await;
    }
}

/// Opens the store of an installation; a local one alone, as it is made for one at a time.
pub(crate) async fn open_store(
    options: &InstallationOptions,
) -> Result<Arc<dyn BlobStore>, OpenError> {
    match &options.storage {
        StorageLocation::Local(path) => {
            let local = LocalOptions::new(path).with_reserved_bytes(options.reserved_bytes);
            let store = LocalBlobStore::open(local).await;
            let store = store.map_err(|error| OpenError::of_blobs(path.clone(), error))?;
            Ok(Arc::new(store))
        }
        // It repeats requests by itself, and bounds each; what is left is a body that stands still.
        #[cfg(feature = "s3")]
        StorageLocation::S3 {
            options,
            credentials,
        } => {
            let store = bucket(options, credentials);
            store.find_credentials().await?;
            Ok(Arc::new(TimeoutBlobStore::new(store, Timeouts::default())))
        }
    }
}

#[cfg(feature = "s3")]
fn bucket(options: &S3Options, credentials: &S3Credentials) -> S3BlobStore {
    S3BlobStore::new(options.clone(), credentials)
}

impl InstallationOptions {
    /// Looks the store over, for its operator, also while a server has it open. Leaves nothing behind.
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
        }
    }
}

/// The task that deletes; ends with its owner. Stopping it at any point is safe.
#[derive(Debug)]
struct ReaperTask(JoinHandle<()>);

impl Drop for ReaperTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}
