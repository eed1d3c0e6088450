//! The reasons why a database and a store are not used together.

use attache_metadata::RepositoryError;
use attache_model::InstallationId;
use attache_storage::{BlobError, BlobKey};

use crate::ServiceError;

/// The reason why a database and a store are not used together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The store has no marker, though the database has been used with a store: it is another store, or
    /// its volume is not mounted, or its bytes are lost.
    #[error(
        "the database belongs to installation {database}, but the store has no marker of any \
         installation: it is another store, or its volume is not mounted"
    )]
    NoMarker {
        /// The database's id.
        database: InstallationId,
    },
    /// The database is new, though the store has been used with one.
    #[error(
        "the store belongs to installation {store}, but the database is new: its own database is \
         lost or elsewhere"
    )]
    LostDatabase {
        /// The store's id.
        store: InstallationId,
    },
    /// Both have an id, and not the same one.
    #[error("the database belongs to installation {database}, but the store to {store}")]
    OtherStore {
        /// The database's id.
        database: InstallationId,
        /// The store's id.
        store: InstallationId,
    },
    /// The database is a copy from before.
    #[error(
        "the database is an older copy: it is at generation {database}, and its store has seen \
         generation {store}"
    )]
    OlderDatabase {
        /// The database's generation.
        database: u64,
        /// The store's generation.
        store: u64,
    },
    /// Neither has an id, and none of the database's blobs is in the store.
    #[error(
        "none of the blobs that the database refers to is in the store, such as {key}: it is \
         another store, or its volume is not mounted"
    )]
    MissingBlobs {
        /// One of the blobs.
        key: BlobKey,
    },
    /// Neither has an id, and the database knows none of the store's blobs.
    #[error(
        "the store holds blobs that the database does not know, such as {key}: they belong to \
         another database"
    )]
    UnknownBlobs {
        /// One of the blobs.
        key: BlobKey,
    },
    /// The store's marker is damaged, or of a later version.
    #[error("the marker of the store cannot be read: {found:?}")]
    Marker {
        /// The marker, or its beginning.
        found: String,
    },
    /// The database refers to a blob by what is no key.
    #[error("the database refers to a blob by an invalid key")]
    Key(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database failed.
    #[error("the database failed")]
    Repository(#[from] RepositoryError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] BlobError),
}

impl IdentityError {
    /// Returns `true` if the halves contradict each other: trying again does not help, and an operator
    /// must decide.
    pub fn is_contradiction(&self) -> bool {
        !matches!(self, Self::Repository(_) | Self::Store(_))
    }
}

impl From<IdentityError> for ServiceError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Repository(error) => error.into(),
            IdentityError::Store(error) => error.into(),
            contradiction => Self::Internal(Box::new(contradiction)),
        }
    }
}
