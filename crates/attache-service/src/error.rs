//! What a verb can answer instead of doing it. Each variant is one meaning; the HTTP layer gives each
//! one status and one problem type.

use attache_metadata::{Refusal, RepositoryError, RepositoryErrorKind};
use attache_model::{InvalidValue, MediaType, Revision, Scope, Sha256Digest, Timestamp};
use attache_signing::LinkError;
use attache_storage::{BlobError, BlobErrorKind, BodyError, PutError};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a verb was not done. Unless a variant says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// No key, or one that does not count.
    #[error("the API key is missing, unknown, expired or revoked")]
    Unauthenticated,
    /// The principal lacks a scope.
    #[error("the API key lacks the scope {0}")]
    MissingScope(Scope),
    /// The tenant has no such file or upload, or its bytes are not to be had.
    #[error("there is no such file or upload")]
    NotFound,
    /// Somebody holds the file.
    #[error("the file has been claimed since {used_at}")]
    Claimed {
        /// Since when.
        used_at: Timestamp,
    },
    /// The file is archived; restore it first.
    #[error("the file is archived; restore it first")]
    Archived,
    /// The file's bytes are withheld until an inspection settles.
    #[error("the file is being inspected; its bytes are withheld until that is done")]
    Held,
    /// The record changed since the caller read it.
    #[error("the record is at revision {current}, not the one the change was meant for")]
    RevisionMismatch {
        /// The revision it is at.
        current: Revision,
    },
    /// A value does not fit.
    #[error(transparent)]
    Invalid(#[from] InvalidValue),
    /// The tenant has no person with the id given.
    #[error("there is no person with this person_id")]
    UnknownPerson,
    /// The bytes are of a type the caller does not accept.
    #[error("{filename} is {found} where only {} is accepted", any_of(accepted))]
    TypeNotAccepted {
        /// Which file.
        filename: String,
        /// What its bytes are, or are said to be.
        found: MediaType,
        /// What would have been taken.
        accepted: Vec<MediaType>,
    },
    /// The bytes have another digest than was promised.
    #[error("the bytes have the sha256 {actual} where {expected} was promised")]
    DigestMismatch {
        /// What was promised.
        expected: Sha256Digest,
        /// What the bytes have.
        actual: Sha256Digest,
    },
    /// The inspector refused the bytes.
    #[error("{filename} was refused: {reason}")]
    Refused {
        /// Which file.
        filename: String,
        /// Why, in words for the caller.
        reason: String,
    },
    /// More bytes than are allowed.
    #[error("the upload is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The most that would have been taken.
        limit_bytes: u64,
    },
    /// More files than are allowed.
    #[error("the upload has more than {limit} files")]
    TooManyFiles {
        /// The most that would have been taken.
        limit: usize,
    },
    /// An upload without a file.
    #[error("the upload has no file")]
    NoFile,
    /// Fewer or more bytes than were promised.
    #[error("the body has {actual_bytes} bytes where {expected_bytes} were promised")]
    LengthMismatch {
        /// What was promised.
        expected_bytes: u64,
        /// What came.
        actual_bytes: u64,
    },
    /// The body broke off or could not be read.
    #[error("the body was cut off")]
    BodyAborted(#[source] BoxError),
    /// The store or the database has no room.
    #[error("there is no room left to store this")]
    OutOfSpace(#[source] Option<BoxError>),
    /// A part of the service is out of reach for now; make the call again. In the rare case that the
    /// database was lost in the middle of a commit, the first call may have been done after all.
    #[error("the service is unavailable for the moment; try again")]
    Unavailable(#[source] BoxError),
    /// The upload became a record already, and takes no more bytes.
    #[error("the upload is complete already")]
    UploadCompleted,
    /// The upload's bytes have not arrived.
    #[error("the upload's bytes have not arrived yet")]
    UploadIncomplete,
    /// As many attempts at the upload are under way as may be; try again when one has ended.
    #[error("too many attempts at this upload are under way; try again in a moment")]
    UploadBusy,
    /// The upload's time ended before it was complete.
    #[error("the upload has expired")]
    UploadExpired,
    /// A request with the same idempotency key was committed before.
    #[error("a request with the same key was committed before")]
    RequestRepeated,
    /// The link is not one of ours as it stands.
    #[error("the link is not valid")]
    InvalidLink,
    /// The link was good once.
    #[error("the link has expired")]
    LinkExpired,
    /// The cursor is not one of ours for this tenant and these filters.
    #[error("the cursor is not valid for this list; begin again without it")]
    InvalidCursor,
    /// A fault of ours. The detail is for the log.
    #[error("an internal fault")]
    Internal(#[source] BoxError),
}

fn any_of(accepted: &[MediaType]) -> String {
    let accepted: Vec<_> = accepted.iter().map(MediaType::as_str).collect();
    accepted.join(" or ")
}

impl From<Refusal> for ServiceError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::Claimed { used_at } => Self::Claimed { used_at },
            Refusal::Archived => Self::Archived,
            Refusal::RevisionMismatch { current } => Self::RevisionMismatch { current },
            Refusal::UnknownPerson => Self::UnknownPerson,
            Refusal::RequestRepeated => Self::RequestRepeated,
            Refusal::UploadCompleted => Self::UploadCompleted,
            // The bytes may be gone: the caller sends them again.
            Refusal::LeaseLost => Self::Unavailable(Box::new(refusal)),
            other => Self::Internal(Box::new(other)),
        }
    }
}

impl From<LinkError> for ServiceError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Expired => Self::LinkExpired,
            LinkError::Invalid => Self::InvalidLink,
        }
    }
}

impl From<RepositoryError> for ServiceError {
    fn from(error: RepositoryError) -> Self {
        match error.kind() {
            RepositoryErrorKind::Unavailable | RepositoryErrorKind::OutcomeUnknown => {
                Self::Unavailable(Box::new(error))
            }
            RepositoryErrorKind::OutOfSpace => Self::OutOfSpace(Some(Box::new(error))),
            _ => Self::Internal(Box::new(error)),
        }
    }
}

impl From<BlobError> for ServiceError {
    fn from(error: BlobError) -> Self {
        match error.kind() {
            BlobErrorKind::OutOfSpace => Self::OutOfSpace(Some(Box::new(error))),
            BlobErrorKind::Unavailable => Self::Unavailable(Box::new(error)),
            // A missing blob is a fault here: whoever can tell it from a deleted record does so first.
            _ => Self::Internal(Box::new(error)),
        }
    }
}

impl From<PutError> for ServiceError {
    fn from(error: PutError) -> Self {
        match error {
            PutError::Store(error) => error.into(),
            PutError::Body(BodyError::Aborted(source)) => Self::BodyAborted(source),
            PutError::Body(BodyError::TooLarge { limit_bytes }) => Self::TooLarge { limit_bytes },
            PutError::Body(BodyError::WrongLength {
                expected_bytes,
                actual_bytes,
            }) => Self::LengthMismatch {
                expected_bytes,
                actual_bytes,
            },
            PutError::Body(BodyError::WrongDigest { expected, actual }) => {
                Self::DigestMismatch { expected, actual }
            }
            PutError::Body(other) => Self::BodyAborted(Box::new(other)),
        }
    }
}
