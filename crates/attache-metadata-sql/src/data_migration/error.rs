//! The reasons why records could not be copied.

use crate::open_error::{DatabaseFailure, OpenError};

/// The reason why records could not be copied.
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
    /// Another migration to the target is in progress.
    #[error("another data migration to the target database is in progress")]
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
    /// After everything was copied, the target lacks rows of the source.
    #[error("the target database lacks {table} of the source")]
    Incomplete {
        /// The table.
        table: &'static str,
    },
    /// A row of the source is inconsistent.
    #[error("a row of {table} in the source is inconsistent")]
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
    pub(super) fn of_source(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Source(DatabaseFailure::new(error))
    }

    pub(super) fn of_target(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Target(DatabaseFailure::new(error))
    }
}
