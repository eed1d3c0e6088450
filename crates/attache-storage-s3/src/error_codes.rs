//! The error codes of S3 and their meaning, with the facts behind them.
//!
//! Sources: the S3 API reference ("Error responses"), the S3 user guide, and observed responses of
//! Garage, RADOS Gateway and s3s. `MinIO`'s code is from its documentation.
//!
//! - **A request that failed with 500 may have been applied.** S3 says only that it "encountered an
//!   internal error". The same goes for a proxy's 502 or 504, a reset connection and a timeout. For a
//!   request that changes something, such an outcome is unknown and must be resolved by a read.
//! - **`CompleteMultipartUpload` may respond 200 with an error in its body**: S3 sends the status
//!   early to keep the connection alive while it assembles the parts. So the code takes precedence
//!   over the status.
//! - **A request that failed with `SlowDown` or `ServiceUnavailable` (503) was not applied.** It may
//!   be repeated later.
//! - **`HEAD` of a missing blob is a 404 without a body**, and so is that of a missing bucket. Only
//!   `GET` and `PUT` distinguish `NoSuchKey` from `NoSuchBucket`.
//! - **An expired presigned URL is 403 at AWS, RADOS Gateway and s3s, and 400 ("Date is too old") at
//!   Garage.** Only clients see it.
//! - **A completed or aborted upload is unknown afterwards**: the retry of a request whose response
//!   was lost fails with `NoSuchUpload`, which may mean that the first attempt *was* applied.
//!   Otherwise the upload was aborted, and the whole put may be repeated.
//! - **`RequestTimeout` is a 400**: the bytes arrived too slowly. Nothing was stored.

use attache_storage::BlobErrorKind;

/// The class of an error response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ErrorClass {
    /// The kind for the caller.
    pub(crate) kind: BlobErrorKind,
    /// True if the request may have been applied all the same.
    pub(crate) may_be_applied: bool,
}

const fn refused(kind: BlobErrorKind) -> ErrorClass {
    ErrorClass {
        kind,
        may_be_applied: false,
    }
}

const UNKNOWN: ErrorClass = ErrorClass {
    kind: BlobErrorKind::Unavailable,
    may_be_applied: true,
};

const TABLE: &[(&str, ErrorClass)] = &[
    // Missing. `NotFound` is the SDK's code for a 404 without a body.
    ("NoSuchKey", refused(BlobErrorKind::NotFound)),
    ("NotFound", refused(BlobErrorKind::NotFound)),
    ("NoSuchBucket", refused(BlobErrorKind::Other)),
    ("NoSuchUpload", refused(BlobErrorKind::Unavailable)),
    ("InvalidRange", refused(BlobErrorKind::InvalidRange)),
    // Denied. The SDK corrects skewed clocks; what remains needs an operator.
    ("AccessDenied", refused(BlobErrorKind::PermissionDenied)),
    (
        "AllAccessDisabled",
        refused(BlobErrorKind::PermissionDenied),
    ),
    ("AccountProblem", refused(BlobErrorKind::PermissionDenied)),
    ("ExpiredToken", refused(BlobErrorKind::PermissionDenied)),
    (
        "InvalidAccessKeyId",
        refused(BlobErrorKind::PermissionDenied),
    ),
    ("InvalidToken", refused(BlobErrorKind::PermissionDenied)),
    (
        "RequestTimeTooSkewed",
        refused(BlobErrorKind::PermissionDenied),
    ),
    (
        "SignatureDoesNotMatch",
        refused(BlobErrorKind::PermissionDenied),
    ),
    // Out of space. AWS has no such code; these are from RADOS Gateway, MinIO and WebDAV's 507.
    ("QuotaExceeded", refused(BlobErrorKind::OutOfSpace)),
    ("XMinioStorageFull", refused(BlobErrorKind::OutOfSpace)),
    ("InsufficientStorage", refused(BlobErrorKind::OutOfSpace)),
    // Refused before anything was done.
    ("SlowDown", refused(BlobErrorKind::Unavailable)),
    ("ServiceUnavailable", refused(BlobErrorKind::Unavailable)),
    ("RequestTimeout", refused(BlobErrorKind::Unavailable)),
    ("Throttling", refused(BlobErrorKind::Unavailable)),
    ("TooManyRequests", refused(BlobErrorKind::Unavailable)),
    ("OperationAborted", refused(BlobErrorKind::Unavailable)),
    (
        "ConditionalRequestConflict",
        refused(BlobErrorKind::Unavailable),
    ),
    // The bytes were changed in transit, and not stored.
    ("BadDigest", refused(BlobErrorKind::Unavailable)),
    ("IncompleteBody", refused(BlobErrorKind::Unavailable)),
    (
        "XAmzContentSHA256Mismatch",
        refused(BlobErrorKind::Unavailable),
    ),
    // May have been applied.
    ("InternalError", UNKNOWN),
    // Not supported by compatible stores.
    ("NotImplemented", refused(BlobErrorKind::Unsupported)),
    ("MethodNotAllowed", refused(BlobErrorKind::Unsupported)),
];

