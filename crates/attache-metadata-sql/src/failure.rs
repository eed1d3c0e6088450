//! The faults of a database and of the connection to it, mapped once to their meaning for a caller.

use attache_lanes::Refused;
use attache_metadata::{Refusal, RepositoryError, RepositoryErrorKind};
use attache_model::InvalidValue;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A row that no version of this program would have written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    /// A text or number does not fit its type.
    #[error("a stored value does not fit its type")]
    Value(#[from] InvalidValue),
    /// Two columns contradict each other, or a number is out of range.
    #[error("the column {0} is inconsistent")]
    Column(&'static str),
    /// A value is missing.
    #[error("the column at position {0} is null")]
    Null(usize),
    /// A statement that must return a row returned none.
    #[error("a row is missing")]
    Missing,
}

/// The state of a transaction after one of its statements has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The statement alone was undone.
    #[cfg(feature = "sqlite")]
    Statement,
    /// The transaction is lost.
    Transaction,
    /// Another transaction was in the way: the same one made again may pass.
    #[cfg(feature = "postgres")]
    Race,
}

/// A fault of the database or of the connection to it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A statement failed, or its connection.
    #[error("a statement failed")]
    Statement {
        kind: RepositoryErrorKind,
        effect: Effect,
        source: BoxError,
    },
    /// `COMMIT` was sent, and it is unknown whether the changes will exist after a crash.
    #[error("the outcome of the commit is unknown")]
    Commit(#[source] BoxError),
    /// A row is inconsistent.
    #[error("a row is inconsistent")]
    Row(#[from] RowError),
    /// A column that this program has selected could not be read.
    #[error("a column could not be read")]
    Column(#[source] BoxError),
    /// A value is larger than its column holds, or is a text with a NUL.
    #[error("the value of {0} cannot be stored")]
    NotStorable(&'static str),
    /// The position behind which a page begins is not in the order of the list.
    #[error("the position is of another order")]
    Position,
    /// The record was changed by another between two statements: what the first did not find, the
    /// second does.
    #[error("the record was changed meanwhile")]
    Raced,
    /// The code of an operation, or the event hook, panicked. The change was undone.
    #[error("the operation panicked")]
    Panicked,
    /// A connection came up with other settings than it must have.
    #[cfg(feature = "sqlite")]
    #[error("the setting {name} is {found}")]
    Setting { name: &'static str, found: String },
    /// An operation waited for something else than its statements.
    #[cfg(feature = "sqlite")]
    #[error("an operation waited on a database thread")]
    Waited,
    /// The thread that owns the connection ended before it had a result.
    #[cfg(feature = "sqlite")]
    #[error("the database thread ended")]
    ThreadEnded,
    /// The call was refused a place to wait at. Nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The repository takes nothing at present; the reason is the text.
    #[cfg(feature = "postgres")]
    #[error("{0}")]
    Unavailable(&'static str),
}

impl From<InvalidValue> for Failure {
    fn from(error: InvalidValue) -> Self {
        Self::Row(error.into())
    }
}

impl Failure {
    pub(crate) fn column(error: impl Into<BoxError>) -> Self {
        Self::Column(error.into())
    }

    /// Returns `true` if the same transaction made again may pass.
    #[cfg(feature = "postgres")]
    pub(crate) fn is_race(&self) -> bool {
        let race = Effect::Race;
        matches!(self, Self::Raced)
            || matches!(self, Self::Statement { effect, .. } if *effect == race)
    }

    /// Returns `true` if the server may be away.
    #[cfg(feature = "postgres")]
    pub(crate) fn may_mean_an_outage(&self) -> bool {
        let is_unavailable = self.kind() == RepositoryErrorKind::Unavailable && !self.is_race();
        is_unavailable || matches!(self, Self::Commit(_))
    }

    /// Returns `true` if only the change that met it is lost. Everything that is not known to leave
    /// the transaction standing ends it: SQLite rolls back by itself on some errors, and what follows
    /// would run outside of it.
    #[cfg(feature = "sqlite")]
    pub(crate) fn is_of_one_change(&self) -> bool {
        match self {
            Self::Statement { effect, .. } => *effect == Effect::Statement,
            Self::Row(_)
            | Self::Column(_)
            | Self::NotStorable(_)
            | Self::Raced
            | Self::Panicked
            | Self::Waited => true,
            _ => false,
        }
    }

    pub(crate) fn kind(&self) -> RepositoryErrorKind {
        match self {
            Self::Statement { kind, .. } => *kind,
            Self::Commit(_) => RepositoryErrorKind::OutcomeUnknown,
            Self::Row(_) | Self::Column(_) => RepositoryErrorKind::Inconsistent,
            Self::Raced | Self::Refused(Refused::Closed) => RepositoryErrorKind::Unavailable,
            Self::Refused(Refused::LaneFull | Refused::Full) => RepositoryErrorKind::Busy,
            #[cfg(feature = "postgres")]
            Self::Unavailable(_) => RepositoryErrorKind::Unavailable,
            Self::NotStorable(_) | Self::Position | Self::Panicked => RepositoryErrorKind::Other,
            #[cfg(feature = "sqlite")]
            Self::Setting { .. } | Self::Waited => RepositoryErrorKind::Other,
            #[cfg(feature = "sqlite")]
            Self::ThreadEnded => RepositoryErrorKind::OutcomeUnknown,
        }
    }

    /// Makes the public error of an operation.
    pub(crate) fn in_operation(self, operation: &'static str) -> RepositoryError {
        RepositoryError::new(self.kind(), operation).with_source(self)
    }
}

/// The reason why a change stops without being made.
#[derive(Debug)]
pub(crate) enum Stop<R> {
    /// It was refused, which is a result.
    Refused(R),
    /// Something failed.
    Failed(Failure),
}

impl<R> From<Failure> for Stop<R> {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Refusal> for Stop<Refusal> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
