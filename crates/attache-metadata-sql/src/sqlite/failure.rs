//! What can go wrong in SQLite and around it, mapped once to what it means to a caller.

use std::sync::Arc;

use attache_metadata::{Refusal, RepositoryError, RepositoryErrorKind};

use crate::rows::RowError;

/// A fault of the database or of the way to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A statement failed, or its connection.
    #[error("a statement failed")]
    Statement(#[source] sqlx::Error),
    /// `COMMIT` failed while it wrote: it cannot be told whether the changes will be there after a
    /// crash.
    #[error("the commit failed half-way")]
    Commit(#[source] sqlx::Error),
    /// A row makes no sense.
    #[error("a row makes no sense")]
    Row(#[from] RowError),
    /// A value to be stored is larger than a column holds.
    #[error("the value of {0} is larger than the database holds")]
    TooLarge(&'static str),
    /// The position behind which a page is to begin is not in the order of the list.
    #[error("the position is of another order")]
    Position,
    /// The queue of the writer is full.
    #[error("too many changes wait for the writer")]
    QueueFull,
    /// The repository was closed.
    #[error("the repository is closed")]
    Closed,
    /// The writer ended before it answered.
    #[error("the writer ended before it answered")]
    WriterGone,
    /// The code that makes a change, or the event hook, panicked. The change was undone.
    #[error("the change panicked")]
    Panicked,
    /// A connection came up with other settings than it must have.
    #[error("the setting {name} is {found}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it was found to be.
        found: String,
    },
    /// A column that this program has selected is not in the answer.
    #[error("a column could not be read")]
    Column(#[source] sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Column(error),
            error => Self::Statement(error),
        }
    }
}

// The primary result codes of SQLite that are told apart (sqlite.org/rescode.html).
const ERROR: u32 = 1;
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const PROTOCOL: u32 = 15;
const TOOBIG: u32 = 18;
const CONSTRAINT: u32 = 19;
const MISMATCH: u32 = 20;
const RANGE: u32 = 25;
const NOTADB: u32 = 26;

/// The primary result code of SQLite's in an error; `None` where the error is not SQLite's.
pub(crate) fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?.parse::<u32>().ok()?;
    Some(code & 0xff)
}

/// Whether another connection holds the lock.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(BUSY | LOCKED | PROTOCOL))
}

impl Failure {
    /// What a `COMMIT` failed with. An I/O error may come after the commit reached the log.
    pub(super) fn of_commit(error: sqlx::Error) -> Self {
        match primary_code(&error) {
            Some(BUSY | LOCKED | FULL | CONSTRAINT) => Self::Statement(error),
            _ => Self::Commit(error),
        }
    }

    /// Whether only the change that met it is lost. Everything that is not known to leave the
    /// transaction standing ends it: SQLite rolls back by itself on some errors, and what follows
    /// would run outside of it.
    pub(super) fn is_of_one_change(&self) -> bool {
        match self {
            Self::Row(_) | Self::TooLarge(_) | Self::Panicked | Self::Column(_) => true,
            Self::Statement(error) => matches!(
                primary_code(error),
                Some(ERROR | TOOBIG | CONSTRAINT | MISMATCH | RANGE)
            ),
            _ => false,
        }
    }

    fn kind(&self) -> RepositoryErrorKind {
        match self {
            Self::Row(_) | Self::Column(_) => RepositoryErrorKind::Inconsistent,
            Self::QueueFull | Self::Closed => RepositoryErrorKind::Unavailable,
            Self::WriterGone | Self::Commit(_) => RepositoryErrorKind::OutcomeUnknown,
            Self::TooLarge(_) | Self::Panicked | Self::Setting { .. } | Self::Position => {
                RepositoryErrorKind::Other
            }
            Self::Statement(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => {
                RepositoryErrorKind::Unavailable
            }
            Self::Statement(error) => match primary_code(error) {
                Some(BUSY | LOCKED | PROTOCOL) => RepositoryErrorKind::Unavailable,
                Some(FULL) => RepositoryErrorKind::OutOfSpace,
                Some(CORRUPT | NOTADB) => RepositoryErrorKind::Inconsistent,
                _ => RepositoryErrorKind::Other,
            },
        }
    }

    /// The public error of an operation.
    pub(super) fn in_operation(self, operation: &'static str) -> RepositoryError {
        RepositoryError::new(self.kind(), operation).with_source(self)
    }

    /// The public error of one of several operations that failed together.
    pub(super) fn shared_in_operation(self: Arc<Self>, operation: &'static str) -> RepositoryError {
        RepositoryError::new(self.kind(), operation).with_source(self)
    }
}

/// Why a change stops without being made.
#[derive(Debug)]
pub(crate) enum Stop<R> {
    /// For a reason that is an answer.
    Refused(R),
    /// Because something failed.
    Failed(Failure),
}

impl<R> From<sqlx::Error> for Stop<R> {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl<R> From<Failure> for Stop<R> {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<R> From<RowError> for Stop<R> {
    fn from(error: RowError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Refusal> for Stop<Refusal> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
