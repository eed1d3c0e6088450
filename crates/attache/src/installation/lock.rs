//! The locks that keep a second program away from what only one at a time may use.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::error::OpenError;
#[cfg(feature = "sqlite")]
use super::options::DatabaseLocation;
use super::options::InstallationOptions;

/// The lock file in the data directory.
const LOCK: &str = ".lock";

/// The locks of an open installation. They end with it, or with the process.
#[derive(Debug)]
pub(crate) struct Locks {
    _files: Vec<File>,
}

impl InstallationOptions {
    /// Locks the data directory, and an SQLite file elsewhere. The store has a lock of its own, but a
    /// second program may have been given another store.
    pub(crate) fn lock(&self) -> Result<Locks, OpenError> {
        let mut files = Vec::new();
        if let Some(data_dir) = &self.data_dir {
            files.push(lock(&data_dir.join(LOCK), data_dir)?);
        }
        #[cfg(feature = "sqlite")]
        if let DatabaseLocation::Sqlite(path) = &self.database
            && path.parent() != self.data_dir.as_deref()
        {
            let mut name = path.as_os_str().to_owned();
            name.push(LOCK);
            files.push(lock(Path::new(&name), path)?);
        }
        Ok(Locks { _files: files })
    }
}

fn lock(path: &Path, what: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Lock {
        path: path.to_owned(),
        source,
    };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.mode(0o600).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
            path: what.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
