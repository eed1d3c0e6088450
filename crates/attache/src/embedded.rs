//! An installation in one directory: SQLite, local files, signing keys, and the service over them.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use attache_metadata::{EventHook, MetadataRepository};
use attache_metadata_sql::{MigrationReport, SqliteOptions, SqliteRepository};
use attache_model::{Clock, Entropy, OsEntropy, SystemClock};
use attache_service::{Administration, FileService, ServiceBuilder};
use attache_signing::KeyRing;
use attache_storage::{BlobStore, LocalBlobStore, LocalOptions};
use tokio::task::JoinHandle;

use crate::{OpenError, data_dir, signing_keys};

/// Where the signing keys come from.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum SigningKeySource {
    /// `{data_dir}/signing-keys`, made at the first opening.
    #[default]
    DataDir,
    /// This file, which must be there.
    File(PathBuf),
    /// These keys.
    Ring(KeyRing),
}

/// Where an embedded installation lives. Begin with [`EmbeddedOptions::new`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EmbeddedOptions {
    /// The directory everything is in, unless said otherwise; made where it is missing, for its
    /// owner only.
    pub data_dir: PathBuf,
    /// The SQLite file; `None` for `{data_dir}/attache.db`.
    pub database: Option<PathBuf>,
    /// The directory of the bytes; `None` for `{data_dir}/blobs`.
    pub blobs: Option<PathBuf>,
    /// Where the signing keys come from.
    pub signing_keys: SigningKeySource,
    /// Room that uploads leave free on the disk, in bytes, so that a database beside them can go on;
    /// 64 MiB by default.
    pub reserved_bytes: u64,
    /// Is told of every change, inside its transaction; `None` for nobody.
    pub event_hook: Option<Arc<dyn EventHook>>,
    /// The clock to go by: the system's by default.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from: the system by default.
    pub entropy: Arc<dyn Entropy>,
}

impl EmbeddedOptions {
    /// Everything in one directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            database: None,
            blobs: None,
            signing_keys: SigningKeySource::default(),
            reserved_bytes: 64 << 20,
            event_hook: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        }
    }

    /// The SQLite file.
    pub fn database_path(&self) -> PathBuf {
        let given = self.database.clone();
        given.unwrap_or_else(|| self.data_dir.join("attache.db"))
    }

    /// The directory of the bytes.
    pub fn blobs_path(&self) -> PathBuf {
        let given = self.blobs.clone();
        given.unwrap_or_else(|| self.data_dir.join("blobs"))
    }

    /// The file of the signing keys; `None` where they were given themselves.
    pub fn signing_keys_path(&self) -> Option<PathBuf> {
        match &self.signing_keys {
            SigningKeySource::DataDir => Some(self.data_dir.join("signing-keys")),
            SigningKeySource::File(path) => Some(path.clone()),
            SigningKeySource::Ring(_) => None,
        }
    }

    fn make_data_dir(&self) -> Result<(), OpenError> {
        data_dir::make(&self.data_dir).map_err(|source| OpenError::DataDir {
            path: self.data_dir.clone(),
            source,
        })
    }

    fn load_keys(&self) -> Result<KeyRing, OpenError> {
        Ok(match &self.signing_keys {
            SigningKeySource::Ring(ring) => ring.clone(),
            SigningKeySource::File(path) => signing_keys::load(path)?,
            SigningKeySource::DataDir => signing_keys::load_or_generate(
                &self.data_dir.join("signing-keys"),
                self.clock.as_ref(),
                self.entropy.as_ref(),
            )?,
        })
    }
}

/// An embedded installation, open: the service over it, and what an operator does beside it.
///
/// While it is open nobody else can open the same directory; [`EmbeddedDatabase`] can. A task that
/// deletes what nothing refers to runs until it is closed or dropped.
#[derive(Debug)]
pub struct Embedded {
    service: FileService,
    store: Arc<dyn BlobStore>,
    database: EmbeddedDatabase,
    reaper: ReaperTask,
}

impl Embedded {
    /// Opens an installation, and makes what of it is missing: directory, keys, database, schema.
    ///
    /// Needs a tokio runtime. An opening that was dropped half-way can be made again.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; with [`OpenError::InUse`] nothing was touched.
    pub async fn open(options: EmbeddedOptions) -> Result<Self, OpenError> {
        Self::open_with(options, |builder| builder).await
    }

    /// As [`open`](Self::open), with a say in how the service is built: its limits, an inspector,
    /// another way to authenticate.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_with(
        options: EmbeddedOptions,
        configure: impl FnOnce(ServiceBuilder) -> ServiceBuilder + Send,
    ) -> Result<Self, OpenError> {
        options.make_data_dir()?;
        // First of all, as it takes the lock that keeps a second server away.
        let blobs = options.blobs_path();
        let local = LocalOptions::new(&blobs).with_reserved_bytes(options.reserved_bytes);
        let store = LocalBlobStore::open(local).await;
        let store: Arc<dyn BlobStore> =
            Arc::new(store.map_err(|error| OpenError::of_blobs(blobs, error))?);
        let key_ring = options.load_keys()?;
        EmbeddedDatabase::migrate(&options).await?;
        let database = EmbeddedDatabase::open(&options).await?;
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

/// The database of an embedded installation alone. It can be open beside a server that runs, and
/// what is changed takes effect there at once.
pub struct EmbeddedDatabase {
    repository: Arc<SqliteRepository>,
    administration: Administration,
}

impl EmbeddedDatabase {
    /// Makes the database, or brings it to this program's schema; does nothing where it is there.
    ///
    /// # Errors
    ///
    /// [`OpenError::DataDir`], [`OpenError::Database`].
    pub async fn migrate(options: &EmbeddedOptions) -> Result<MigrationReport, OpenError> {
        options.make_data_dir()?;
        Ok(SqliteRepository::migrate(options.database_path()).await?)
    }

    /// Opens a migrated database.
    ///
    /// # Errors
    ///
    /// [`OpenError::Database`] where there is none, or one of another schema.
    pub async fn open(options: &EmbeddedOptions) -> Result<Self, OpenError> {
        let mut sqlite =
            SqliteOptions::new(options.database_path()).with_clock(options.clock.clone());
        if let Some(hook) = &options.event_hook {
            sqlite = sqlite.with_event_hook(hook.clone());
        }
        let repository = Arc::new(SqliteRepository::open(sqlite).await?);
        let administration = Administration::new(
            repository.clone(),
            options.clock.clone(),
            options.entropy.clone(),
        );
        Ok(Self {
            repository,
            administration,
        })
    }

    /// Tenants and keys.
    pub fn administration(&self) -> &Administration {
        &self.administration
    }

    /// The database itself.
    pub fn repository(&self) -> Arc<dyn MetadataRepository> {
        self.repository.clone()
    }

    /// Makes the changes that wait, and closes the file.
    pub async fn close(&self) {
        self.repository.close().await;
    }
}

impl fmt::Debug for EmbeddedDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(f)
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
