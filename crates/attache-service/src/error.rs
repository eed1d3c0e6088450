//! The error of every operation. Each variant is one meaning; the HTTP layer maps each to one status
//! and one problem type.

use attache_metadata::{BlobFault, Refusal, RepositoryError, RepositoryErrorKind};
use attache_model::{FileId, InvalidValue, MediaType, Revision, Scope, Sha256Digest, Timestamp};
use attache_signing::LinkError;
use attache_storage::{BlobError, BlobErrorKind, BodyError, PutError};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The reason why an operation failed. Nothing was changed, unless a variant says otherwise.
///
/// Server errors are [`Internal`](Self::Internal), [`Unavailable`](Self::Unavailable),
/// [`OutOfSpace`](Self::OutOfSpace) and [`ContentLost`](Self::ContentLost), with the cause as `source` for the log. All others are faults of
/// the request, and their texts may be shown to the client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The token is missing or not valid.
    #[error("the API key is missing, unknown, expired or revoked")]
    Unauthenticated,
    /// The principal lacks a scope.
    #[error("the API key lacks the scope {0}")]
    MissingScope(Scope),
    /// The tenant has no such file or upload, or its bytes may not be read.
    #[error("there is no such file or upload")]
    NotFound,
    /// Another holder has claimed the file.
    #[error("the file has been claimed since {used_at}")]
    Claimed {
        /// The time of the claim.
        used_at: Timestamp,
    },
    /// The file is archived; it has to be restored first.
    #[error("the file is archived; restore it first")]
    Archived,
    /// The file's bytes are withheld until its inspection is finished.
    #[error("the file is being inspected; its bytes are withheld until then")]
    Held,
    /// The record changed since the caller read it.
    #[error("the record is at revision {current}, not at the expected one")]
    RevisionMismatch {
        /// The current revision.
        current: Revision,
    },
    /// A value is not valid.
    #[error(transparent)]
    Invalid(#[from] InvalidValue),
    /// The tenant has no person with the given id.
    #[error("there is no person with this person_id")]
    UnknownPerson,
    /// The bytes have a type that is not accepted.
    #[error("{filename} is {found}, but only {} is accepted", any_of(accepted))]
    TypeNotAccepted {
        /// The name of the file.
        filename: String,
        /// The type of its bytes, or the declared type.
        found: MediaType,
        /// The accepted types.
        accepted: Vec<MediaType>,
    },
    /// The bytes do not have the expected digest.
    #[error("the bytes have sha256 {actual}, expected {expected}")]
    DigestMismatch {
        /// The expected digest.
        expected: Sha256Digest,
        /// The digest of the bytes.
        actual: Sha256Digest,
    },
    /// The inspector refused the bytes.
    #[error("{filename} was refused: {reason}")]
    Refused {
        /// The name of the file.
        filename: String,
        /// The reason, in words for the client.
        reason: String,
    },
    /// The upload has more bytes than allowed.
    #[error("the upload is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The maximum.
        limit_bytes: u64,
    },
    /// The upload has more files than allowed.
    #[error("the upload has more than {limit} files")]
    TooManyFiles {
        /// The maximum.
        limit: usize,
    },
    /// The upload has no file.
    #[error("the upload has no file")]
    NoFile,
    /// The body does not have the expected length.
    #[error("the body has {actual_bytes} bytes, expected {expected_bytes}")]
    LengthMismatch {
        /// The expected length.
        expected_bytes: u64,
        /// The length that was received.
        actual_bytes: u64,
    },
    /// The body ended early or could not be read.
    #[error("the body is incomplete")]
    BodyAborted(#[source] BoxError),
    /// The store or the database is full.
    #[error("there is not enough free space to store this")]
    OutOfSpace(#[source] Option<BoxError>),
    /// A part of the service is temporarily unavailable; retry. In the rare case that the connection to
    /// the database was lost during a commit, the change may have been made after all.
    #[error("the service is temporarily unavailable; try again")]
    Unavailable(#[source] BoxError),
    /// The upload is a record already, and accepts no more bytes.
    #[error("the upload is complete already")]
    UploadCompleted,
    /// The upload's bytes have not arrived.
    #[error("the upload's bytes have not arrived yet")]
    UploadIncomplete,
    /// Too many requests are sending the upload; retry when one has ended.
    #[error("too many requests are sending this upload; try again shortly")]
    UploadBusy,
    /// The upload expired before it was complete.
    #[error("the upload has expired")]
    UploadExpired,
    /// A request with the same idempotency key was committed before.
    #[error("a request with the same idempotency key was committed before")]
    RequestRepeated,
    /// The link was not signed by this service, or was altered.
    #[error("the link is not valid")]
    InvalidLink,
    /// The link has expired.
    #[error("the link has expired")]
    LinkExpired,
    /// The cursor was not issued for this tenant, these filters and this order.
    #[error("the cursor is not valid for this list; start again without it")]
    InvalidCursor,
    /// The stored bytes of a file are missing or not the ones that were stored. They can be restored
    /// from a backup; an upload of the same bytes repairs the file too.
    #[error("the bytes of file {file} {}", words_for(*fault))]
    ContentLost {
        /// The file.
        file: FileId,
        /// The fault of its stored bytes.
        fault: BlobFault,
        /// The error of the store.
        source: BoxError,
    },
    /// An internal error. The source is for the log.
    #[error("internal error")]
    Internal(#[source] BoxError),
}

fn words_for(fault: BlobFault) -> &'static str {
    match fault {
        BlobFault::Missing => "are missing",
        BlobFault::WrongSize => "have another size than was uploaded",
        BlobFault::WrongDigest => "are not the ones that were uploaded",
        BlobFault::Unreadable => "cannot be read",
    }
}

impl ServiceError {
    /// Returns `true` if the database or the store is away or full, which they log once, or so busy that it
    /// refused the call, which a metric counts: callers need not log each failed request.
    pub fn is_outage(&self) -> bool {
        let (Self::Unavailable(source) | Self::OutOfSpace(Some(source))) = self else {
            return false;
        };
        let of_database = source
            .downcast_ref()
            .is_some_and(|error: &RepositoryError| {
                error.is_outage() || error.kind() == RepositoryErrorKind::Busy
            });
        let of_store = source.downcast_ref().is_some_and(|error: &BlobError| {
            error.is_outage() || error.kind() == BlobErrorKind::Busy
        });
        of_database || of_store
    }
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
            // The bytes may be deleted already: the client has to send them again.
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
            RepositoryErrorKind::Unavailable
            | RepositoryErrorKind::Busy
            | RepositoryErrorKind::OutcomeUnknown => Self::Unavailable(Box::new(error)),
            RepositoryErrorKind::OutOfSpace => Self::OutOfSpace(Some(Box::new(error))),
            _ => Self::Internal(Box::new(error)),
        }
    }
}

impl From<BlobError> for ServiceError {
    fn from(error: BlobError) -> Self {
        match error.kind() {
            BlobErrorKind::OutOfSpace => Self::OutOfSpace(Some(Box::new(error))),
            BlobErrorKind::Unavailable | BlobErrorKind::Busy => Self::Unavailable(Box::new(error)),
            // A missing blob is an error here: callers that can tell it from a deleted record do so first.
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
