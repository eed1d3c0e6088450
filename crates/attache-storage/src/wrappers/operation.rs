//! The names of the contract's operations, for wrappers that treat them alike.

use std::fmt;

/// One of the operations of [`BlobStore`](crate::BlobStore).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobOperation {
    /// Storing a body.
    Put,
    /// Opening a blob and reading it.
    Get,
    /// Asking how large a blob is.
    Head,
    /// Deleting a blob.
    Delete,
    /// Listing keys.
    List,
    /// Signing a request.
    Presign,
    /// Asking how the store is.
    Health,
}

impl BlobOperation {
    /// The name in lower case, as errors and metrics use it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Get => "get",
            Self::Head => "head",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Presign => "presign",
            Self::Health => "health",
        }
    }
}

impl fmt::Display for BlobOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
