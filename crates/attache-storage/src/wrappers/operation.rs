//! The operations of the contract, for wrappers that treat them alike.

use std::fmt;

/// An operation of [`BlobStore`](crate::BlobStore).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobOperation {
    /// Stores a body.
    Put,
    /// Opens a blob and reads it.
    Get,
    /// Returns the size of a blob.
    Head,
    /// Deletes a blob.
    Delete,
    /// Lists keys.
    List,
    /// Presigns a request.
    Presign,
    /// Checks the store.
    Health,
}

impl BlobOperation {
    /// Returns the name in lower case, as errors and metrics use it.
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
