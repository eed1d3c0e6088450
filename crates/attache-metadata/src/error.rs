//! What a repository can fail with, apart from answers such as «claimed by another».

use std::fmt;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a failure of a repository means to its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RepositoryErrorKind {
    /// The database cannot be reached, or its queue is full. Nothing was changed; the same call may
    /// succeed later.
    Unavailable,
    /// The database has no room. Nothing was changed.
    OutOfSpace,
    /// A commit was sent and its answer was lost: the change may or may not have been made.
    OutcomeUnknown,
    /// A row does not make sense: written by something else, or damaged.
    Inconsistent,
    /// Anything else: a fault of the device, the driver or the statement. Nothing was changed.
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
    /// A failure of `operation`, such as `commit_files`.
    pub fn new(kind: RepositoryErrorKind, operation: &'static str) -> Self {
        Self {
            kind,
            operation,
            source: None,
        }
    }

    /// Keeps the backend's own error for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the failure means.
    pub fn kind(&self) -> RepositoryErrorKind {
        self.kind
    }

    /// Whether the same call may succeed when it is made again, and is safe to make again.
    pub fn is_retryable(&self) -> bool {
        self.kind == RepositoryErrorKind::Unavailable
    }
}

impl fmt::Display for RepositoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.kind {
            RepositoryErrorKind::Unavailable => "the database is unavailable",
            RepositoryErrorKind::OutOfSpace => "no room in the database",
            RepositoryErrorKind::OutcomeUnknown => "whether the change was committed is unknown",
            RepositoryErrorKind::Inconsistent => "the database holds a row that makes no sense",
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