/// Classifies a response by its status and its error code, if it has one. An unknown code with a 4xx
/// is a refusal that a retry will not change.
pub(crate) fn classify(status: u16, code: Option<&str>) -> ErrorClass {
    let known = code.and_then(|code| {
        let row = TABLE.iter().find(|(name, _)| *name == code);
        row.map(|(_, class)| *class)
    });
    known.unwrap_or_else(|| match status {
        401 | 403 => refused(BlobErrorKind::PermissionDenied),
        404 => refused(BlobErrorKind::NotFound),
        405 | 501 => refused(BlobErrorKind::Unsupported),
        408 | 425 | 429 | 503 => refused(BlobErrorKind::Unavailable),
        416 => refused(BlobErrorKind::InvalidRange),
        507 => refused(BlobErrorKind::OutOfSpace),
        300..=499 => refused(BlobErrorKind::Other),
        _ => UNKNOWN,
    })
}

/// The codes for credentials that expired, were revoked, or are unknown.
const CREDENTIALS_REJECTED: [&str; 3] = ["ExpiredToken", "InvalidAccessKeyId", "InvalidToken"];

/// Returns `true` if the request may succeed with other credentials.
pub(crate) fn rejects_credentials(code: &str) -> bool {
    CREDENTIALS_REJECTED.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_takes_precedence_over_status() {
        assert_eq!(classify(200, Some("InternalError")), UNKNOWN);
        assert_eq!(
            classify(200, Some("SlowDown")),
            refused(BlobErrorKind::Unavailable)
        );
        assert_eq!(
            classify(404, Some("NoSuchBucket")),
            refused(BlobErrorKind::Other)
        );
    }

    #[test]
    fn status_counts_without_a_known_code() {
        for (status, wanted) in [
            (200, UNKNOWN),
            (301, refused(BlobErrorKind::Other)),
            (400, refused(BlobErrorKind::Other)),
            (403, refused(BlobErrorKind::PermissionDenied)),
            (404, refused(BlobErrorKind::NotFound)),
            (416, refused(BlobErrorKind::InvalidRange)),
            (429, refused(BlobErrorKind::Unavailable)),
            (500, UNKNOWN),
            (501, refused(BlobErrorKind::Unsupported)),
            (502, UNKNOWN),
            (503, refused(BlobErrorKind::Unavailable)),
            (504, UNKNOWN),
            (507, refused(BlobErrorKind::OutOfSpace)),
        ] {
            assert_eq!(classify(status, None), wanted, "{status}");
            assert_eq!(classify(status, Some("Odd")), wanted, "{status}");
        }
    }

    #[test]
    fn codes_are_unique() {
        let mut names: Vec<_> = TABLE.iter().map(|(name, _)| name).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
