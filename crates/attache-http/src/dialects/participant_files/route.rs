//! The URLs of participant-files.

use std::fmt;

use crate::route::{decoded, encoded};
use crate::served::Routes;

/// One URL of a project, which is named by its slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// All files.
    Files(String),
    /// Where links to them are made.
    Download(String),
}

impl Route {
    /// The project's slug.
    pub(super) fn slug(&self) -> &str {
        match self {
            Self::Files(slug) | Self::Download(slug) => slug,
        }
    }
}

impl Routes for Route {
    fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix("/api/v1/administration/projects/")?;
        let segments: Vec<&str> = path.split('/').collect();
        match segments.as_slice() {
            [slug, "files"] => Some(Self::Files(decoded(slug)?)),
            [slug, "files", "download"] => Some(Self::Download(decoded(slug)?)),
            _ => None,
        }
    }

    fn template(&self) -> &'static str {
        match self {
            Self::Files(_) => "/api/v1/administration/projects/{slug}/files",
            Self::Download(_) => "/api/v1/administration/projects/{slug}/files/download",
        }
    }
}

/// Builds the path, percent-encoded.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slug = encoded(self.slug());
        write!(f, "/api/v1/administration/projects/{slug}/files")?;
        match self {
            Self::Files(_) => Ok(()),
            Self::Download(_) => f.write_str("/download"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::participant_files::ParticipantFiles;
    use crate::served::tests::check_routes;

    #[test]
    fn routes_and_operations_belong_together() {
        let slug = || "Study.7_a-b".to_owned();
        check_routes::<ParticipantFiles>(vec![Route::Files(slug()), Route::Download(slug())]);
        for other in [
            "/api/v1/administration/projects",
            "/api/v1/administration/projects/a/b/files",
        ] {
            assert_eq!(Route::parse(other), None, "{other}");
        }
    }
}
