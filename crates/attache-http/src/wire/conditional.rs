//! Preconditions: `If-Match` and its siblings, in the order of RFC 9110, 13.2.2.

use std::time::{SystemTime, UNIX_EPOCH};

use attache_model::Timestamp;
use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName, Method};

use crate::wire::entity_tag::{SentTags, StrongEntityTag};

/// What a request's preconditions come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// Do what was asked; look at `Range` next.
    Proceed,
    /// Answer 304: the client has it already.
    NotModified,
    /// Answer 412, and change nothing.
    Failed,
}

/// Evaluates the preconditions of a request for something that exists.
///
/// `last_modified` is when it last changed, where that is told to clients at all; without it the two
/// headers that carry a date are ignored, as are dates that cannot be read. A malformed entity tag
/// matches nothing: in `If-Match` that refuses the request, in `If-None-Match` it lets it proceed.
pub(crate) fn evaluate(
    method: &Method,
    headers: &HeaderMap,
    entity_tag: &StrongEntityTag,
    last_modified: Option<Timestamp>,
) -> Precondition {
    let reads = method == Method::GET || method == Method::HEAD;

    if let Some(wanted) = SentTags::read(headers, &IF_MATCH) {
        if !wanted.contain(|sent| entity_tag.matches_strongly(sent)) {
            return Precondition::Failed;
        }
    } else if let Some((modified, date)) = dates(headers, &IF_UNMODIFIED_SINCE, last_modified)
        && modified > date
    {
        return Precondition::Failed;
    }

    if let Some(known) = SentTags::read(headers, &IF_NONE_MATCH) {
        if known.contain(|sent| entity_tag.matches_weakly(sent)) {
            return if reads {
                Precondition::NotModified
            } else {
                Precondition::Failed
            };
        }
    } else if reads
        && let Some((modified, date)) = dates(headers, &IF_MODIFIED_SINCE, last_modified)
        && modified <= date
    {
        return Precondition::NotModified;
    }

    Precondition::Proceed
}

/// Both sides of a comparison of dates, in seconds since 1970, where both are known.
fn dates(
    headers: &HeaderMap,
    name: &HeaderName,
    last_modified: Option<Timestamp>,
) -> Option<(i64, i64)> {
    let mut lines = headers.get_all(name).iter();
    let (Some(only), None) = (lines.next(), lines.next()) else {
        return None;
    };
    Some((last_modified?.as_seconds(), read_date(only.as_bytes())?))
}

/// Reads an HTTP date, as seconds since 1970.
pub(crate) fn read_date(value: &[u8]) -> Option<i64> {
    let text = str::from_utf8(value).ok()?;
    let date: SystemTime = httpdate::parse_http_date(text.trim()).ok()?;
    let since = date.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
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
    fn each_header_alone() {
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
    fn tags_go_before_dates_and_if_match_before_all() {
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
    fn lines_of_tags_add_up_and_lines_of_dates_do_not() {
        let get = |pairs: &[_]| check(&Method::GET, pairs);
        assert_eq!(get(&[(IF_MATCH, "\"4\""), (IF_MATCH, "\"5\"")]), Proceed);
        assert_eq!(
            get(&[(IF_MODIFIED_SINCE, THEN), (IF_MODIFIED_SINCE, THEN)]),
            Proceed
        );
    }

    #[test]
    fn without_a_date_of_our_own_dates_are_ignored() {
        let tag = StrongEntityTag::of_revision(Revision::new(5));
        for pair in [(IF_UNMODIFIED_SINCE, BEFORE), (IF_MODIFIED_SINCE, THEN)] {
            let found = evaluate(&Method::GET, &headers(&[pair]), &tag, None);
            assert_eq!(found, Proceed);
        }
    }
}
