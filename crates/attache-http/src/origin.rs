//! The origins of web pages that an operator lists: for CORS, and for frames.

use std::fmt;
use std::str::FromStr;

use attache_model::InvalidValue;
use url::{Host, Url};

/// An origin of web pages, such as `https://app.example.org`, or those of all subdomains,
/// `https://*.example.org`.
///
/// It is kept in the form that browsers send: lower case, without the default port, an international
/// name in Punycode. Subdomains are those of any depth, as in a Content Security Policy; the domain
/// itself is not one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPattern {
    scheme: String,
    includes_subdomains: bool,
    /// The host, and the port unless it is the default of the scheme.
    host: String,
}

impl OriginPattern {
    /// Parses an origin, and brings it into the form that browsers send. A slash at the end is dropped.
    ///
    /// # Errors
    ///
    /// Names the fault, and what would be right.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let refused = |problem: String| InvalidValue::new("origin", problem);
        let text = text.trim();
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(refused(explain_missing_scheme(text)));
        };
        let (includes_subdomains, host) = match rest.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, rest),
        };
        if host.contains(['*', '\\']) || host.contains(char::is_whitespace) {
            let problem = "has a character that no host has; only `*.` at its start stands for all \
                           subdomains, as in https://*.example.org";
            return Err(refused(problem.to_owned()));
        }
        let url = Url::parse(&format!("{scheme}://{host}"));
        let url = url.map_err(|error| refused(format!("cannot be read: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            let problem = "does not begin with http:// or https://";
            return Err(refused(problem.to_owned()));
        }
        let pattern = Self {
            scheme: url.scheme().to_owned(),
            includes_subdomains,
            host: authority(&url),
        };
        if !is_bare(&url) {
            return Err(refused(format!(
                "has more than a scheme, a host and a port; write {pattern}"
            )));
        }
        if includes_subdomains && !has_subdomains(&url) {
            let problem = "has `*.` before what has no subdomains of yours; write a domain, as in \
                           https://*.example.org";
            return Err(refused(problem.to_owned()));
        }
        Ok(pattern)
    }

    /// Returns `true` if the value of an `Origin` header is this origin, or one of these.
    pub(crate) fn matches(&self, origin: &[u8]) -> bool {
        let host = origin
            .strip_prefix(self.scheme.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"://"));
        let Some(host) = host else { return false };
        if !self.includes_subdomains {
            return host == self.host.as_bytes();
        }
        let subdomain = host
            .strip_suffix(self.host.as_bytes())
            .and_then(|rest| rest.strip_suffix(b"."));
        let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        subdomain.is_some_and(|name| !name.is_empty() && name.iter().all(is_of_name))
    }
}

/// Writes the origin as browsers send it, and as a Content Security Policy names it.
impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wildcard = if self.includes_subdomains { "*." } else { "" };
        write!(f, "{}://{wildcard}{}", self.scheme, self.host)
    }
}

impl FromStr for OriginPattern {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

fn explain_missing_scheme(text: &str) -> String {
    match text {
        "" => "is empty; write one such as https://app.example.org".to_owned(),
        "*" => "`*` would admit every page; list those of yours, such as https://app.example.org \
                or https://*.example.org"
            .to_owned(),
        "null" => {
            "`null` is sent by pages of many sites; give your page an origin of its own, such \
                   as https://app.example.org"
                .to_owned()
        }
        _ => "has no scheme; write one such as https://app.example.org".to_owned(),
    }
}

/// Returns the host, and the port unless it is the default one.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Returns `true` if the URL names an origin and nothing else.
fn is_bare(url: &Url) -> bool {
    let has_user = !url.username().is_empty() || url.password().is_some();
    url.path() == "/" && url.query().is_none() && url.fragment().is_none() && !has_user
}

/// Returns `true` for a domain below a top-level one, and for `localhost`: nobody owns all of `*.org`.
fn has_subdomains(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost" || domain.contains('.'),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_kept_as_browsers_send_it() {
        for (text, kept) in [
            ("https://app.example.org", "https://app.example.org"),
            (" HTTPS://App.Example.ORG/ ", "https://app.example.org"),
            ("https://app.example.org:443", "https://app.example.org"),
            ("http://app.example.org:80/", "http://app.example.org"),
            ("https://app.example.org:80", "https://app.example.org:80"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("http://[0:0::1]:3000", "http://[::1]:3000"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            (
                "https://BÜCHER.example:443",
                "https://xn--bcher-kva.example",
            ),
            ("https://*.Example.org:443", "https://*.example.org"),
            (
                "https://*.bücher.example",
                "https://*.xn--bcher-kva.example",
            ),
            ("http://*.localhost:3000", "http://*.localhost:3000"),
        ] {
            let pattern = OriginPattern::parse(text).unwrap();
            assert_eq!(pattern.to_string(), kept, "{text}");
            let again = OriginPattern::parse(kept).unwrap();
            assert_eq!(again, pattern, "{text}");
        }
    }

    #[test]
    fn refusal_says_what_would_be_right() {
        for (text, hint) in [
            ("", "is empty"),
            ("*", "https://*.example.org"),
            ("null", "https://app.example.org"),
            ("app.example.org", "no scheme"),
            ("//app.example.org", "no scheme"),
            ("https://a.example/b", "write https://a.example"),
            ("https://a.example/?b", "write https://a.example"),
            ("https://a.example/#b", "write https://a.example"),
            ("https://u@a.example", "write https://a.example"),
            ("https://u:p@*.a.example", "https://*.example.org"),
            ("ftp://a.example", "https://"),
            ("https://", "cannot be read"),
            ("https://a.example:99999", "cannot be read"),
            ("http://localhost:*", "`*.` at its start"),
            ("https://a.*.example", "`*.` at its start"),
            ("https://*example.org", "`*.` at its start"),
            ("https://a b.example", "no host has"),
            ("https:\\\\a.example", "no scheme"),
            ("https://*.org", "https://*.example.org"),
            ("https://*.127.0.0.1", "https://*.example.org"),
        ] {
            let refused = OriginPattern::parse(text).unwrap_err().to_string();
            assert!(refused.contains(hint), "{text}: {refused}");
        }
    }

    #[test]
    fn origin_matches_itself_alone() {
        let pattern = OriginPattern::parse("https://app.example.org").unwrap();
        assert!(pattern.matches(b"https://app.example.org"));
        for other in [
            "http://app.example.org",
            "https://app.example.org:444",
            "https://app.example.org.evil.org",
            "https://evil.app.example.org",
            "https://evilapp.example.org",
            "null",
            "",
        ] {
            assert!(!pattern.matches(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn wildcard_matches_subdomains_of_any_depth() {
        let pattern = OriginPattern::parse("https://*.example.org:8443").unwrap();
        for inside in [
            "https://a.example.org:8443",
            "https://a.b-c.example.org:8443",
        ] {
            assert!(pattern.matches(inside.as_bytes()), "{inside}");
        }
        for outside in [
            "https://example.org:8443",
            "https://.example.org:8443",
            "https://a.example.org",
            "http://a.example.org:8443",
            "https://evilexample.org:8443",
            "https://evil.org/.example.org:8443",
            "https://evil.org:1.example.org:8443",
            "https://u@a.example.org:8443",
        ] {
            assert!(!pattern.matches(outside.as_bytes()), "{outside}");
        }
    }
}
