//! SQLite's result codes, and what they mean to a caller.

use attache_metadata::RepositoryErrorKind;
use rusqlite::ffi;

use crate::failure::{Effect, Failure};

/// Returns the primary result code of SQLite's in an error; `None` where the error is not SQLite's.
fn primary_code(error: &rusqlite::Error) -> Option<i32> {
    let error = match error {
        rusqlite::Error::SqlInputError { error, .. } => error,
        error => error.sqlite_error()?,
    };
    Some(error.extended_code & 0xff)
}

/// Returns `true` if another connection holds the lock.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        primary_code(error),
        Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL)
    )
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match primary_code(&error) {
            Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_PROTOCOL) => {
                RepositoryErrorKind::Unavailable
            }
            Some(ffi::SQLITE_FULL) => RepositoryErrorKind::OutOfSpace,
            Some(ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB) => RepositoryErrorKind::Inconsistent,
            _ => RepositoryErrorKind::Other,
        };
        let effect = match primary_code(&error) {
            Some(
                ffi::SQLITE_ERROR
                | ffi::SQLITE_TOOBIG
                | ffi::SQLITE_CONSTRAINT
                | ffi::SQLITE_MISMATCH
                | ffi::SQLITE_RANGE,
            ) => Effect::Statement,
            _ => Effect::Transaction,
        };
        Self::Statement {
            kind,
            effect,
            source: error.into(),
        }
    }
}

/// Classifies what a `COMMIT` failed with. An I/O error may come after the commit reached the log.
pub(super) fn of_commit(error: rusqlite::Error) -> Failure {
    match primary_code(&error) {
        Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED | ffi::SQLITE_FULL | ffi::SQLITE_CONSTRAINT) => {
            error.into()
        }
        _ => Failure::Commit(error.into()),
    }
}
