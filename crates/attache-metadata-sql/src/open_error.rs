//! The results of opening and migrating a database.

use std::fmt;
use std::path::PathBuf;

use crate::failure::Failure;

/// The versions of the schema before and after a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MigrationReport {
    /// The version the schema was at; 0 for a new database.
    pub from_version: i64,
    /// The version it is at now.
    pub to_version: i64,
}

/// The reason why a database could not be opened or migrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no file; a migration creates it.
    #[error("there is no database at {}", .path.display())]
    Missing {
        /// The path of the file.
        path: PathBuf,
    },
    /// The schema is older than this program's.
    #[error("the database has schema {found}, older than {needed}, which this program needs")]
    SchemaOlder {
        /// The database's version; 0 for none.
        found: i64,
        /// This program's version.
        needed: i64,
    },
    /// The schema is newer than this program's: it was written by a later release.
    #[error("the database has schema {found}, newer than this program, which knows {known}")]
    SchemaNewer {
        /// The database's version.
        found: i64,
        /// This program's version.
        known: i64,
    },
    /// A migration that was applied is not the one this program has.
    #[error("migration {version} of the database is not this program's")]
    SchemaAltered {
        /// The migration.
        version: i64,
    },
    /// The SQLite library is too old to be trusted with a write-ahead log.
    #[error("the SQLite library is {found}, older than 3.51.3")]
    Library {
        /// The library's version.
        found: String,
    },
    /// The file could not be created.
    #[error("the database file cannot be created")]
    File(#[source] std::io::Error),
    /// The address of the database cannot be read, or has an unknown parameter. It is not part of the
    /// error: it may hold a password.
    #[error(
        "the address of the database is not of the form \
         postgres://user:password@host:port/database?sslmode=require"
    )]
    Address,
    /// The server is older than this program can use, or keeps texts in another encoding.
    #[error("the setting {name} of the server is {found}, but {needed} is needed")]
    Server {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: String,
        /// The value it must have.
        needed: &'static str,
    },
    /// The database failed, or does not take a setting it must have.
    #[error("the database failed")]
    Database(#[source] DatabaseFailure),
}

/// A failure of the database while it was opened or migrated. Opaque: for the log.
pub struct DatabaseFailure(Box<dyn std::error::Error + Send + Sync>);

impl DatabaseFailure {
    pub(crate) fn new(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for DatabaseFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DatabaseFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for DatabaseFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        Self::Database(DatabaseFailure::new(failure))
    }
}
