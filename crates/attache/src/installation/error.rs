//! The error of opening an installation.

use std::path::PathBuf;

use attache_service::IdentityError;
use attache_storage::{BlobError, BlobErrorKind};

use super::path_problem::PathProblem;
use crate::signing_keys::SigningKeysError;

/// The error of opening an installation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The data directory could not be created.
    #[error("the data directory {} cannot be created", .path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A path cannot be used by this process.
    #[error("{problem}")]
    Path {
        /// The path, and the reason.
        problem: PathProblem,
        /// The error that it led to.
        #[source]
        source: Box<OpenError>,
    },
    /// Another program, or another part of this program, has the installation open.
    #[error("{} is in use by another server: only one server at a time may use it", .path.display())]
    InUse {
        /// The directory or file that is in use.
        path: PathBuf,
    },
    /// The lock that keeps other servers away could not be taken.
    #[error("the lock {} cannot be taken", .path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The database and the store do not belong together, or one of them cannot be asked.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The directory of the blobs cannot be used.
    #[error("the blob directory {} cannot be opened", .path.display())]
    Blobs {
        /// The directory.
        path: PathBuf,
        /// The cause.
        #[source]
        source: BlobError,
    },
    /// There are no credentials for the bucket.
    #[cfg(feature = "s3")]
    #[error(transparent)]
    Credentials(#[from] attache_storage_s3::S3CredentialsError),
    /// The signing keys cannot be used.
    #[error("the signing keys cannot be used")]
    SigningKeys(#[from] SigningKeysError),
    /// No signing keys were given, and none may be generated: all servers of a shared database need
    /// the same keys.
    #[error("signing keys must be given: all servers of a shared database need the same keys")]
    NoSigningKeys,
    /// The database cannot be used.
    #[error("the database cannot be opened ({location})")]
    Database {
        /// The path of a file; of a server only its kind.
        location: String,
        /// The cause.
        #[source]
        source: attache_metadata_sql::OpenError,
    },
}

impl OpenError {
    pub(crate) fn of_blobs(path: PathBuf, source: BlobError) -> Self {
        if source.kind() == BlobErrorKind::InUse {
            return Self::InUse { path };
        }
        Self::Blobs { path, source }
    }
}
