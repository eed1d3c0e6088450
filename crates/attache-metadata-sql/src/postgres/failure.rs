//! Postgres's error codes, and what they mean to a caller.

use attache_metadata::RepositoryErrorKind;
use sqlx::postgres::PgDatabaseError;

use crate::failure::{Effect, Failure};

/// The unique indexes that two well-behaved transactions can meet at.
const RACES: [&str; 2] = ["blobs_by_content", "files_by_request"];

/// Returns the server's own error in one of the driver's; `None` where the server did not respond.
fn response(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::column(error),
            error => Self::Statement {
                kind: kind(&error),
                effect: effect(&error),
                source: error.into(),
            },
        }
    }
}

/// Classifies what a `COMMIT` failed with. Only the codes that the server is known to send after it
/// undid the transaction say that nothing was changed.
pub(super) fn of_commit(error: sqlx::Error) -> Failure {
    let code = response(&error).map(PgDatabaseError::code);
    let undone = code
        .is_some_and(|code| code.starts_with("23") || matches!(code, "40001" | "40002" | "40P01"));
    if undone {
        error.into()
    } else {
        Failure::Commit(error.into())
    }
}

/// Returns `true` if a server refused a connection and others may get one: too many connections, wrong
/// credentials. One that starts or shuts down is away.
pub(super) fn is_refusal_of_a_living_server(error: &sqlx::Error) -> bool {
    response(error).is_some_and(|response| !response.code().starts_with("57P"))
}

/// Tells races from other failures: serialization failures, deadlocks, and unique values that another
/// was first to write.
fn effect(error: &sqlx::Error) -> Effect {
    let is_race = response(error).is_some_and(|response| match response.code() {
        "40001" | "40P01" => true,
        "23505" => is_known_race(response),
        _ => false,
    });
    if is_race {
        Effect::Race
    } else {
        Effect::Transaction
    }
}

fn is_known_race(response: &PgDatabaseError) -> bool {
    let constraint = response.constraint();
    constraint.is_some_and(|it| RACES.contains(&it))
}

/// Returns the meaning of a failed statement; its transaction was undone, or is with its connection.
fn kind(error: &sqlx::Error) -> RepositoryErrorKind {
    let Some(response) = response(error) else {
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
    // The codes are in the appendix "PostgreSQL Error Codes" of the server's manual.
    match response.code() {
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
        "23505" if is_known_race(response) => RepositoryErrorKind::Unavailable,
        _ => RepositoryErrorKind::Other,
    }
}
