//! Validates source and target before anything is opened.

use std::path::Path;
use std::sync::Arc;

use attache_metadata_sql::PostgresOptions;

use super::error::DataMigrationError;
use crate::installation::{DatabaseLocation, InstallationOptions, StorageLocation};

/// The databases of a data migration.
#[derive(Debug)]
pub(super) struct Databases<'o> {
    pub(super) source: &'o Path,
    pub(super) target: &'o PostgresOptions,
}

/// Returns the databases if source and target are suitable. Opens and creates nothing.
pub(super) fn databases<'o>(
    source: &'o InstallationOptions,
    target: &'o InstallationOptions,
) -> Result<Databases<'o>, DataMigrationError> {
    let DatabaseLocation::Sqlite(sqlite) = &source.database else {
        return Err(DataMigrationError::SourceNotSqlite);
    };
    let DatabaseLocation::Postgres(postgres) = &target.database else {
        return Err(DataMigrationError::TargetNotPostgres);
    };
    if is_same_store(&source.storage, &target.storage) {
        return Err(DataMigrationError::SameStore);
    }
    // Opening would create them.
    require(sqlite)?;
    match &source.storage {
        StorageLocation::Local(path) => require(path)?,
        #[cfg(feature = "s3")]
        StorageLocation::S3 { .. } => {}
        StorageLocation::Own { .. } => {}
    }
    Ok(Databases {
        source: sqlite,
        target: postgres,
    })
}

fn require(path: &Path) -> Result<(), DataMigrationError> {
    if path.exists() {
        return Ok(());
    }
    Err(DataMigrationError::MissingSource {
        path: path.to_owned(),
    })
}

/// Returns `true` if both locations are the same store. Each installation deletes what it does not
/// refer to, so each needs its own bytes.
fn is_same_store(one: &StorageLocation, other: &StorageLocation) -> bool {
    match (one, other) {
        (StorageLocation::Local(one), StorageLocation::Local(other)) => {
            match (one.canonicalize(), other.canonicalize()) {
                (Ok(one), Ok(other)) => one == other,
                // A directory that does not exist yet is not the other one.
                _ => one == other,
            }
        }
        #[cfg(feature = "s3")]
        (StorageLocation::S3 { options: one, .. }, StorageLocation::S3 { options: other, .. }) => {
            one.bucket == other.bucket
                && one.prefix == other.prefix
                && one.endpoint == other.endpoint
        }
        (StorageLocation::Own { blobs: one, .. }, StorageLocation::Own { blobs: other, .. }) => {
            Arc::ptr_eq(one, other)
        }
        _ => false,
    }
}
