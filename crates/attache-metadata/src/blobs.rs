//! Blobs as the database knows them: promised, referenced, condemned, gone.
//!
//! `staging → live ⇄ condemned → deleting → gone`. A row exists before the first byte is written
//! and until long after the last is deleted, so no bytes are ever unreachable.

use std::time::Duration;

use attache_model::{BlobId, Entropy, Sha256Digest};
use uuid::Uuid;

/// Proof that a staging blob is still its writer's. Whoever lost the lease cannot commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseToken(Uuid);

impl LeaseToken {
    /// Makes a random token.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut random = [0; 16];
        entropy.fill(&mut random);
        Self(uuid::Builder::from_random_bytes(random).into_uuid())
    }

    /// Takes a token that was stored.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID inside, for storing it.
    pub fn as_uuid(&self) -> Uuid {
        self.0
    }
}

/// The promise of a blob, written before its first byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobIntent {
    /// The blob's id.
    pub id: BlobId,
    /// Where its bytes will lie.
    pub storage_key: String,
    /// Whose promise it is.
    pub lease: LeaseToken,
    /// How long the promise holds unless renewed, on the database's clock.
    pub lease_for: Duration,
}

/// What is known of a blob's bytes once they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobFacts {
    /// How many bytes the file has.
    pub size_bytes: u64,
    /// The digest of the file's bytes.
    pub sha256: Sha256Digest,
    /// How the bytes are stored: 0 is as they are. Other numbers are for encryption.
    pub format: u8,
    /// How many bytes the store holds; with format 0 the same as `size_bytes`.
    pub stored_bytes: u64,
    /// The wrapped key the bytes are encrypted with; `None` where they are not.
    pub wrapped_key: Option<Vec<u8>>,
}

impl BlobFacts {
    /// The facts of bytes that are stored as they are.
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

/// Where a record's bytes lie and how they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobLocation {
    /// The blob's id.
    pub id: BlobId,
    /// Its key in the store.
    pub storage_key: String,
    /// What is known of its bytes.
    pub facts: BlobFacts,
}

/// Why the reaper deletes a blob's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReapStage {
    /// Nothing refers to the blob any more: delete its bytes.
    Delete,
    /// Its bytes were deleted long ago: delete once more, against a write that arrived late, and
    /// forget the row.
    Purge,
}

/// One blob for the reaper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReapTask {
    /// The blob's id.
    pub id: BlobId,
    /// Where its bytes lie.
    pub storage_key: String,
    /// What is to be done.
    pub stage: ReapStage,
}
