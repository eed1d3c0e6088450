//! A request that failed: what is left of the SDK's error once it is understood.

use std::error::Error;
use std::fmt;

use attache_storage::{BlobError, BlobErrorKind, BlobKey, BodyError, PutError};
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

use crate::S3CredentialsError;
use crate::meaning::{Meaning, meaning};
use crate::memory::LONGEST_WAIT;

type BoxError = Box<dyn Error + Send + Sync>;

/// Why a request failed, with all of its retries.
#[derive(Debug, thiserror::Error)]
pub(crate) enum S3Failure {
    /// The store answered, and not with success.
    #[error("the store answered {0}")]
    Answered(Answer),
    /// No answer came in time.
    #[error("the store did not answer in time")]
    TimedOut,
    /// The connection could not be made, or broke before the answer was there.
    #[error("the connection to the store failed")]
    Broken(#[source] BoxError),
    /// The answer could not be read.
    #[error("the store's answer could not be read")]
    Unreadable(#[source] BoxError),
    /// The answer lacks something that S3 always says, or says something that cannot be.
    #[error("the store's answer {0}")]
    Nonsense(&'static str),
    /// The request could not be put together.
    #[error("the request could not be made")]
    Unsendable(#[source] BoxError),
    /// There is no key to sign with. A try before this one may have been sent.
    #[error(transparent)]
    NoCredentials(#[from] S3CredentialsError),
    /// The body of an answer broke off, again and again.
    #[error("the store's bytes broke off at {offset_bytes} of {end_bytes}")]
    CutOff {
        /// How far it got.
        offset_bytes: u64,
        /// How far it should have got.
        end_bytes: u64,
    },
    /// Other puts held the memory for parts, and kept it. Nothing was sent.
    #[error("no memory for the bytes of a put was free for {} s", LONGEST_WAIT.as_secs())]
    NoMemory,
    /// The task that held the request ended before it did.
    #[error("the request was given up: the runtime is shutting down")]
    GivenUp,
}

/// What the store said, for the log.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ", \"{}\"", message.escape_debug())?;
        }
        if let Some(request_id) = &self.request_id {
            write!(f, ", request {}", request_id.escape_debug())?;
        }
        Ok(())
    }
}

impl S3Failure {
    fn meaning(&self) -> Meaning {
        let (kind, may_be_done) = match self {
            Self::Answered(answer) => return meaning(answer.status, answer.code.as_deref()),
            Self::TimedOut
            | Self::Broken(_)
            | Self::Unreadable(_)
            | Self::NoCredentials(_)
            | Self::GivenUp => (BlobErrorKind::Unavailable, true),
            Self::CutOff { .. } | Self::NoMemory => (BlobErrorKind::Unavailable, false),
            Self::Nonsense(_) => (BlobErrorKind::Other, true),
            Self::Unsendable(_) => (BlobErrorKind::Other, false),
        };
        Meaning { kind, may_be_done }
    }

    /// What it means to the caller.
    pub(crate) fn kind(&self) -> BlobErrorKind {
        self.meaning().kind
    }

    /// Whether the request may have had its effect all the same.
    pub(crate) fn may_be_done(&self) -> bool {
        self.meaning().may_be_done
    }

    /// Whether the store has this error code.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        matches!(self, Self::Answered(answer) if answer.code.as_deref() == Some(code))
    }

    /// The error of an operation on one blob.
    pub(crate) fn of(self, operation: &'static str, key: &BlobKey) -> BlobError {
        self.of_all(operation).with_key(key)
    }

    /// The error of an operation on no single blob.
    pub(crate) fn of_all(self, operation: &'static str) -> BlobError {
        BlobError::new(self.kind(), operation).with_source(self)
    }
}

impl<E> From<SdkError<E, HttpResponse>> for S3Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    /// Keeps what the log needs. The SDK's own error is dropped: it holds the whole answer.
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        if let Some(missing) = missing_credentials(&error) {
            return missing.into();
        }
        let request_id = error.request_id().map(str::to_owned);
        let wrap: fn(BoxError) -> Self = match &error {
            SdkError::ServiceError(answer) => {
                return Self::Answered(Answer {
                    status: answer.raw().status().as_u16(),
                    code: answer.err().code().map(str::to_owned),
                    message: answer.err().message().map(str::to_owned),
                    request_id,
                });
            }
            SdkError::TimeoutError(_) => return Self::TimedOut,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => return Self::TimedOut,
            SdkError::DispatchFailure(failure) if failure.is_user() => Self::Unsendable,
            SdkError::DispatchFailure(_) => Self::Broken,
            SdkError::ResponseError(_) => Self::Unreadable,
            _ => Self::Unsendable,
        };
        wrap(error.into_source().unwrap_or_else(Into::into))
    }
}

/// Our own error, which comes back from the SDK in several wrappings.
fn missing_credentials(error: &(dyn Error + 'static)) -> Option<S3CredentialsError> {
    let mut causes = std::iter::successors(Some(error), |cause| (*cause).source());
    causes.find_map(|cause| cause.downcast_ref().cloned())
}

/// Why a put ended early: by the fault of the sender or of the store.
#[derive(Debug)]
pub(crate) enum PutFailure {
    Body(BodyError),
    Store(S3Failure),
}

impl PutFailure {
    /// The error of an operation on one blob.
    pub(crate) fn of(self, operation: &'static str, key: &BlobKey) -> PutError {
        match self {
            Self::Body(error) => error.into(),
            Self::Store(failure) => failure.of(operation, key).into(),
        }
    }
}

impl From<BodyError> for PutFailure {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl From<S3Failure> for PutFailure {
    fn from(failure: S3Failure) -> Self {
        Self::Store(failure)
    }
}
