//! Failures of a store: few kinds for callers, any detail for the log.

use std::fmt;

use crate::{BlobKey, BodyError};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The kind of a store's failure, as its caller needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlobErrorKind {
    /// No blob has this key.
    NotFound,
    /// A blob has this key already. Keys are never reused, so this is a defect of the caller.
    AlreadyExists,
    /// The range does not lie within the blob.
    InvalidRange,
    /// The store has no space left.
    OutOfSpace,
    /// The store is unreachable or overloaded. The same call may succeed later.
    Unavailable,
    /// So many calls wait for the store already that this one may not. The same call may succeed later.
    Busy,
    /// Another process has the store open, and it can be open only once.
    InUse,
    /// The store denies access: credentials, ownership, file modes.
    PermissionDenied,
    /// The stored bytes are not the ones that were put.
    Corrupt,
    /// The store does not support this; see its [`Capabilities`](crate::Capabilities).
    Unsupported,
    /// Anything else: a fault of the device or the backend.
    Other,
}

/// A failure of a store, as opposed to a fault of a body.
#[derive(Debug)]
pub struct BlobError {
    kind: BlobErrorKind,
    operation: &'static str,
    key: Option<BlobKey>,
    source: Option<BoxError>,
}

impl BlobError {
    /// Creates a failure of `operation`, such as `put`.
    pub fn new(kind: BlobErrorKind, operation: &'static str) -> Self {
        Self {
            kind,
            operation,
            key: None,
            source: None,
        }
    }

    /// Adds the key of the blob.
    #[must_use]
    pub fn with_key(mut self, key: &BlobKey) -> Self {
        self.key = Some(key.clone());
        self
    }

    /// Adds the backend's own error, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind of the failure.
    pub fn kind(&self) -> BlobErrorKind {
        self.kind
    }

    /// Returns the operation that failed, such as `put`.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Returns the key of the blob as the failing store knows it, or `None` if the operation was not
    /// on a single blob.
    pub fn key(&self) -> Option<&BlobKey> {
        self.key.as_ref()
    }

    /// Returns `true` if the store is away or full. [`ObservedBlobStore`](crate::ObservedBlobStore) logs
    /// once that this began: callers need not log each failed call.
    pub fn is_outage(&self) -> bool {
        matches!(
            self.kind,
            BlobErrorKind::Unavailable | BlobErrorKind::OutOfSpace
        )
    }

    /// Returns `true` if the same call may succeed when it is repeated.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, BlobErrorKind::Unavailable | BlobErrorKind::Busy)
    }
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let description = match self.kind {
            BlobErrorKind::NotFound => "no such blob",
            BlobErrorKind::AlreadyExists => "the key exists already",
            BlobErrorKind::InvalidRange => "the range is outside the blob",
            BlobErrorKind::OutOfSpace => "the store has no space left",
            BlobErrorKind::Busy => "the store is busy",
            BlobErrorKind::Unavailable => "the store is unavailable",
            BlobErrorKind::InUse => "another process has the store open",
            BlobErrorKind::PermissionDenied => "the store denies access",
            BlobErrorKind::Corrupt => "the stored bytes are corrupt",
            BlobErrorKind::Unsupported => "the store does not support this",
            BlobErrorKind::Other => "the store failed",
        };
        write!(f, "{}: {description}", self.operation)?;
        self.key
            .as_ref()
            .map_or(Ok(()), |key| write!(f, " ({key})"))
    }
}

impl std::error::Error for BlobError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The reason that a put stored nothing.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The body was at fault.
    #[error("the body was refused")]
    Body(#[from] BodyError),
    /// The store was at fault.
    #[error("the store refused the body")]
    Store(#[from] BlobError),
}
