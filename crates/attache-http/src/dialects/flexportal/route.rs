//! The URL of flexportal.

use std::fmt;

use crate::served::Routes;

/// One URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// Where URLs are made.
    FileUrl,
}

impl Routes for Route {
    /// Reads a URL's path; `None` where it is another.
    fn parse(path: &str) -> Option<Self> {
        (path == Self::FileUrl.template()).then_some(Self::FileUrl)
    }

    /// The route, which has no parameters.
    fn template(&self) -> &'static str {
        match self {
            Self::FileUrl => "/v1/files/url",
        }
    }
}

/// Builds the path.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.template())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::flexportal::Flexportal;
    use crate::served::tests::check_routes;

    #[test]
    fn routes_and_operations_belong_together() {
        check_routes::<Flexportal>(vec![Route::FileUrl]);
        assert_eq!(Route::parse("/v1/files/url/"), None);
    }
}
