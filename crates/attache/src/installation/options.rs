//! Options of an installation: the locations of its database, bytes and signing keys.

use std::fmt;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attache_metadata::EventHook;
#[cfg(feature = "postgres")]
use attache_metadata_sql::PostgresOptions;
use attache_model::{Clock, Entropy, OsEntropy, SystemClock};
use attache_signing::KeyRing;
use attache_storage::{BlobStore, StoreMarker};
#[cfg(feature = "s3")]
use attache_storage_s3::{S3Credentials, S3Options};

use super::error::OpenError;
use crate::signing_keys::{self, SigningKeysError};

/// The location of the records.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum DatabaseLocation {
    /// An SQLite file, for one server. Opening creates and migrates it.
    #[cfg(feature = "sqlite")]
    Sqlite(PathBuf),
    /// A database on a PostgreSQL server, for any number of servers.
    /// [`InstallationDatabase::migrate`](crate::InstallationDatabase::migrate) creates the tables.
    #[cfg(feature = "postgres")]
    Postgres(PostgresOptions),
}

impl DatabaseLocation {
    /// Returns `true` if this is a file that does not exist.
    pub(super) fn is_missing(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(path) => !path.exists(),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => false,
        }
    }

    /// Returns `true` if several servers may use the database at the same time.
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
    /// Shows the path of a file, but only the kind of a server: its URL may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(path) => path.display().fmt(f),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => f.write_str("PostgreSQL"),
        }
    }
}

/// The location of the bytes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StorageLocation {
    /// A directory, for one server at a time, whatever the database.
    Local(PathBuf),
    /// A bucket of S3 or a compatible store, for any number of servers.
    #[cfg(feature = "s3")]
    S3 {
        /// The bucket and how to reach it.
        options: Box<S3Options>,
        /// The credentials for it.
        credentials: S3Credentials,
    },
    /// A store of your own, see [`own`](Self::own). It has to refuse a second program itself if it is for one
    /// only.
    Own {
        /// Its blobs.
        blobs: Arc<dyn BlobStore>,
        /// Its marker, which says which installation the blobs belong to.
        marker: Arc<dyn StoreMarker>,
    },
}

impl StorageLocation {
    /// Places the bytes in a store of your own.
    pub fn own<S: BlobStore + StoreMarker>(store: Arc<S>) -> Self {
        Self::Own {
            blobs: store.clone(),
            marker: store,
        }
    }
}

/// The source of the signing keys.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SigningKeySource {
    /// No keys: enough for the database alone.
    Absent,
    /// A file, which is generated with a new key if it is missing. Refused with a shared database,
    /// because each server would generate its own keys.
    Generated(PathBuf),
    /// A file, which must exist.
    File(PathBuf),
    /// The keys themselves.
    Ring(KeyRing),
}

/// The options of an installation. Start with [`in_directory`](Self::in_directory) or
/// [`new`](Self::new).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct InstallationOptions {
    /// A directory to create if it is missing, owner-only; `None` if no part needs one.
    pub data_dir: Option<PathBuf>,
    /// The location of the records.
    pub database: DatabaseLocation,
    /// The location of the bytes.
    pub storage: StorageLocation,
    /// The source of the signing keys.
    pub signing_keys: SigningKeySource,
    /// The space that uploads leave free on a local disk, in bytes, so that a database on it can go on
    /// writing; 64 MiB by default.
    pub reserved_bytes: u64,
    /// A hook that receives every change inside its transaction; `None` for no hook.
    pub event_hook: Option<Arc<dyn EventHook>>,
    /// The clock; the system's by default.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness; the system's by default.
    pub entropy: Arc<dyn Entropy>,
}

impl InstallationOptions {
    /// Places everything in one directory: the SQLite file `attache.db`, the directory `blobs`, and
    /// `signing-keys`, all created when first opened.
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

    /// Combines a database and a store, without signing keys or a data directory.
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

    /// Sets the source of the signing keys.
    #[must_use]
    pub fn with_signing_keys(mut self, signing_keys: SigningKeySource) -> Self {
        self.signing_keys = signing_keys;
        self
    }

    /// Creates the data directory and its missing parents, accessible to the owner only. An existing
    /// directory keeps its mode: everything inside is owner-only by itself.
    pub(super) fn create_data_dir(&self) -> Result<(), OpenError> {
        let Some(path) = &self.data_dir else {
            return Ok(());
        };
        create_durably(path, sync_directory).map_err(|source| OpenError::DataDir {
            path: path.clone(),
            source,
        })
    }

    /// Loads the signing keys; `None` if there are none yet and they may be generated.
    pub(super) fn find_keys(&self) -> Result<Option<KeyRing>, OpenError> {
        match &self.signing_keys {
            SigningKeySource::Generated(path) if !self.database.is_shared() => {
                match signing_keys::load(path) {
                    Err(SigningKeysError::Missing { .. }) => Ok(None),
                    loaded => Ok(Some(loaded?)),
                }
            }
            _ => self.load_keys().map(Some),
        }
    }

    /// Loads the signing keys. Generates them if the options ask for it and the database is not shared.
    pub(super) fn load_keys(&self) -> Result<KeyRing, OpenError> {
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

/// Creates a directory and its missing parents, each of which is durable in its own parent: otherwise a
/// loss of power could take all that was acknowledged below them.
fn create_durably(path: &Path, sync: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let ancestors = path.ancestors();
    let missing = ancestors.take_while(|it| !it.as_os_str().is_empty() && !it.exists());
    let missing: Vec<_> = missing.collect();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    for directory in missing.into_iter().rev() {
        let parent = directory.parent().filter(|it| !it.as_os_str().is_empty());
        sync(parent.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn every_parent_of_a_created_directory_is_synced() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let synced = RefCell::new(Vec::new());
        let create = |path: &Path| {
            let created = create_durably(path, |parent| {
                synced.borrow_mut().push(parent.to_owned());
                sync_directory(parent)
            });
            created.unwrap();
            synced.take()
        };
        let deep = root.join("a/b/c");
        let parents = [root.to_owned(), root.join("a"), root.join("a/b")];
        assert_eq!(create(&deep), parents);
        assert!(deep.is_dir());
        assert!(create(&deep).is_empty());
        assert_eq!(create(&root.join("a/d")), [root.join("a")]);
    }

    #[test]
    fn failed_sync_of_a_parent_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let failing = |_: &Path| Err(io::Error::from(io::ErrorKind::StorageFull));
        let error = create_durably(&folder.path().join("a"), failing).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        std::fs::write(folder.path().join("file"), "").unwrap();
        create_durably(&folder.path().join("file/a"), sync_directory).unwrap_err();
    }
}
