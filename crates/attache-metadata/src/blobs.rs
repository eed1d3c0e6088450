//! Blobs as the database knows them: staging, live, condemned, deleting, gone.
//!
//! `staging → live ⇄ condemned → deleting → gone`. A row exists before the first byte is written
//! and until long after the last is deleted, so no bytes are ever unreachable.

use std::time::Duration;

use attache_model::{BlobId, Entropy, Sha256Digest};
use uuid::Uuid;

/// The proof that a staging blob still belongs to its writer. A writer that lost its lease cannot
/// commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseToken(Uuid);

impl LeaseToken {
    /// Creates a random token.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut random = [0; 16];
        entropy.fill(&mut random);
        Self(uuid::Builder::from_random_bytes(random).into_uuid())
    }

    /// Wraps a token that was stored.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID, for storing it.
    pub fn as_uuid(&self) -> Uuid {
        self.0
    }
}

/// The reservation of a blob, written before its first byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobIntent {
    /// The blob's id.
    pub id: BlobId,
    /// The key of its bytes in the store.
    pub storage_key: String,
    /// The token of its writer.
    pub lease: LeaseToken,
    /// The duration of the lease unless it is renewed, on the database's clock.
    pub lease_for: Duration,
}

/// The facts about a blob's bytes, known once they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobFacts {
    /// The size of the file in bytes.
    pub size_bytes: u64,
    /// The digest of the file's bytes.
    pub sha256: Sha256Digest,
    /// The format of the stored bytes: 0 for unchanged. Other numbers are for encryption.
    pub format: u8,
    /// The number of stored bytes; equal to `size_bytes` in format 0.
    pub stored_bytes: u64,
    /// The wrapped encryption key; `None` if the bytes are not encrypted.
    pub wrapped_key: Option<Vec<u8>>,
}

impl BlobFacts {
    /// Creates the facts of bytes that are stored unchanged.
    pub fn plain(size_bytes: u64, sha256: Sha256Digest) -> Self {
        Self {
            size_bytes,
            sha256,
            format: 0,
            stored_bytes: size_bytes,
            wrapped_key: None,
        }
    }
}

/// The location and the format of a record's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobLocation {
    /// The blob's id.
    pub id: BlobId,
    /// Its key in the store.
    pub storage_key: String,
    /// The facts about its bytes.
    pub facts: BlobFacts,
}

/// The blobs of all tenants together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageUsage {
    /// The number of blobs with a record.
    pub live_blobs: u64,
    /// Their bytes in the store.
    pub live_bytes: u64,
    /// The number of blobs that the reaper has to delete or to decide about now.
    pub reapable_blobs: u64,
}

/// The reason for which the reaper deletes a blob's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReapStage {
    /// Nothing refers to the blob any more: delete its bytes.
    Delete,
    /// Its bytes were deleted long ago: delete once more, in case a late write arrived, and drop the
    /// row.
    Purge,
}

/// One task of the reaper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReapTask {
    /// The blob's id.
    pub id: BlobId,
    /// The key of its bytes in the store.
    pub storage_key: String,
    /// The kind of the task.
    pub stage: ReapStage,
}
