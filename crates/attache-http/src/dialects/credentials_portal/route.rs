//! The URLs of the credentials portal.

use std::fmt;

use attache_model::FileId;

use crate::route::{decoded, encoded, file_id};
use crate::served::Routes;

/// One URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// All files.
    Files,
    /// Where files are uploaded.
    Upload,
    /// Where files about one person are uploaded.
    PersonUploads(String),
    /// One file.
    File(FileId),
    /// One file about one person.
    PersonUpload(String, FileId),
    /// A file's bytes.
    Content(ContentRoute),
}

/// Where a file's bytes are: everything that the URL says of it, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContentRoute {
    pub(super) district: String,
    pub(super) person: String,
    pub(super) name: String,
}

impl Routes for Route {
    /// An ill-formed id is one that no file has.
    fn parse(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        match segments.as_slice() {
            ["api", "files"] => Some(Self::Files),
            ["api", "upload"] => Some(Self::Upload),
            ["api", "people", person, "uploads"] => Some(Self::PersonUploads(decoded(person)?)),
            ["api", "files", id] => Some(Self::File(file_id(id))),
            ["api", "people", person, "uploads", id] => {
                Some(Self::PersonUpload(decoded(person)?, file_id(id)))
            }
            ["files", district, "upload", person, name] => Some(Self::Content(ContentRoute {
                district: decoded(district)?,
                person: decoded(person)?,
                name: decoded(name)?,
            })),
            _ => None,
        }
    }

    fn template(&self) -> &'static str {
        match self {
            Self::Files => "/api/files",
            Self::Upload => "/api/upload",
            Self::PersonUploads(_) => "/api/people/{id}/uploads",
            Self::File(_) => "/api/files/{id}",
            Self::PersonUpload(..) => "/api/people/{person}/uploads/{id}",
            Self::Content(_) => "/files/{district}/upload/{person}/{filename}",
        }
    }
}

/// Builds the path, percent-encoded.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files | Self::Upload => f.write_str(self.template()),
            Self::PersonUploads(person) => write!(f, "/api/people/{}/uploads", encoded(person)),
            Self::File(id) => write!(f, "/api/files/{id}"),
            Self::PersonUpload(person, id) => {
                write!(f, "/api/people/{}/uploads/{id}", encoded(person))
            }
            Self::Content(route) => write!(
                f,
                "/files/{}/upload/{}/{}",
                encoded(&route.district),
                encoded(&route.person),
                encoded(&route.name)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::credentials_portal::CredentialsPortal;
    use crate::served::tests::check_routes;

    #[test]
    fn routes_and_operations_belong_together() {
        let id: FileId = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
        let person = "naïve/..\\\"%?#".to_owned();
        check_routes::<CredentialsPortal>(vec![
            Route::Files,
            Route::Upload,
            Route::PersonUploads(person.clone()),
            Route::File(id),
            Route::PersonUpload(person.clone(), id),
            Route::Content(ContentRoute {
                district: "xyz99".to_owned(),
                name: format!("{person}.pdf"),
                person,
            }),
        ]);
        for other in [
            "/api/people",
            "/files/xyz99/scan/abc12/a.pdf",
            "/api/people/%zz/uploads",
        ] {
            assert_eq!(Route::parse(other), None, "{other}");
        }
    }
}
