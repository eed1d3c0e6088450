//! Why records could not be carried over.

use crate::schema::{DatabaseFailure, OpenError};

/// Why records could not be carried over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataMigrationError {
    /// The source cannot be opened, or has another schema than this program's.
    #[error("the source database cannot be opened")]
    OpenSource(#[source] OpenError),
    /// The target cannot be opened, or has another schema than this program's.
    #[error("the target database cannot be opened")]
    OpenTarget(#[source] OpenError),
    /// Another program is writing to the source.
    #[error("another program is writing to the source database")]
    SourceInUse,
    /// Another transfer to the target is under way.
    #[error("another transfer to the target database is under way")]
    TargetInUse,
    /// The target holds something that does not come from this source.
    #[error("the target database holds other {table} than those of the source")]
    OtherContent {
        /// The table.
        table: &'static str,
    },
    /// Blobs of the source are kept in a format whose bytes this program cannot verify.
    #[error("blobs of the source are in a format that this program does not know")]
    UnknownFormat,
    /// After all was carried, the target lacks rows of the source.
    #[error("the target database lacks {table} of the source")]
    Incomplete {
        /// The table.
        table: &'static str,
    },
    /// A row of the source makes no sense.
    #[error("a row of {table} in the source makes no sense")]
    Inconsistent {
        /// The table.
        table: &'static str,
    },
    /// The source failed.
    #[error("the source database failed")]
    Source(#[source] DatabaseFailure),
    /// The target failed.
    #[error("the target database failed")]
    Target(#[source] DatabaseFailure),
}

impl DataMigrationError {
    pub(crate) fn of_source(error: sqlx::Error) -> Self {
        Self::Source(DatabaseFailure::new(error))
    }

    pub(crate) fn of_target(error: sqlx::Error) -> Self {
        Self::Target(DatabaseFailure::new(error))
    }
}
