//! Preconditions: `If-Match` and its siblings, in the order of RFC 9110, 13.2.2.
//!
//! Entity tags, dates and ranges are read here and beside this file rather than by the `headers` crate;
//! decision 0023 says why.

use std::time::{Duration, UNIX_EPOCH};

use attache_model::Timestamp;
use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use httpdate::HttpDate;

use super::entity_tag::{SentTags, StrongEntityTag};

/// The result of a request's preconditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// Do what was requested; look at `Range` next.
    Proceed,
    /// Respond 304: the client has this version already.
    NotModified,
    /// Respond 412, and change nothing.
    Failed,
}

/// Evaluates the preconditions of a request for something that exists.
///
/// Without `last_modified`, the two headers with a date are ignored, as are dates that cannot be read.
/// A malformed entity tag matches nothing: in `If-Match` that refuses the request, in `If-None-Match`
/// it lets the request proceed.
pub(crate) fn evaluate(
    method: &Method,
    headers: &HeaderMap,
    entity_tag: &StrongEntityTag,
    last_modified: Option<Timestamp>,
) -> Precondition {
    let reads = method == Method::GET || method == Method::HEAD;
    let last_modified = last_modified.map(http_date);
    let is_modified_since = |name| Some(last_modified? > read_date(only_line(headers, name)?)?);

    if let Some(wanted) = SentTags::read(headers, &IF_MATCH) {
        if !wanted.contain(|sent| entity_tag.matches_strongly(sent)) {
            return Precondition::Failed;
        }
    } else if is_modified_since(&IF_UNMODIFIED_SINCE) == Some(true) {
        return Precondition::Failed;
    }

    if let Some(known) = SentTags::read(headers, &IF_NONE_MATCH) {
        match known.contain(|sent| entity_tag.matches_weakly(sent)) {
            true if reads => Precondition::NotModified,
            true => Precondition::Failed,
            false => Precondition::Proceed,
        }
    } else if reads && is_modified_since(&IF_MODIFIED_SINCE) == Some(false) {
        Precondition::NotModified
    } else {
        Precondition::Proceed
    }
}

/// Converts a timestamp to the form of HTTP, in whole seconds.
pub(crate) fn http_date(at: Timestamp) -> HttpDate {
    // A timestamp lies in the years 1970 to 9999, all of which HTTP can write.
    HttpDate::from(UNIX_EPOCH + Duration::from_millis(at.as_millis().unsigned_abs()))
}

/// Returns the value of a `Last-Modified` header.
pub(crate) fn last_modified(at: Timestamp) -> Option<HeaderValue> {
    HeaderValue::try_from(http_date(at).to_string()).ok()
}

/// Reads a date in one of HTTP's three formats.
pub(crate) fn read_date(value: &HeaderValue) -> Option<HttpDate> {
    value.to_str().ok()?.trim().parse().ok()
}

/// Returns the value of a header that has exactly one line.
pub(crate) fn only_line<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut lines = headers.get_all(name).iter();
    lines.next().filter(|_| lines.next().is_none())
}

#[cfg(test)]
mod tests {
    use attache_model::Revision;

    use super::Precondition::{Failed, NotModified, Proceed};
    use super::*;

    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    fn check(method: &Method, pairs: &[(HeaderName, &'static str)]) -> Precondition {
        let tag = StrongEntityTag::of_revision(Revision::new(5));
        let modified = Timestamp::parse("1994-11-06T08:49:37.500Z").unwrap();
        evaluate(method, &headers(pairs), &tag, Some(modified))
    }

    #[test]
    fn each_header_alone_decides() {
        for (name, value, get, put) in [
            (IF_MATCH, "\"5\"", Proceed, Proceed),
            (IF_MATCH, "*", Proceed, Proceed),
            (IF_MATCH, "\"4\", \"5\"", Proceed, Proceed),
            (IF_MATCH, "W/\"5\"", Failed, Failed),
            (IF_MATCH, "\"4\"", Failed, Failed),
            (IF_MATCH, "5", Failed, Failed),
            (IF_MATCH, "", Failed, Failed),
            (IF_NONE_MATCH, "\"5\"", NotModified, Failed),
            (IF_NONE_MATCH, "W/\"5\"", NotModified, Failed),
            (IF_NONE_MATCH, "\"4\",\"5\"", NotModified, Failed),
            (IF_NONE_MATCH, "*", NotModified, Failed),
            (IF_NONE_MATCH, "\"4\"", Proceed, Proceed),
            (IF_NONE_MATCH, "5", Proceed, Proceed),
            (IF_UNMODIFIED_SINCE, THEN, Proceed, Proceed),
            (IF_UNMODIFIED_SINCE, BEFORE, Failed, Failed),
            (IF_UNMODIFIED_SINCE, "yesterday", Proceed, Proceed),
            (IF_MODIFIED_SINCE, THEN, NotModified, Proceed),
            (IF_MODIFIED_SINCE, BEFORE, Proceed, Proceed),
            (
                IF_MODIFIED_SINCE,
                "Sunday, 06-Nov-94 08:49:37 GMT",
                NotModified,
                Proceed,
            ),
            (IF_MODIFIED_SINCE, "1994-11-06T08:49:37Z", Proceed, Proceed),
        ] {
            let pairs = [(name, value)];
            assert_eq!(check(&Method::GET, &pairs), get, "GET {pairs:?}");
            assert_eq!(check(&Method::HEAD, &pairs), get, "HEAD {pairs:?}");
            assert_eq!(check(&Method::PUT, &pairs), put, "PUT {pairs:?}");
        }
        assert_eq!(check(&Method::GET, &[]), Proceed);
    }

    #[test]
    fn tags_precede_dates_and_if_match_precedes_all() {
        let get = |pairs: &[_]| check(&Method::GET, pairs);
        assert_eq!(
            get(&[(IF_MATCH, "\"4\""), (IF_NONE_MATCH, "\"5\"")]),
            Failed
        );
        assert_eq!(
            get(&[(IF_MATCH, "\"5\""), (IF_NONE_MATCH, "\"5\"")]),
            NotModified
        );
        assert_eq!(
            get(&[(IF_MATCH, "\"5\""), (IF_UNMODIFIED_SINCE, BEFORE)]),
            Proceed
        );
        assert_eq!(
            get(&[(IF_NONE_MATCH, "\"4\""), (IF_MODIFIED_SINCE, THEN)]),
            Proceed
        );
        assert_eq!(
            get(&[(IF_UNMODIFIED_SINCE, BEFORE), (IF_NONE_MATCH, "\"5\"")]),
            Failed
        );
        assert_eq!(
            get(&[(IF_UNMODIFIED_SINCE, THEN), (IF_MODIFIED_SINCE, THEN)]),
            NotModified
        );
    }

    #[test]
    fn lines_of_tags_are_joined_and_of_dates_ignored() {
        let get = |pairs: &[_]| check(&Method::GET, pairs);
        assert_eq!(get(&[(IF_MATCH, "\"4\""), (IF_MATCH, "\"5\"")]), Proceed);
        assert_eq!(
            get(&[(IF_MODIFIED_SINCE, THEN), (IF_MODIFIED_SINCE, THEN)]),
            Proceed
        );
    }

    #[test]
    fn dates_are_ignored_without_last_modified() {
        let tag = StrongEntityTag::of_revision(Revision::new(5));
        for pair in [(IF_UNMODIFIED_SINCE, BEFORE), (IF_MODIFIED_SINCE, THEN)] {
            let found = evaluate(&Method::GET, &headers(&[pair]), &tag, None);
            assert_eq!(found, Proceed);
        }
    }
}
