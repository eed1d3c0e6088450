//! The identity that a database shares with its store.

use async_trait::async_trait;
use attache_model::{InstallationId, Timestamp};

use crate::RepositoryError;

/// The database's half of an installation's identity. The store's half is its marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallationRow {
    /// The id, which never changes.
    pub id: InstallationId,
    /// The age of the database: it grows with its changes, and the store's half follows. A store that
    /// is ahead of its database has seen a later state of it. 0 until the store has its half.
    pub generation: u64,
    /// The signing key of the server that started last, as its id and fingerprint; `None` until a server
    /// has noted one.
    pub signing_key: Option<String>,
}

/// The rows of blobs that a database forgot because it was restored. Their bytes stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ForgottenBlobs {
    /// The number of blobs that were being uploaded.
    pub staging: u64,
    /// The number of blobs that were to be deleted, because no record referred to them.
    pub condemned: u64,
}

/// The identity of the installation, which the database and its store share. Unscoped.
#[async_trait]
pub trait InstallationRepository: Send + Sync {
    /// Returns the installation's row; `None` until one was registered.
    async fn find_installation(&self) -> Result<Option<InstallationRow>, RepositoryError>;

    /// Registers the installation at generation 0, under `id` unless it has one already, and returns its
    /// row.
    async fn register_installation(
        &self,
        id: InstallationId,
        now: Timestamp,
    ) -> Result<InstallationRow, RepositoryError>;

    /// Raises the generation by one and returns it; `None` if no installation was registered.
    async fn advance_generation(&self) -> Result<Option<u64>, RepositoryError>;

    /// Notes the signing key of a server, and returns the one that was noted before.
    async fn note_signing_key(&self, signing_key: &str) -> Result<Option<String>, RepositoryError>;

    /// Accepts the database as it is after it was restored from a copy: it gets this id and generation,
    /// and forgets every blob that it may know less about than its store. Those are staging blobs, which
    /// may have been committed since, and condemned ones, which may have been referenced again. A staging
    /// blob of a pending upload is kept: no record ever refers to it.
    async fn accept_restored(
        &self,
        id: InstallationId,
        generation: u64,
        now: Timestamp,
    ) -> Result<ForgottenBlobs, RepositoryError>;

    /// Returns the storage keys of some live blobs: at most `limit` of the oldest and as many of the
    /// newest. To see whether a store is the one that this database knows.
    async fn sample_storage_keys(&self, limit: u32) -> Result<Vec<String>, RepositoryError>;
}
