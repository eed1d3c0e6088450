//! What can go wrong in Postgres and on the way to it, mapped once to what it means to a caller.

use attache_metadata::{Refusal, RepositoryError, RepositoryErrorKind};
use sqlx::postgres::PgDatabaseError;

use crate::rows::RowError;

/// A fault of the database or of the way to it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// A statement failed, or its connection.
    #[error("a statement failed")]
    Statement(#[source] sqlx::Error),
    /// `COMMIT` was sent and not answered, or not in a way that tells what became of it.
    #[error("the answer to the commit was lost")]
    Commit(#[source] sqlx::Error),
    /// A row makes no sense.
    #[error("a row makes no sense")]
    Row(#[from] RowError),
    /// A column that this program has selected is not in the answer.
    #[error("a column could not be read")]
    Column(#[source] sqlx::Error),
    /// A value to be stored is larger than a column holds, or is none of its values.
    #[error("the value of {0} is not one that the database holds")]
    NotStorable(&'static str),
    /// The position behind which a page is to begin is not in the order of the list.
    #[error("the position is of another order")]
    Position,
    /// The record was changed by another between two statements: what the first did not find, the
    /// second does.
    #[error("the record was changed meanwhile")]
    Raced,
    /// The event hook panicked. The change was undone.
    #[error("the event hook panicked")]
    Panicked,
    /// The server takes no writes: it is a standby, or was told to.
    #[error("the server takes no writes")]
    ReadOnly,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Column(error),
            error => Self::Statement(error),
        }
    }
}

/// The unique indexes that two well-behaved transactions can meet at.
const RACES: [&str; 2] = ["blobs_by_content", "files_by_request"];

/// The server's own error in one of the driver's; `None` where the server did not answer.
fn answer(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

impl Failure {
    /// What a `COMMIT` failed with. Only what the server is known to answer after it undid the
    /// transaction says that nothing was changed.
    pub(super) fn of_commit(error: sqlx::Error) -> Self {
        let code = answer(&error).map(PgDatabaseError::code);
        let undone = code.is_some_and(|code| {
            code.starts_with("23") || matches!(code, "40001" | "40002" | "40P01")
        });
        if undone {
            Self::Statement(error)
        } else {
            Self::Commit(error)
        }
    }

    /// Whether another transaction was in the way, so that the same one made again may pass:
    /// serialization failures, deadlocks, and unique values that another was first to write.
    pub(super) fn is_race(&self) -> bool {
        let error = match self {
            Self::Raced => return true,
            Self::Statement(error) => error,
            _ => return false,
        };
        answer(error).is_some_and(|answer| match answer.code() {
            "40001" | "40P01" => true,
            "23505" => answer.constraint().is_some_and(|it| RACES.contains(&it)),
            _ => false,
        })
    }

    /// Whether a commit was sent and it cannot be told what became of it.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Commit(_))
    }

    pub(super) fn kind(&self) -> RepositoryErrorKind {
        match self {
            Self::Row(_) | Self::Column(_) => RepositoryErrorKind::Inconsistent,
            Self::Commit(_) => RepositoryErrorKind::OutcomeUnknown,
            Self::ReadOnly | Self::Raced => RepositoryErrorKind::Unavailable,
            Self::NotStorable(_) | Self::Position | Self::Panicked => RepositoryErrorKind::Other,
            Self::Statement(error) => statement_kind(error),
        }
    }

    /// The public error of an operation.
    pub(super) fn in_operation(self, operation: &'static str) -> RepositoryError {
        RepositoryError::new(self.kind(), operation).with_source(self)
    }
}

/// What a failed statement means; its transaction was undone, or is with its connection.
fn statement_kind(error: &sqlx::Error) -> RepositoryErrorKind {
    let Some(answer) = answer(error) else {
        return match error {
            // Protocol errors are what a connection that broke half-way looks like.
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::BeginFailed
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => RepositoryErrorKind::Unavailable,
            _ => RepositoryErrorKind::Other,
        };
    };
    // The codes are in the appendix «PostgreSQL Error Codes» of the server's manual.
    match answer.code() {
        // Disk full.
        "53100" => RepositoryErrorKind::OutOfSpace,
        // Serialization failure, deadlock; a lock or a statement took too long; idle too long;
        // a standby after a failover.
        "40001" | "40P01" | "55P03" | "57014" | "25P03" | "25006" => {
            RepositoryErrorKind::Unavailable
        }
        // Data or index corrupted.
        "XX001" | "XX002" => RepositoryErrorKind::Inconsistent,
        // Connection exceptions; out of connections or memory; shutdown, crash, start-up.
        code if ["08", "53", "57P"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            RepositoryErrorKind::Unavailable
        }
        // A unique value that another was first to write, five times over.
        "23505" if answer.constraint().is_some_and(|it| RACES.contains(&it)) => {
            RepositoryErrorKind::Unavailable
        }
        _ => RepositoryErrorKind::Other,
    }
}

/// Why a change stops without being made.
#[derive(Debug)]
pub(super) enum Stop<R> {
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
