//! From where to where: what can be told before anything is opened.

use std::path::Path;

use attache_metadata_sql::PostgresOptions;

use super::TransferError;
use crate::{DatabaseLocation, InstallationOptions, StorageLocation};

/// The databases of a transfer.
pub(super) struct Places<'o> {
    pub(super) sqlite: &'o Path,
    pub(super) postgres: &'o PostgresOptions,
}

impl<'o> Places<'o> {
    pub(super) fn of(
        source: &'o InstallationOptions,
        target: &'o InstallationOptions,
    ) -> Result<Self, TransferError> {
        let DatabaseLocation::Sqlite(sqlite) = &source.database else {
            return Err(TransferError::SourceNotSqlite);
        };
        let DatabaseLocation::Postgres(postgres) = &target.database else {
            return Err(TransferError::TargetNotPostgres);
        };
        if is_same(&source.storage, &target.storage) {
            return Err(TransferError::SameStore);
        }
        // Opening would make them.
        require(sqlite)?;
        match &source.storage {
            StorageLocation::Local(path) => require(path)?,
            #[cfg(feature = "s3")]
            StorageLocation::S3 { .. } => {}
        }
        Ok(Self { sqlite, postgres })
    }
}

fn require(path: &Path) -> Result<(), TransferError> {
    if path.exists() {
        return Ok(());
    }
    Err(TransferError::NoSource {
        path: path.to_owned(),
    })
}

/// Whether two stores are one. Each installation deletes what it has no use for, so each needs bytes of
/// its own.
fn is_same(one: &StorageLocation, other: &StorageLocation) -> bool {
    match (one, other) {
        (StorageLocation::Local(one), StorageLocation::Local(other)) => {
            match (one.canonicalize(), other.canonicalize()) {
                (Ok(one), Ok(other)) => one == other,
                // One that is not there yet is not the other.
                _ => one == other,
            }
        }
        #[cfg(feature = "s3")]
        (StorageLocation::S3 { options: one, .. }, StorageLocation::S3 { options: other, .. }) => {
            one.bucket == other.bucket
                && one.prefix == other.prefix
                && one.endpoint == other.endpoint
        }
        #[cfg(feature = "s3")]
        _ => false,
    }
}
