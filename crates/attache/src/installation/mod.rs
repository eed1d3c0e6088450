//! An installation: a database, a store, signing keys, and the service over them.

mod database;
mod error;
mod explain;
mod identity;
mod lock;
mod options;
mod path_problem;
mod store;

use std::sync::Arc;

use attache_lanes::QueueMonitor;
use attache_metadata::MetadataRepository;
use attache_service::{Administration, FileService, InstallationGuard, ServiceBuilder};
use attache_signing::KeyRing;
use attache_storage::BlobStore;
use tokio::task::JoinHandle;

use self::lock::Locks;
use crate::signing_keys;

pub use self::database::InstallationDatabase;
pub use self::error::OpenError;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub(crate) use self::store::{OpenStore, open_store};

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
    /// The queues at the store.
    queues: Vec<QueueMonitor>,
    database: InstallationDatabase,
    signing_keys: SigningKeySource,
    guard: Arc<InstallationGuard>,
    tasks: Tasks,
    _locks: Locks,
}

impl Installation {
    /// Opens an installation and creates what is missing: directory, keys, SQLite file, schema.
    ///
    /// Nothing is created in a shared database: it must be migrated, and the keys must be given.
    ///
    /// The database and the store must belong together: the first opening gives both an id, and every
    /// later one compares it. So both must be reachable.
    ///
    /// Needs a tokio runtime. Cancel-safe: opening can be retried.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; with [`OpenError::InUse`] nothing was changed, and with [`OpenError::Identity`]
    /// nothing was deleted.
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
        // Before anything else: the locks keep a second server away.
        let locks = options.lock()?;
        let found_keys = options.find_keys()?;
        let (database, store) = options.open_halves().await?;
        let guard = Arc::new(options.open_identity(&database, &store).await?);
        // New keys only for halves that belong together.
        let key_ring = match found_keys {
            Some(ring) => ring,
            None => options.load_keys()?,
        };
        identity::note_signing_key(&database, &key_ring).await?;
        let repository = database.repository();
        let builder = FileService::builder(repository, store.blobs.clone(), key_ring)
            .clock(options.clock.clone())
            .entropy(options.entropy.clone())
            .guard(guard.clone());
        let service = configure(builder).build();
        let (reaping, watching) = (service.clone(), guard.clone());
        let tasks = Tasks(vec![
            tokio::spawn(async move { reaping.run_reaper().await }),
            tokio::spawn(async move { watching.run().await }),
        ]);
        Ok(Self {
            service,
            store: store.blobs,
            queues: store.queues,
            database,
            signing_keys: options.signing_keys.clone(),
            guard,
            tasks,
            _locks: locks,
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

    /// Returns views of the queues at the database and the store, for metrics: what waits, what runs,
    /// what was refused.
    pub fn queues(&self) -> Vec<QueueMonitor> {
        let mut queues = self.database.queues();
        queues.extend(self.queues.iter().cloned());
        queues
    }

    /// Loads the file of the signing keys again, and uses what it holds from now on. Returns the keys in
    /// use, or `None` if they were not given as a file.
    ///
    /// # Errors
    ///
    /// [`OpenError::SigningKeys`] if the file is missing or cannot be used, and [`OpenError::Identity`] if
    /// the database cannot note the new key. The keys of before then stay in use.
    pub async fn reload_signing_keys(&self) -> Result<Option<KeyRing>, OpenError> {
        let (SigningKeySource::Generated(path) | SigningKeySource::File(path)) = &self.signing_keys
        else {
            return Ok(None);
        };
        let ring = signing_keys::load(path)?;
        identity::note_signing_key(&self.database, &ring).await?;
        self.service.replace_key_ring(ring.clone());
        Ok(Some(ring))
    }

    /// Waits for detached commits, and closes the database.
    ///
    /// Call it when no request is in flight; later requests fail as unavailable. Dropping without
    /// closing loses nothing that was acknowledged.
    pub async fn close(self) {
        self.service.finish_tasks().await;
        drop(self.tasks);
        if let Err(error) = self.guard.finish().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "the store was not told of the database's last changes"
            );
        }
        self.database.close().await;
    }
}

/// The tasks in the background, which are aborted on drop. Both are cancel-safe.
#[derive(Debug)]
struct Tasks(Vec<JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}
