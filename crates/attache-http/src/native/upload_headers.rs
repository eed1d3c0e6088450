//! The headers that no upload may have: they would change the meaning of its bytes.

use http::header::{CONTENT_ENCODING, CONTENT_RANGE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName};

use crate::problem::{Problem, ProblemKind};
use crate::wire::codings;

/// Refuses headers that change the meaning of the bytes: if they were ignored, the file would be stored
/// wrongly.
pub(crate) fn refuse_partial_and_coded(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key(CONTENT_RANGE) {
        let detail =
            "part of a file cannot be uploaded: send the whole file, without Content-Range";
        return Err(Problem::new(ProblemKind::MalformedBody, detail));
    }
    for (name, taken, detail) in [
        (
            CONTENT_ENCODING,
            "identity",
            "send the bytes as they are, without Content-Encoding",
        ),
        (
            TRANSFER_ENCODING,
            "chunked",
            "send the bytes as they are, with no Transfer-Encoding but chunked",
        ),
    ] {
        if codings::names_other_than(headers, &name, taken) {
            return Err(Problem::new(ProblemKind::UnsupportedMediaType, detail));
        }
    }
    let digests = [
        HeaderName::from_static("content-digest"),
        HeaderName::from_static("repr-digest"),
    ];
    if digests.iter().any(|name| headers.contains_key(name)) {
        let detail = "digests in headers are not verified here: give the field sha256 instead";
        return Err(Problem::new(ProblemKind::MalformedBody, detail));
    }
    Ok(())
}
