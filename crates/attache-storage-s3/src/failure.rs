//! Failures of requests: the parts of the SDK's errors that callers and the log need.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use attache_storage::{BlobError, BlobErrorKind, BlobKey, BodyError, PutError};
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

use crate::credentials::S3CredentialsError;
use crate::error_codes::{ErrorClass, classify, rejects_credentials};

type BoxError = Box<dyn Error + Send + Sync>;

/// The failure of a request, after all of its retries.
#[derive(Debug, thiserror::Error)]
pub(crate) enum S3Failure {
    /// The store responded with an error.
    #[error("the store responded {0}")]
    Response(ErrorResponse),
    /// There was no response in time.
    #[error("the store did not respond in time")]
    TimedOut,
    /// The connection could not be opened, or broke before the response.
    #[error("the connection to the store failed")]
    Connection(#[source] BoxError),
    /// The response could not be parsed.
    #[error("the store's response could not be read")]
    Unreadable(#[source] BoxError),
    /// The response lacks something that S3 always sends, or contradicts the request.
    #[error("the store's response {0}")]
    Invalid(&'static str),
    /// The request could not be built.
    #[error("the request could not be built")]
    Request(#[source] BoxError),
    /// There are no credentials to sign with. An earlier attempt may have been sent.
    #[error(transparent)]
    NoCredentials(#[from] S3CredentialsError),
    /// The body of a response broke off repeatedly.
    #[error("the store's bytes broke off at {offset_bytes} of {end_bytes}")]
    CutOff {
        /// The number of bytes received.
        offset_bytes: u64,
        /// The number of bytes expected.
        end_bytes: u64,
    },
    /// Other puts held the whole memory budget. Nothing was sent.
    #[error("no memory was free for the bytes of a put for {} s", waited.as_secs())]
    NoMemory {
        /// The time that the put waited.
        waited: Duration,
    },
    /// The task of the request ended before the request did.
    #[error("the request was cancelled: the runtime is shutting down")]
    Cancelled,
}

/// An error response, for the log.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    status: u16,
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

impl fmt::Display for ErrorResponse {
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
    fn class(&self) -> ErrorClass {
        let (kind, may_be_applied) = match self {
            Self::Response(response) => {
                return classify(response.status, response.code.as_deref());
            }
            Self::TimedOut
            | Self::Connection(_)
            | Self::Unreadable(_)
            | Self::NoCredentials(_)
            | Self::Cancelled => (BlobErrorKind::Unavailable, true),
            Self::CutOff { .. } | Self::NoMemory { .. } => (BlobErrorKind::Unavailable, false),
            Self::Invalid(_) => (BlobErrorKind::Other, true),
            Self::Request(_) => (BlobErrorKind::Other, false),
        };
        ErrorClass {
            kind,
            may_be_applied,
        }
    }

    /// Returns the kind of the failure for the caller.
    pub(crate) fn kind(&self) -> BlobErrorKind {
        self.class().kind
    }

    /// Returns `true` if the request may have been applied all the same.
    pub(crate) fn may_be_applied(&self) -> bool {
        self.class().may_be_applied
    }

    /// Returns `true` if the same request may succeed with other credentials.
    pub(crate) fn rejects_credentials(&self) -> bool {
        self.code().is_some_and(rejects_credentials)
    }

    /// Returns `true` if the store responded with this error code.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.code() == Some(code)
    }

    fn code(&self) -> Option<&str> {
        match self {
            Self::Response(response) => response.code.as_deref(),
            _ => None,
        }
    }

    /// Converts into the error of an operation on one blob.
    pub(crate) fn of(self, operation: &'static str, key: &BlobKey) -> BlobError {
        self.of_all(operation).with_key(key)
    }

    /// Converts into the error of an operation on the whole store.
    pub(crate) fn of_all(self, operation: &'static str) -> BlobError {
        BlobError::new(self.kind(), operation).with_source(self)
    }

    /// Keeps what the log needs. The SDK's own error is dropped, because it holds the whole response.
    /// `Bucket::failure` calls this for every request, and notices rejected credentials.
    pub(crate) fn from_sdk<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        if let Some(missing) = missing_credentials(&error) {
            return missing.into();
        }
        let request_id = error.request_id().map(str::to_owned);
        let wrap: fn(BoxError) -> Self = match &error {
            SdkError::ServiceError(response) => {
                return Self::Response(ErrorResponse {
                    status: response.raw().status().as_u16(),
                    code: response.err().code().map(str::to_owned),
                    message: response.err().message().map(str::to_owned),
                    request_id,
                });
            }
            SdkError::TimeoutError(_) => return Self::TimedOut,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => return Self::TimedOut,
            SdkError::DispatchFailure(failure) if failure.is_user() => Self::Request,
            SdkError::DispatchFailure(_) => Self::Connection,
            SdkError::ResponseError(_) => Self::Unreadable,
            _ => Self::Request,
        };
        wrap(error.into_source().unwrap_or_else(Into::into))
    }
}

/// Returns the error of the credential cache, which the SDK wraps several times.
fn missing_credentials(error: &(dyn Error + 'static)) -> Option<S3CredentialsError> {
    let mut causes = std::iter::successors(Some(error), |cause| (*cause).source());
    causes.find_map(|cause| cause.downcast_ref().cloned())
}

/// The failure of a put: a fault of the sender or of the store.
#[derive(Debug)]
pub(crate) enum PutFailure {
    Body(BodyError),
    Store(S3Failure),
}

impl PutFailure {
    /// Converts into the error of an operation on one blob.
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
