//! An installation: a database, a store, signing keys, and the service over them.

mod database;
mod error;
mod options;
mod path_problem;

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

pub use self::database::InstallationDatabase;
pub use self::error::OpenError;
pub use self::options::{DatabaseLocation, InstallationOptions, SigningKeySource, StorageLocation};
pub use self::path_problem::PathProblem;

/// An open installation: the service over it, and its administration.
///
/// An installation with a local store can be open only once at a time; its [`InstallationDatabase`]
/// can be open besides. A background task deletes unreferenced blobs until the installation is closed
/// or dropped.
#[derive(Debug)]
pub struct Installation {
    service: FileService,
    store: Arc<dyn BlobStore>,
    database: InstallationDatabase,
    reaper: ReaperTask,
}

impl Installation {
    /// Opens an installation and creates what is missing: directory, keys, SQLite file, schema.
    ///
    /// Nothing is created in a shared database: it must be migrated, and the keys must be given.
    ///
    /// Needs a tokio runtime. Cancel-safe: opening can be retried. Credentials for a bucket must exist;
    /// the bucket itself is not contacted, which [`FileService::check_health`] does.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; with [`OpenError::InUse`] nothing was changed.
    pub async fn open(options: InstallationOptions) -> Result<Self, OpenError> {
        Self::open_with(options, |builder| builder).await
    }

    /// Opens an installation as [`open`](Self::open) does, and lets `configure` change how the service
    /// is built: its limits, an inspector, another authenticator.
    ///
    /// # Errors
    ///
    /// The same as [`open`](Self::open).
    pub async fn open_with(
        options: InstallationOptions,
        configure: impl FnOnce(ServiceBuilder) -> ServiceBuilder + Send,
    ) -> Result<Self, OpenError> {
        let opened = Self::open_parts(&options, configure).await;
        opened.map_err(|error| error.with_path_problem(&options))
    }

    async fn open_parts(
        options: &InstallationOptions,
        configure: impl FnOnce(ServiceBuilder) -> ServiceBuilder + Send,
    ) -> Result<Self, OpenError> {
        options.create_data_dir()?;
        // Before anything else: the store takes the lock that keeps a second server away.
        let store = open_store(options).await?;
        let key_ring = options.load_keys()?;
        if !options.database.is_shared() {
            InstallationDatabase::migrate(options).await?;
        }
        let database = InstallationDatabase::open(options).await?;
        let builder = FileService::builder(database.repository(), store.clone(), key_ring)
            .clock(options.clock.clone())
            .entropy(options.entropy.clone());
        let service = configure(builder).build();
        let task = service.clone();
        let reaper = ReaperTask(tokio::spawn(async move { task.run_reaper().await }));
        Ok(Self {
            service,
            store,
            database,
            reaper,
        })
    }

    /// Returns the service: every operation, with authorisation. Clones work until the installation is
    /// closed.
    pub fn service(&self) -> &FileService {
        &self.service
    }

    /// Returns the administration of tenants and keys.
    pub fn administration(&self) -> &Administration {
        self.database.administration()
    }

    /// Returns the repository.
    pub fn repository(&self) -> Arc<dyn MetadataRepository> {
        self.database.repository()
    }

    /// Returns the blob store.
    pub fn store(&self) -> Arc<dyn BlobStore> {
        self.store.clone()
    }

    /// Waits for detached commits, and closes the database.
    ///
    /// Call it when no request is in flight; later requests fail as unavailable. Dropping without
    /// closing loses nothing that was acknowledged.
    pub async fn close(self) {
        self.service.finish_tasks().await;
        drop(self.reaper);
        self.database.close().await;
    }
}

/// Opens the store of an installation. A local store is locked: only one program can have it open.
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
        // The client retries and bounds each request; only a stalled body needs a timeout of its own.
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
        }
    }
}

/// The reaper's task, which is aborted on drop. The reaper is cancel-safe.
#[derive(Debug)]
struct ReaperTask(JoinHandle<()>);

impl Drop for ReaperTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}
