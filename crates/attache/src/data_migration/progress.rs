//! Events while a data migration runs, and its report at the end.

use std::sync::Arc;

use attache_metadata_sql::data_migration::CopiedRows;

/// An event of a running data migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataMigrationEvent {
    /// Both sides were checked, and copying starts.
    Started {
        /// The number of blobs to copy, including those that earlier runs have copied.
        blobs: u64,
        /// The number of bytes in these blobs.
        bytes: u64,
    },
    /// An earlier run has copied this blob.
    BlobSkipped {
        /// Its size in bytes.
        size_bytes: u64,
    },
    /// This many more bytes were read from the source.
    BytesRead(u64),
    /// A blob was copied and verified, and its row inserted.
    BlobCopied {
        /// Its size in bytes.
        size_bytes: u64,
    },
    /// Some rows were copied or, at the end, compared. Comes after all blobs.
    RowsDone {
        /// Their table.
        table: &'static str,
        /// The number of its rows that are done.
        rows: u64,
    },
}

/// A callback for events. It is called from any thread and must not block.
pub type DataMigrationObserver = Arc<dyn Fn(DataMigrationEvent) + Send + Sync>;

/// The result of a complete data migration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataMigrationReport {
    /// Each table and the number of its rows, which is the same in both databases.
    pub tables: Vec<CopiedRows>,
    /// The number of blobs that this run copied.
    pub blobs_copied: u64,
    /// The number of blobs that earlier runs had copied.
    pub blobs_skipped: u64,
    /// The number of bytes that this run copied.
    pub bytes_copied: u64,
}
