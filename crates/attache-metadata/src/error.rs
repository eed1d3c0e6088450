//! Failures of a repository. Refusals, such as a claim by another holder, are not failures.

use std::fmt;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The meaning of a failure to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RepositoryErrorKind {
    /// The database cannot be reached. Nothing was changed; the same call may succeed later.
    Unavailable,
    /// So many calls wait already that this one may not. Nothing was changed; the same call may succeed later.
    Busy,
    /// The database is full. Nothing was changed.
    OutOfSpace,
    /// A commit was sent and its response was lost: the change may or may not have been made.
    OutcomeUnknown,
    /// A stored row is not valid: it is damaged, or was written by something else.
    Inconsistent,
    /// Any other failure of the device, the driver or the statement. Nothing was changed.
    Other,
}

/// A failure of a repository.
#[derive(Debug)]
pub struct RepositoryError {
    kind: RepositoryErrorKind,
    operation: &'static str,
    source: Option<BoxError>,
}

impl RepositoryError {
    /// Creates a failure of `operation`, such as `commit_files`.
    pub fn new(kind: RepositoryErrorKind, operation: &'static str) -> Self {
        Self {
            kind,
            operation,
            source: None,
        }
    }

    /// Attaches the backend's own error, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The meaning of the failure.
    pub fn kind(&self) -> RepositoryErrorKind {
        self.kind
    }

    /// Returns `true` if the database is away or full. Its backend logs once that this began: callers need
    /// not log each failed call.
    pub fn is_outage(&self) -> bool {
        matches!(
            self.kind,
            RepositoryErrorKind::Unavailable
                | RepositoryErrorKind::OutOfSpace
                | RepositoryErrorKind::OutcomeUnknown
        )
    }

    /// Returns `true` if the same call is safe to retry and may succeed then.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            RepositoryErrorKind::Unavailable | RepositoryErrorKind::Busy
        )
    }
}

impl fmt::Display for RepositoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.kind {
            RepositoryErrorKind::Unavailable => "the database is unavailable",
            RepositoryErrorKind::Busy => "the database is busy",
            RepositoryErrorKind::OutOfSpace => "the database is full",
            RepositoryErrorKind::OutcomeUnknown => "the outcome of the commit is unknown",
            RepositoryErrorKind::Inconsistent => "the database holds an invalid row",
            RepositoryErrorKind::Other => "the database failed",
        };
        write!(f, "{}: {meaning}", self.operation)
    }
}

impl std::error::Error for RepositoryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
