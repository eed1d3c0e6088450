//! The operations of S3, and the faults that a test can inject into them.

use http::{Method, Request};

/// An operation of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Operation {
    /// `PutObject`.
    Put,
    /// `GetObject`.
    Get,
    /// `HeadObject`.
    Head,
    /// `DeleteObject`.
    Delete,
    /// `ListObjectsV2`, and any other read of a bucket.
    List,
    /// `CreateMultipartUpload`.
    Create,
    /// `UploadPart`.
    Part,
    /// `CompleteMultipartUpload`.
    Complete,
    /// `AbortMultipartUpload`.
    Abort,
    /// `ListMultipartUploads`.
    ListUploads,
    /// `HeadBucket`.
    Bucket,
}

impl S3Operation {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let has = |name: &str| {
            query
                .split('&')
                .any(|pair| pair.split('=').next() == Some(name))
        };
        let is_object = request.uri().path().trim_matches('/').contains('/');
        match *request.method() {
            Method::PUT if has("partNumber") => Self::Part,
            Method::PUT => Self::Put,
            Method::HEAD if is_object => Self::Head,
            Method::HEAD => Self::Bucket,
            Method::POST if has("uploads") => Self::Create,
            Method::POST => Self::Complete,
            Method::DELETE if has("uploadId") => Self::Abort,
            Method::DELETE => Self::Delete,
            _ if is_object => Self::Get,
            _ if has("uploads") => Self::ListUploads,
            _ => Self::List,
        }
    }
}

/// A fault of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Fault {
    /// An error is returned, and nothing is done.
    Refused(u16, &'static str),
    /// The request is done, and an error is returned.
    AppliedThenRejected(u16, &'static str),
    /// The connection is cut before anything is done.
    LostRequest,
    /// The request is done, and the connection is cut before the response.
    LostResponse,
    /// Nothing is done, and no response comes.
    Unresponsive,
    /// The request is done, and no response comes.
    AppliedThenUnresponsive,
    /// The connection is cut after so many bytes of the response's body.
    CutAt(usize),
}

impl S3Fault {
    /// Returns `true` if the request is done, whatever is returned.
    pub fn has_effect(self) -> bool {
        !matches!(
            self,
            Self::Refused(..) | Self::LostRequest | Self::Unresponsive
        )
    }
}
