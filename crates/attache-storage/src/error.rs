//! What a store can fail with: few meanings outside, any detail inside.

use std::fmt;

use crate::{BlobKey, BodyError};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a failure of a store means to its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BlobErrorKind {
    /// No blob has this key.
    NotFound,
    /// A blob has this key already. Keys are never reused, so this is a defect of the caller.
    AlreadyExists,
    /// The range does not lie within the blob.
    InvalidRange,
    /// The store has no room.
    OutOfSpace,
    /// The store cannot be reached or is overloaded; the same call may succeed later.
    Unavailable,
    /// Somebody else has the store open, and it can be open only once.
    InUse,
    /// The store refuses us: credentials, ownership, modes.
    PermissionDenied,
    /// What is stored is not what was put.
    Corrupt,
    /// The store cannot do this; its [`Capabilities`](crate::Capabilities) say so.
    Unsupported,
    /// Anything else: a fault of the device or the backend.
    Other,
}

/// A failure of a store, apart from anything the sender of a body did.
#[derive(Debug)]
pub struct BlobError {
    kind: BlobErrorKind,
    operation: &'static str,
    key: Option<BlobKey>,
    source: Option<BoxError>,
}

impl BlobError {
    /// A failure of `operation`, such as `put`.
    pub fn new(kind: BlobErrorKind, operation: &'static str) -> Self {
        Self {
            kind,
            operation,
            key: None,
            source: None,
        }
    }

    /// Names the blob that was meant.
    #[must_use]
    pub fn with_key(mut self, key: &BlobKey) -> Self {
        self.key = Some(key.clone());
        self
    }

    /// Keeps the backend's own error for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the failure means.
    pub fn kind(&self) -> BlobErrorKind {
        self.kind
    }

    /// The operation that failed, such as `put`.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The blob that was meant, under the name that the failing store knows it by; `None` where no
    /// single one was.
    pub fn key(&self) -> Option<&BlobKey> {
        self.key.as_ref()
    }

    /// Whether the same call may succeed when it is made again.
    pub fn is_retryable(&self) -> bool {
        self.kind == BlobErrorKind::Unavailable
    }
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.kind {
            BlobErrorKind::NotFound => "no such blob",
            BlobErrorKind::AlreadyExists => "the key is taken",
            BlobErrorKind::InvalidRange => "the range is outside the blob",
            BlobErrorKind::OutOfSpace => "no room in the store",
            BlobErrorKind::Unavailable => "the store is unavailable",
            BlobErrorKind::InUse => "the store is in use by another",
            BlobErrorKind::PermissionDenied => "the store refuses access",
            BlobErrorKind::Corrupt => "the stored bytes are damaged",
            BlobErrorKind::Unsupported => "the store cannot do this",
            BlobErrorKind::Other => "the store failed",
        };
        write!(f, "{}: {meaning}", self.operation)?;
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

/// Why a put stored nothing.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The bytes were at fault.
    #[error("the body was refused")]
    Body(#[from] BodyError),
    /// The store was at fault.
    #[error("the store refused the body")]
    Store(#[from] BlobError),
}
