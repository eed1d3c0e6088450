//! The URLs of dokstamp.

use std::fmt;

use attache_model::FileId;

use crate::route::file_id;
use crate::served::Routes;

/// One URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// All files.
    Files,
    /// One file.
    File(FileId),
    /// Its bytes.
    Download(FileId),
}

impl Routes for Route {
    /// An ill-formed id is one that no file has.
    fn parse(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        match segments.as_slice() {
            ["files"] => Some(Self::Files),
            ["files", id] => Some(Self::File(file_id(id))),
            ["files", id, "download"] => Some(Self::Download(file_id(id))),
            _ => None,
        }
    }

    fn template(&self) -> &'static str {
        match self {
            Self::Files => "/files",
            Self::File(_) => "/files/{uuid}",
            Self::Download(_) => "/files/{uuid}/download",
        }
    }
}

/// Builds the path.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files => f.write_str(self.template()),
            Self::File(id) => write!(f, "/files/{id}"),
            Self::Download(id) => write!(f, "/files/{id}/download"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::dokstamp::Dokstamp;
    use crate::served::tests::check_routes;

    #[test]
    fn routes_and_operations_belong_together() {
        let id: FileId = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
        check_routes::<Dokstamp>(vec![Route::Files, Route::File(id), Route::Download(id)]);
        assert_eq!(Route::parse("/files/x/downloads"), None);
    }
}
