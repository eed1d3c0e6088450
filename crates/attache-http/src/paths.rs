//! Builds the paths of URLs that the service hands out. The tests hold each against the router.

use std::fmt;

use attache_model::FileId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but RFC 3986's unreserved characters.
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The path of the list of records.
pub(crate) const FILES: &str = "/v1/files";

/// Returns the path of a record.
pub(crate) fn file(id: FileId) -> String {
    format!("/v1/files/{id}")
}

/// Returns the path of a file's bytes, for the holder of a key.
pub(crate) fn content(id: FileId) -> String {
    format!("/v1/files/{id}/content")
}

/// Returns the path of an upload.
pub(crate) fn upload(id: FileId) -> String {
    format!("/v1/uploads/{id}")
}

/// Returns the path that takes the bytes of an upload.
pub(crate) fn upload_content(id: FileId) -> String {
    format!("/v1/uploads/{id}/content")
}

/// Returns the path of a link, under the name it was signed with.
pub(crate) fn link(id: FileId, filename: &str) -> String {
    format!("/v1/links/{id}/{}", encoded(filename))
}

/// Returns the path of a link that is never redirected.
pub(crate) fn stream(id: FileId, filename: &str) -> String {
    format!("/v1/streams/{id}/{}", encoded(filename))
}

/// Percent-encodes one segment of a path.
pub(crate) fn encoded(segment: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(segment, NOT_UNRESERVED)
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde::Deserialize;

    use super::*;
    use crate::dialects::Dialects;
    use crate::path_params::file_id;
    use crate::router::Router;

    #[derive(Deserialize)]
    struct Read {
        #[serde(deserialize_with = "file_id")]
        id: FileId,
        #[serde(default)]
        filename: String,
    }

    #[test]
    fn built_paths_lead_to_their_endpoints() {
        let id: FileId = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
        let name = "naïve \"2\" 100%/..\\?#.pdf";
        let router = Router::new(&Dialects::all());
        for (method, path, endpoint, filename) in [
            (Method::GET, file(id), "get_file", ""),
            (Method::GET, content(id), "read_content", ""),
            (Method::GET, upload(id), "get_upload", ""),
            (Method::PUT, upload_content(id), "send_upload", ""),
            (Method::GET, link(id, name), "read_link", name),
            (Method::GET, stream(id, name), "stream_link", name),
        ] {
            let is_uri = path.is_ascii() && path.parse::<http::Uri>().is_ok();
            assert!(is_uri, "{path}");
            let (route, params) = router.find(&method, &path).unwrap();
            assert_eq!(route.info.name, endpoint);
            let read: Read = params.read().unwrap();
            assert_eq!((read.id, read.filename.as_str()), (id, filename));
        }
        let (route, _) = router.find(&Method::GET, FILES).unwrap();
        assert_eq!(route.info.name, "list_files");
    }
}
