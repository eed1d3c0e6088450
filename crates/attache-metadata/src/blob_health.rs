//! The health of stored bytes: what can be wrong with them, and where that is noted.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use attache_model::{BlobId, Context, FileSeq, Sha256Digest, TenantId};

use crate::{BlobLocation, RepositoryError, StoredFile};

/// The fault of a blob's stored bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlobFault {
    /// The store has nothing under the blob's key.
    Missing,
    /// The stored bytes have another size.
    WrongSize,
    /// The stored bytes have the right size, but another digest.
    WrongDigest,
    /// There is something under the blob's key that the store cannot read.
    Unreadable,
}

impl BlobFault {
    /// All faults.
    pub const ALL: [Self; 4] = [
        Self::Missing,
        Self::WrongSize,
        Self::WrongDigest,
        Self::Unreadable,
    ];

    /// Returns the name, for databases, metrics and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::WrongSize => "wrong-size",
            Self::WrongDigest => "wrong-digest",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for BlobFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no [`BlobFault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no fault of a blob has this name")]
pub struct UnknownFault;

impl FromStr for BlobFault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let mut all = Self::ALL.into_iter();
        all.find(|fault| fault.as_str() == text).ok_or(UnknownFault)
    }
}

/// A live blob, as a verification sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveBlob {
    /// The tenant that owns it.
    pub tenant: TenantId,
    /// Its location and the facts about its bytes.
    pub location: BlobLocation,
    /// The fault that it is marked with, or `None` if nothing was found wrong.
    pub fault: Option<BlobFault>,
}

/// The number of live blobs, and of their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlobTotals {
    /// The number of blobs.
    pub blobs: u64,
    /// The number of their stored bytes.
    pub stored_bytes: u64,
}

/// Marks of blobs whose stored bytes were found missing or wrong.
///
/// A marked blob still belongs to its records and can be read. A commit of the same bytes does not rely
/// on it: it repairs it.
#[async_trait]
pub trait BlobHealthRepository: Send + Sync {
    /// Finds the blob that a commit of these bytes would refer to. `None` if the tenant has none, or one
    /// that is marked with a fault.
    async fn find_kept_blob(
        &self,
        cx: &Context,
        sha256: &Sha256Digest,
        size_bytes: u64,
    ) -> Result<Option<BlobLocation>, RepositoryError>;

    /// Unscoped. Marks a blob with what was found wrong, or removes its mark (`None`). Returns `true` if
    /// that changed the mark.
    ///
    /// `storage_key` is where the bytes were looked for. Does nothing if the blob's bytes are elsewhere
    /// since, or if nothing refers to the blob any more.
    async fn mark_blob(
        &self,
        blob: BlobId,
        storage_key: &str,
        fault: Option<BlobFault>,
    ) -> Result<bool, RepositoryError>;

    /// Unscoped. Counts the live blobs of one tenant or (`None`) of all.
    async fn count_live_blobs(
        &self,
        tenant: Option<TenantId>,
    ) -> Result<BlobTotals, RepositoryError>;

    /// Unscoped. Lists live blobs in the order of their ids, of one tenant or (`None`) of all: at most
    /// `limit`, after `after`.
    async fn list_live_blobs(
        &self,
        tenant: Option<TenantId>,
        after: Option<BlobId>,
        limit: u32,
    ) -> Result<Vec<LiveBlob>, RepositoryError>;

    /// Unscoped. Lists the records that refer to a blob in the order of their numbers, archived or not:
    /// at most `limit`, after `after`.
    async fn list_files_of_blob(
        &self,
        tenant: TenantId,
        blob: BlobId,
        after: Option<FileSeq>,
        limit: u32,
    ) -> Result<Vec<StoredFile>, RepositoryError>;
}
