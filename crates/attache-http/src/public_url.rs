//! The public URL: the base of every URL that the service hands out.

use std::fmt;

use attache_model::InvalidValue;
use attache_service::{IssuedLink, PendingUpload, UploadTarget};
use http::Uri;

use crate::paths;

/// The service's URL as clients see it, which may carry a path prefix that a proxy strips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Checks a base URL: `http` or `https`, a host, an optional path, and nothing else.
    ///
    /// # Errors
    ///
    /// Names the fault.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let refused = |problem: &str| InvalidValue::new("public URL", problem);
        let uri: Uri = text
            .parse()
            .map_err(|_| refused("is not a URL such as https://files.example.org"))?;
        let scheme = uri.scheme_str().unwrap_or_default();
        if !matches!(scheme, "http" | "https") || uri.host().is_none_or(str::is_empty) {
            return Err(refused(
                "does not begin with http:// or https:// and a host",
            ));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(refused("has a query or a fragment, which it cannot keep"));
        }
        if uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
        {
            return Err(refused(
                "carries a user name, which would show in every link",
            ));
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// Returns the full URL of a path.
    pub(crate) fn to(&self, path: impl fmt::Display) -> String {
        format!("{self}{path}")
    }

    /// Returns the full URL of a link to a file's bytes.
    pub fn to_link(&self, link: &IssuedLink) -> String {
        let path = paths::link(link.file, link.filename.as_str());
        format!("{self}{path}?{}", link.query.to_query_string())
    }

    /// Returns the full URL of a link to a file's bytes, for clients that follow no redirect.
    pub(crate) fn to_stream(&self, link: &IssuedLink) -> String {
        let path = paths::stream(link.file, link.filename.as_str());
        format!("{self}{path}?{}", link.query.to_query_string())
    }

    /// Returns the full URL that takes an upload's bytes.
    pub fn to_target(&self, begun: &PendingUpload) -> String {
        match &begun.target {
            UploadTarget::Service(query) => {
                let path = paths::upload_content(begun.upload.id);
                format!("{self}{path}?{}", query.to_query_string())
            }
            UploadTarget::Store(signed) => signed.url.clone(),
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_is_a_host_with_an_optional_prefix() {
        for (text, built) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/livez"),
            (
                "https://example.org/files/",
                "https://example.org/files/livez",
            ),
        ] {
            assert_eq!(PublicUrl::parse(text).unwrap().to("/livez"), built);
        }
        for wrong in [
            "",
            "example.org",
            "ftp://example.org",
            "https://",
            "https://a/?b",
            "https://a/#b",
            "https://u@a",
        ] {
            assert!(PublicUrl::parse(wrong).is_err(), "{wrong}");
        }
    }
}
