//! The version of a schema: what was applied, what this program needs, and why they may not fit.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{AppliedMigration, Migration, MigrationType};

/// The table in which the driver notes what was applied.
pub(crate) const TABLE: &str = "_sqlx_migrations";

/// What a migration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MigrationReport {
    /// The version the schema was at; 0 for a new database.
    pub from_version: i64,
    /// The version it is at now.
    pub to_version: i64,
}

/// Why a database could not be opened or migrated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no file; a migration makes it.
    #[error("there is no database at {}", .path.display())]
    Missing {
        /// Where it was looked for.
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
    /// The file could not be made.
    #[error("the database file cannot be made")]
    File(#[source] std::io::Error),
    /// The address of the database cannot be read, or has a parameter that is not known. What it was
    /// is not told: it may hold a password.
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
        /// What it is.
        found: String,
        /// What it must be.
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

/// A migration of this program.
pub(crate) fn migration(version: i64, description: &'static str, sql: &'static str) -> Migration {
    let sql = sql.into_sql_str();
    let description = Cow::Borrowed(description);
    Migration::new(version, description, MigrationType::Simple, sql, false)
}

/// The version of the schema that this program works on.
pub(crate) fn newest(migrations: &[Migration]) -> i64 {
    migrations.last().map_or(0, |last| last.version)
}

/// The version of a schema, 0 where nothing was applied. Newer and altered ones are refused.
pub(crate) fn version(
    applied: &[AppliedMigration],
    migrations: &[Migration],
) -> Result<i64, OpenError> {
    let known = newest(migrations);
    let found = applied.iter().map(|it| it.version).max().unwrap_or(0);
    if found > known {
        return Err(OpenError::SchemaNewer { found, known });
    }
    for migration in applied {
        let ours = migrations.iter().find(|it| it.version == migration.version);
        if ours.is_none_or(|ours| ours.checksum != migration.checksum) {
            return Err(OpenError::SchemaAltered {
                version: migration.version,
            });
        }
    }
    Ok(found)
}

/// Refuses a version that is older than this program's.
pub(crate) fn require_newest(found: i64, migrations: &[Migration]) -> Result<(), OpenError> {
    let needed = newest(migrations);
    if found < needed {
        return Err(OpenError::SchemaOlder { found, needed });
    }
    Ok(())
}
