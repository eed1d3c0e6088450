//! What the answers of S3 mean: the one table of error codes, with the facts behind it.
//!
//! Sources: the S3 API reference ("Error responses"), the S3 user guide, and what Garage, RADOS
//! Gateway and s3s were seen to answer. `MinIO`'s code is of its documentation.
//!
//! - **A 500 may have been applied.** S3 says only that it "encountered an internal error"; the same
//!   goes for a 502 or 504 of a proxy, a reset connection and a time-out. After a request that
//!   changes something such an answer is an unknown outcome, to be settled by looking.
//! - **`CompleteMultipartUpload` may answer 200 with an error in its body**: S3 sends the status
//!   early to keep the connection alive while it puts the parts together. So the code counts before
//!   the status does.
//! - **`SlowDown` and `ServiceUnavailable` (503) were not applied.** The request was turned away at
//!   the door; it may simply be sent again, later.
//! - **A missing blob is a 404 without a body when asked for by `HEAD`**, and so is a missing bucket;
//!   only `GET` and `PUT` can tell `NoSuchKey` from `NoSuchBucket`.
//! - **A presigned URL past its time is 403 at AWS, RADOS Gateway and s3s, and 400 ("Date is too
//!   old") at Garage.** Clients see that one, not we.
//! - **An upload that was completed or aborted is unknown**: the retry of a request whose reply was
//!   lost is answered with `NoSuchUpload`, which may say that the first one *was* applied. Otherwise
//!   somebody aborted it, and the whole put may be made again.
//! - **`RequestTimeout` is a 400**: the bytes came too slowly. Nothing was stored.

use attache_storage::BlobErrorKind;

/// What an answer other than success means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// For the caller.
    pub(crate) kind: BlobErrorKind,
    /// Whether the request may have had its effect all the same.
    pub(crate) may_be_done: bool,
}

const fn refused(kind: BlobErrorKind) -> Meaning {
    Meaning {
        kind,
        may_be_done: false,
    }
}

const UNKNOWN: Meaning = Meaning {
    kind: BlobErrorKind::Unavailable,
    may_be_done: true,
};

const TABLE: &[(&str, Meaning)] = &[
    // There is no such thing. `NotFound` is what the SDK calls a 404 without a body.
    ("NoSuchKey", refused(BlobErrorKind::NotFound)),
    ("NotFound", refused(BlobErrorKind::NotFound)),
    ("NoSuchBucket", refused(BlobErrorKind::Other)),
    ("NoSuchUpload", refused(BlobErrorKind::Unavailable)),
    ("InvalidRange", refused(BlobErrorKind::InvalidRange)),
    // We may not. Skewed clocks are corrected by the SDK; what is left of them needs a person.
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
    // No room. AWS has no such answer; these are of RADOS Gateway, MinIO and WebDAV's 507.
    ("QuotaExceeded", refused(BlobErrorKind::OutOfSpace)),
    ("XMinioStorageFull", refused(BlobErrorKind::OutOfSpace)),
    ("InsufficientStorage", refused(BlobErrorKind::OutOfSpace)),
    // Turned away before anything was done.
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
    // The bytes were changed on their way, and not stored.
    ("BadDigest", refused(BlobErrorKind::Unavailable)),
    ("IncompleteBody", refused(BlobErrorKind::Unavailable)),
    (
        "XAmzContentSHA256Mismatch",
        refused(BlobErrorKind::Unavailable),
    ),
    // May have been applied.
    ("InternalError", UNKNOWN),
    // Not built, at compatibles.
    ("NotImplemented", refused(BlobErrorKind::Unsupported)),
    ("MethodNotAllowed", refused(BlobErrorKind::Unsupported)),
];

/// What a status and, where there was one, an error code mean. An unknown code of a 4xx is a
/// refusal that a retry will not change.
pub(crate) fn meaning(status: u16, code: Option<&str>) -> Meaning {
    let known = code.and_then(|code| {
        let row = TABLE.iter().find(|(name, _)| *name == code);
        row.map(|(_, meaning)| *meaning)
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

/// What the store says to a key that it does not take: one that ended, was revoked, or is not known.
const KEY_REFUSED: [&str; 3] = ["ExpiredToken", "InvalidAccessKeyId", "InvalidToken"];

/// Whether the request may go well with another key.
pub(crate) fn refuses_key(code: &str) -> bool {
    KEY_REFUSED.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_counts_before_the_status() {
        assert_eq!(meaning(200, Some("InternalError")), UNKNOWN);
        assert_eq!(
            meaning(200, Some("SlowDown")),
            refused(BlobErrorKind::Unavailable)
        );
        assert_eq!(
            meaning(404, Some("NoSuchBucket")),
            refused(BlobErrorKind::Other)
        );
    }

    #[test]
    fn without_a_known_code_the_status_counts() {
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
            assert_eq!(meaning(status, None), wanted, "{status}");
            assert_eq!(meaning(status, Some("Odd")), wanted, "{status}");
        }
    }

    #[test]
    fn no_code_is_there_twice() {
        let mut names: Vec<_> = TABLE.iter().map(|(name, _)| name).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
