//! The limits on what a browser may do with the responses that it shows: the bytes of files, and pages of text.

use http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::origin::OriginPattern;

/// The policy of every served file. Nothing in it may run or load anything. A film or a sound may load
/// itself: a browser shows it in a page of its own that has this policy.
const FILE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; sandbox";

/// The policy of a page that says why there is no file.
const NOTICE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                             form-action 'none'; sandbox";

/// The recipient of a file's bytes: it decides on caching and embedding.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Audience {
    /// The holder of a key; no page of another site.
    Key,
    /// The bearer of a link, from any page.
    Link,
    /// Anyone. A cache must revalidate each time, so that a deleted file is not served.
    Public,
}

/// The headers that keep a browser from doing anything with a response but saving or showing it.
#[derive(Debug)]
pub(crate) struct PagePolicy {
    /// For responses that no page may frame.
    unframed: HeaderValue,
    /// For those that the listed pages may frame.
    framed: HeaderValue,
    notice: HeaderValue,
    has_ancestors: bool,
}

impl PagePolicy {
    /// Creates the policy of files that pages of these origins may frame.
    pub(crate) fn new(frame_ancestors: &[OriginPattern]) -> Self {
        let list = match frame_ancestors {
            [] => "'none'".to_owned(),
            origins => {
                let origins: Vec<String> = origins.iter().map(OriginPattern::to_string).collect();
                origins.join(" ")
            }
        };
        Self {
            unframed: header(format!("{FILE_POLICY}; frame-ancestors 'none'")),
            framed: header(format!("{FILE_POLICY}; frame-ancestors {list}")),
            notice: header(format!("{NOTICE_POLICY}; frame-ancestors {list}")),
            has_ancestors: !frame_ancestors.is_empty(),
        }
    }

    /// Protects the bytes of a file, or a redirect to them.
    pub(crate) fn protect_file(&self, headers: &mut HeaderMap, audience: Audience) {
        let (policy, embedders) = match audience {
            // A frame cannot send a key.
            Audience::Key => (&self.unframed, "same-origin"),
            Audience::Link | Audience::Public => (&self.framed, "cross-origin"),
        };
        let may_be_framed = !matches!(audience, Audience::Key) && self.has_ancestors;
        protect(headers, policy, may_be_framed);
        let resource_policy = HeaderName::from_static("cross-origin-resource-policy");
        headers.insert(resource_policy, HeaderValue::from_static(embedders));
    }

    /// Protects a page that says why there is no file. It stands where the file would have stood.
    pub(crate) fn protect_notice(&self, headers: &mut HeaderMap) {
        protect(headers, &self.notice, self.has_ancestors);
    }
}

fn protect(headers: &mut HeaderMap, policy: &HeaderValue, may_be_framed: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // It cannot name origins, so it is left out where some may frame.
    if !may_be_framed {
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
}

/// Turns a policy into a header value; origins are ASCII without spaces.
fn header(policy: String) -> HeaderValue {
    HeaderValue::try_from(policy).unwrap_or_else(|_| unreachable!("an origin is visible ASCII"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers_for(audience: Audience, ancestors: &[&str]) -> (String, bool) {
        let ancestors = ancestors.iter().map(|text| text.parse().unwrap());
        let ancestors: Vec<OriginPattern> = ancestors.collect();
        let mut headers = HeaderMap::new();
        PagePolicy::new(&ancestors).protect_file(&mut headers, audience);
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        (policy.to_owned(), headers.contains_key(X_FRAME_OPTIONS))
    }

    #[test]
    fn listed_pages_may_frame_what_needs_no_key() {
        let listed = ["https://portal.example.org", "https://*.example.com"];
        for audience in [Audience::Key, Audience::Link, Audience::Public] {
            let (policy, is_denied) = headers_for(audience, &[]);
            assert!(
                policy.ends_with("; sandbox; frame-ancestors 'none'"),
                "{policy}"
            );
            assert!(is_denied, "{audience:?}");
        }
        for audience in [Audience::Link, Audience::Public] {
            let (policy, is_denied) = headers_for(audience, &listed);
            let expected =
                "; sandbox; frame-ancestors https://portal.example.org https://*.example.com";
            assert!(policy.ends_with(expected), "{policy}");
            assert!(!is_denied, "{audience:?}");
        }
        let (policy, is_denied) = headers_for(Audience::Key, &listed);
        assert!(
            policy.ends_with("frame-ancestors 'none'") && is_denied,
            "{policy}"
        );
    }
}
