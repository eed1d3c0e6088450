//! The error of a data migration.

use std::path::PathBuf;

use attache_metadata_sql::data_migration::DataMigrationError as DatabaseError;
use attache_model::FileId;
use attache_storage::BlobError;

use crate::installation::OpenError;

/// The error of a data migration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataMigrationError {
    /// The source is not an embedded installation.
    #[error("the source is not an SQLite database")]
    SourceNotSqlite,
    /// The target's database is not on a PostgreSQL server.
    #[error("the target is not a PostgreSQL database")]
    TargetNotPostgres,
    /// Source and target use the same store.
    #[error("source and target use the same store: the target needs its own")]
    SameStore,
    /// A part of the source is missing.
    #[error("there is no {}", .path.display())]
    MissingSource {
        /// The path of the missing part.
        path: PathBuf,
    },
    /// The source's store cannot be opened; a server may be using it.
    #[error("the source cannot be opened")]
    OpenSource(#[source] OpenError),
    /// The target's store cannot be opened.
    #[error("the target cannot be opened")]
    OpenTarget(#[source] OpenError),
    /// One of the databases cannot be used, or the target holds other data.
    #[error("the records cannot be copied")]
    Records(#[from] DatabaseError),
    /// The source's store failed.
    #[error("the source's store failed")]
    SourceStore(#[source] BlobError),
    /// The target's store failed.
    #[error("the target's store failed")]
    TargetStore(#[source] BlobError),
    /// Bytes of the source are missing, or differ from those that were stored.
    #[error("{blobs} blobs are damaged or missing in the source")]
    Damaged {
        /// The number of such blobs.
        blobs: u64,
        /// The files that these bytes belong to: all of them, or the first hundred.
        files: Vec<FileId>,
    },
}
