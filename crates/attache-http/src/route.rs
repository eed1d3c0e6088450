//! The URLs of the native API as values that both parse and build them, so that routing and links
//! cannot disagree.

use std::fmt;

use attache_model::{FileId, Filename};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::wire::percent;

/// Everything but RFC 3986's unreserved characters.
const NOT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One URL of the native API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// All files.
    Files,
    /// One record.
    File(FileId),
    /// Its bytes.
    Content(FileId),
    /// Its claim.
    Claim(FileId),
    /// Where it is archived.
    Archive(FileId),
    /// Where it is restored.
    Restore(FileId),
    /// Where links to it are made.
    Links(FileId),
    /// Where uploads are begun.
    Uploads,
    /// One upload.
    Upload(FileId),
    /// Where it is completed.
    CompleteUpload(FileId),
    /// Where its bytes are sent.
    UploadContent(FileId),
    /// The bytes of a public file, under a name.
    Public(FileId, String),
    /// What a link points at, under the name it was signed with.
    Link(FileId, String),
    /// The same, where it is answered without a redirect.
    Stream(FileId, String),
    /// Whether the process lives.
    Live,
    /// Whether it can serve.
    Ready,
    /// The OpenAPI document.
    OpenApi,
}

impl Route {
    /// The link to a file under a name.
    pub fn link(id: FileId, filename: &Filename) -> Self {
        Self::Link(id, filename.as_str().to_owned())
    }

    /// The link to a file under a name, where it is answered without a redirect.
    pub fn stream(id: FileId, filename: &Filename) -> Self {
        Self::Stream(id, filename.as_str().to_owned())
    }

    /// Reads a URL's path; `None` where it is none of ours.
    ///
    /// An ill-formed id is read as one that no file has, so that it is answered like an unknown one.
    pub fn parse(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        match segments.as_slice() {
            ["v1", "files"] => Some(Self::Files),
            ["v1", "files", id] => Some(Self::File(file_id(id))),
            ["v1", "files", id, "content"] => Some(Self::Content(file_id(id))),
            ["v1", "files", id, "claim"] => Some(Self::Claim(file_id(id))),
            ["v1", "files", id, "archive"] => Some(Self::Archive(file_id(id))),
            ["v1", "files", id, "restore"] => Some(Self::Restore(file_id(id))),
            ["v1", "files", id, "links"] => Some(Self::Links(file_id(id))),
            ["v1", "uploads"] => Some(Self::Uploads),
            ["v1", "uploads", id] => Some(Self::Upload(file_id(id))),
            ["v1", "uploads", id, "complete"] => Some(Self::CompleteUpload(file_id(id))),
            ["v1", "uploads", id, "content"] => Some(Self::UploadContent(file_id(id))),
            ["v1", "public", id, name] => Some(Self::Public(file_id(id), decoded(name)?)),
            ["v1", "links", id, name] => Some(Self::Link(file_id(id), decoded(name)?)),
            ["v1", "streams", id, name] => Some(Self::Stream(file_id(id), decoded(name)?)),
            ["livez"] => Some(Self::Live),
            ["readyz"] => Some(Self::Ready),
            ["openapi.json"] => Some(Self::OpenApi),
            _ => None,
        }
    }

    /// The route with its parameters named, as the OpenAPI document writes it.
    pub const fn template(&self) -> &'static str {
        match self {
            Self::Files => "/v1/files",
            Self::File(_) => "/v1/files/{id}",
            Self::Content(_) => "/v1/files/{id}/content",
            Self::Claim(_) => "/v1/files/{id}/claim",
            Self::Archive(_) => "/v1/files/{id}/archive",
            Self::Restore(_) => "/v1/files/{id}/restore",
            Self::Links(_) => "/v1/files/{id}/links",
            Self::Uploads => "/v1/uploads",
            Self::Upload(_) => "/v1/uploads/{id}",
            Self::CompleteUpload(_) => "/v1/uploads/{id}/complete",
            Self::UploadContent(_) => "/v1/uploads/{id}/content",
            Self::Public(..) => "/v1/public/{id}/{filename}",
            Self::Link(..) => "/v1/links/{id}/{filename}",
            Self::Stream(..) => "/v1/streams/{id}/{filename}",
            Self::Live => "/livez",
            Self::Ready => "/readyz",
            Self::OpenApi => "/openapi.json",
        }
    }
}

/// Builds the path, percent-encoded.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files | Self::Uploads | Self::Live | Self::Ready | Self::OpenApi => {
                f.write_str(self.template())
            }
            Self::File(id) => write!(f, "/v1/files/{id}"),
            Self::Content(id) => write!(f, "/v1/files/{id}/content"),
            Self::Claim(id) => write!(f, "/v1/files/{id}/claim"),
            Self::Archive(id) => write!(f, "/v1/files/{id}/archive"),
            Self::Restore(id) => write!(f, "/v1/files/{id}/restore"),
            Self::Links(id) => write!(f, "/v1/files/{id}/links"),
            Self::Upload(id) => write!(f, "/v1/uploads/{id}"),
            Self::CompleteUpload(id) => write!(f, "/v1/uploads/{id}/complete"),
            Self::UploadContent(id) => write!(f, "/v1/uploads/{id}/content"),
            Self::Public(id, name) => write!(f, "/v1/public/{id}/{}", encoded(name)),
            Self::Link(id, name) => write!(f, "/v1/links/{id}/{}", encoded(name)),
            Self::Stream(id, name) => write!(f, "/v1/streams/{id}/{}", encoded(name)),
        }
    }
}

pub(crate) fn file_id(segment: &str) -> FileId {
    segment
        .parse()
        .unwrap_or(FileId::from_uuid(uuid::Uuid::nil()))
}

pub(crate) fn decoded(segment: &str) -> Option<String> {
    percent::decode(segment.as_bytes()).ok()
}

pub(crate) fn encoded(name: &str) -> impl fmt::Display + '_ {
    utf8_percent_encode(name, NOT_UNRESERVED)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One of each route.
    pub(crate) fn every_route() -> Vec<Route> {
        let id: FileId = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
        let name = "naïve \"2\" 100%/..\\?#.pdf".to_owned();
        vec![
            Route::Files,
            Route::File(id),
            Route::Content(id),
            Route::Claim(id),
            Route::Archive(id),
            Route::Restore(id),
            Route::Links(id),
            Route::Uploads,
            Route::Upload(id),
            Route::CompleteUpload(id),
            Route::UploadContent(id),
            Route::Public(id, name.clone()),
            Route::Link(id, name.clone()),
            Route::Stream(id, name),
            Route::Live,
            Route::Ready,
            Route::OpenApi,
        ]
    }

    #[test]
    fn what_is_built_is_what_is_parsed() {
        for route in every_route() {
            let path = route.to_string();
            assert!(
                path.is_ascii() && path.parse::<http::Uri>().is_ok(),
                "{path}"
            );
            assert_eq!(Route::parse(&path), Some(route));
        }
    }

    #[test]
    fn an_ill_formed_id_is_one_that_no_file_has() {
        let Some(Route::File(id)) = Route::parse("/v1/files/42") else {
            panic!("no route")
        };
        assert_eq!(id.as_uuid(), uuid::Uuid::nil());
    }

    #[test]
    fn other_paths_are_none_of_ours() {
        for path in [
            "",
            "/",
            "/v1",
            "/v1/files/x/y",
            "/v1/links/x/%zz",
            "/v2/files",
            "/v1/files/x/content/",
        ] {
            assert_eq!(Route::parse(path), None, "{path}");
        }
    }
}
