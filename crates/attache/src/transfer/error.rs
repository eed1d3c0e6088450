//! Why an installation could not be moved.

use std::path::PathBuf;

use attache_metadata_sql::data_migration::DataMigrationError as DatabaseError;
use attache_model::FileId;
use attache_storage::BlobError;

use crate::OpenError;

/// Why an installation could not be moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The source is no embedded installation.
    #[error("the source is not an SQLite database")]
    SourceNotSqlite,
    /// The target's records are not to be on a PostgreSQL server.
    #[error("the target is not a PostgreSQL database")]
    TargetNotPostgres,
    /// Source and target name the same store.
    #[error("source and target have the same store: the target needs one of its own")]
    SameStore,
    /// A part of the source is not there.
    #[error("there is no {}", .path.display())]
    NoSource {
        /// The part.
        path: PathBuf,
    },
    /// The source's store cannot be opened; a server may run on it.
    #[error("the source cannot be opened")]
    OpenSource(#[source] OpenError),
    /// The target's store cannot be opened.
    #[error("the target cannot be opened")]
    OpenTarget(#[source] OpenError),
    /// One of the databases cannot be used, or the target holds something else.
    #[error("the records cannot be carried")]
    Records(#[from] DatabaseError),
    /// The source's store failed.
    #[error("the source's store failed")]
    SourceStore(#[source] BlobError),
    /// The target's store failed.
    #[error("the target's store failed")]
    TargetStore(#[source] BlobError),
    /// Bytes of the source are not those that were once stored, or are missing.
    #[error("{blobs} blobs are damaged or missing in the source")]
    Damaged {
        /// How many of them.
        blobs: u64,
        /// The files whose bytes they are: all of them, or the first hundred.
        files: Vec<FileId>,
    },
}
