//! Where an installation keeps what: its database, its bytes, its signing keys.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use attache_metadata::EventHook;
#[cfg(feature = "postgres")]
use attache_metadata_sql::PostgresOptions;
use attache_model::{Clock, Entropy, OsEntropy, SystemClock};
use attache_signing::KeyRing;
#[cfg(feature = "s3")]
use attache_storage_s3::{S3Credentials, S3Options};

use crate::{OpenError, data_dir, signing_keys};

/// Where the records are kept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DatabaseLocation {
    /// This SQLite file, for one server. Made and migrated at the opening.
    #[cfg(feature = "sqlite")]
    Sqlite(PathBuf),
    /// A database on a PostgreSQL server, for any number of servers.
    /// [`InstallationDatabase::migrate`](crate::InstallationDatabase::migrate) makes the tables.
    #[cfg(feature = "postgres")]
    Postgres(PostgresOptions),
}

impl DatabaseLocation {
    /// Whether several servers may work on it at a time.
    pub fn is_shared(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => true,
        }
    }
}

impl fmt::Display for DatabaseLocation {
    /// The path of a file; the kind of a server alone, as its address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(path) => path.display().fmt(f),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => f.write_str("PostgreSQL"),
        }
    }
}

/// Where the bytes are kept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StorageLocation {
    /// This directory, for one server at a time, whichever the database.
    Local(PathBuf),
    /// A bucket of S3 or a compatible store, for any number of servers.
    #[cfg(feature = "s3")]
    S3 {
        /// Where it is.
        options: Box<S3Options>,
        /// Who we are to it.
        credentials: S3Credentials,
    },
}

/// Where the signing keys come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SigningKeySource {
    /// From nowhere: enough for the database alone.
    Absent,
    /// This file, made with a new key where it is missing. Not with a shared database: each server
    /// would make keys of its own.
    Generated(PathBuf),
    /// This file, which must be there.
    File(PathBuf),
    /// These keys.
    Ring(KeyRing),
}

/// What an installation is made of. Begin with [`in_directory`](Self::in_directory) or
/// [`new`](Self::new).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InstallationOptions {
    /// A directory to make where it is missing, for its owner only; `None` where nothing is kept in
    /// one.
    pub data_dir: Option<PathBuf>,
    /// Where the records are kept.
    pub database: DatabaseLocation,
    /// Where the bytes are kept.
    pub storage: StorageLocation,
    /// Where the signing keys come from.
    pub signing_keys: SigningKeySource,
    /// Room that uploads leave free on a local disk, in bytes, so that a database beside them can go
    /// on; 64 MiB by default.
    pub reserved_bytes: u64,
    /// Is told of every change, inside its transaction; `None` for nobody.
    pub event_hook: Option<Arc<dyn EventHook>>,
    /// The clock to go by: the system's by default.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from: the system by default.
    pub entropy: Arc<dyn Entropy>,
}

impl InstallationOptions {
    /// Everything in one directory: the SQLite file `attache.db`, the directory `blobs`, and
    /// `signing-keys`, all made at the first opening.
    #[cfg(feature = "sqlite")]
    pub fn in_directory(data_dir: impl Into<PathBuf>) -> Self {
        let data_dir = data_dir.into();
        let database = DatabaseLocation::Sqlite(data_dir.join("attache.db"));
        let storage = StorageLocation::Local(data_dir.join("blobs"));
        Self {
            signing_keys: SigningKeySource::Generated(data_dir.join("signing-keys")),
            data_dir: Some(data_dir),
            ..Self::new(database, storage)
        }
    }

    /// A database and a store, without signing keys and a directory to make.
    pub fn new(database: DatabaseLocation, storage: StorageLocation) -> Self {
        Self {
            data_dir: None,
            database,
            storage,
            signing_keys: SigningKeySource::Absent,
            reserved_bytes: 64 << 20,
            event_hook: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        }
    }

    /// Where the signing keys come from.
    #[must_use]
    pub fn with_signing_keys(mut self, signing_keys: SigningKeySource) -> Self {
        self.signing_keys = signing_keys;
        self
    }

    pub(crate) fn make_data_dir(&self) -> Result<(), OpenError> {
        let Some(path) = &self.data_dir else {
            return Ok(());
        };
        data_dir::make(path).map_err(|source| OpenError::DataDir {
            path: path.clone(),
            source,
        })
    }

    /// Reads the signing keys; makes them where that was asked for and the database is not shared.
    pub(crate) fn load_keys(&self) -> Result<KeyRing, OpenError> {
        Ok(match &self.signing_keys {
            SigningKeySource::Ring(ring) => ring.clone(),
            SigningKeySource::File(path) => signing_keys::load(path)?,
            SigningKeySource::Generated(path) if !self.database.is_shared() => {
                let (clock, entropy) = (self.clock.as_ref(), self.entropy.as_ref());
                signing_keys::load_or_generate(path, clock, entropy)?
            }
            SigningKeySource::Generated(_) | SigningKeySource::Absent => {
                return Err(OpenError::NoSigningKeys);
            }
        })
    }
}
