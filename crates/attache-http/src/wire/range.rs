//! `Range` and `If-Range` for downloads (RFC 9110, 14): one range of bytes, or the whole file.

use attache_model::Timestamp;
use http::header::{IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, Method};

use super::conditional::{http_date, only_line, read_date};
use super::entity_tag::{SentTag, StrongEntityTag};

/// The bytes that a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RangeOutcome {
    /// All of them (200).
    Full,
    /// Those from `first` to `last`, both counted from 0 and both included (206). Never empty, and
    /// inside the file.
    Partial {
        /// The first byte.
        first: u64,
        /// The last byte, at least `first`.
        last: u64,
    },
    /// None that exist (416).
    Unsatisfiable,
}

impl RangeOutcome {
    /// Returns the value of the response's `Content-Range`; `None` for a full response.
    pub(crate) fn content_range(self, size_bytes: u64) -> Option<HeaderValue> {
        let text = match self {
            Self::Full => return None,
            Self::Partial { first, last } => format!("bytes {first}-{last}/{size_bytes}"),
            Self::Unsatisfiable => format!("bytes */{size_bytes}"),
        };
        HeaderValue::try_from(text).ok()
    }
}

/// Evaluates `Range` and `If-Range` of a request for a file of `size_bytes`, after its
/// [preconditions](super::conditional::evaluate).
///
/// A range is honoured on GET alone. As RFC 9110 allows, it is ignored if its unit is unknown, if its
/// syntax is wrong, or if several ranges are requested: a response in several parts would cost more
/// than it gives, and clients must accept the whole file anyway. It is also ignored if `If-Range`
/// names another version: another strong tag, any weak one, or a date other than `last_modified`.
///
/// Every well-formed range of an empty file is unsatisfiable.
pub(crate) fn evaluate(
    method: &Method,
    headers: &HeaderMap,
    size_bytes: u64,
    entity_tag: &StrongEntityTag,
    last_modified: Option<Timestamp>,
) -> RangeOutcome {
    if method != Method::GET || !is_same_version(headers, entity_tag, last_modified) {
        return RangeOutcome::Full;
    }
    match only_line(headers, &RANGE).and_then(RangeSpec::parse) {
        Some(range) => range.resolve(size_bytes),
        None => RangeOutcome::Full,
    }
}

/// Returns `true` if there is no `If-Range`, or if it names the version that would be sent.
fn is_same_version(
    headers: &HeaderMap,
    entity_tag: &StrongEntityTag,
    last_modified: Option<Timestamp>,
) -> bool {
    if !headers.contains_key(IF_RANGE) {
        return true;
    }
    let Some(line) = only_line(headers, &IF_RANGE) else {
        return false;
    };
    match SentTag::parse(line.as_bytes()) {
        Some(sent) => entity_tag.matches_strongly(sent),
        // RFC 9110, 13.1.5: the very date of this version, not just a later one.
        None => last_modified.is_some_and(|at| read_date(line) == Some(http_date(at))),
    }
}

/// A well-formed range, not yet compared with a size. Numbers too large for 64 bits are `u64::MAX`,
/// which lies beyond the end of every file.
#[derive(Debug, Clone, Copy)]
enum RangeSpec {
    /// `first-` or `first-last`.
    From { first: u64, last: u64 },
    /// `-length`: that many bytes at the end.
    Suffix { length: u64 },
}

impl RangeSpec {
    fn parse(value: &HeaderValue) -> Option<Self> {
        let (unit, set) = value.to_str().ok()?.trim().split_once('=')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let mut ranges = set
            .split(',')
            .map(str::trim)
            .filter(|range| !range.is_empty());
        let (Some(only), None) = (ranges.next(), ranges.next()) else {
            return None;
        };
        match only.split_once('-')? {
            ("", length) => number(length).map(|length| Self::Suffix { length }),
            (first, "") => number(first).map(|first| Self::From {
                first,
                last: u64::MAX,
            }),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From { first, last })
            }
        }
    }

    fn resolve(self, size_bytes: u64) -> RangeOutcome {
        let Some(end) = size_bytes.checked_sub(1) else {
            return RangeOutcome::Unsatisfiable;
        };
        match self {
            Self::From { first, last } if first <= end => RangeOutcome::Partial {
                first,
                last: last.min(end),
            },
            Self::Suffix { length } if length > 0 => RangeOutcome::Partial {
                first: size_bytes.saturating_sub(length),
                last: end,
            },
            _ => RangeOutcome::Unsatisfiable,
        }
    }
}

/// Reads decimal digits; `None` if there is anything else.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use attache_model::Revision;
    use proptest::prelude::*;

    use super::RangeOutcome::{Full, Partial, Unsatisfiable};
    use super::*;

    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn get(size_bytes: u64, range: &str) -> RangeOutcome {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse().unwrap());
        let tag = StrongEntityTag::of_revision(Revision::new(5));
        evaluate(&Method::GET, &headers, size_bytes, &tag, None)
    }

    fn partial(first: u64, last: u64) -> RangeOutcome {
        Partial { first, last }
    }

    #[test]
    fn satisfiable_ranges_are_resolved() {
        for (range, expected) in [
            ("bytes=0-0", partial(0, 0)),
            ("bytes=0-", partial(0, 9)),
            ("bytes=9-", partial(9, 9)),
            ("bytes=2-5", partial(2, 5)),
            ("bytes=2-500", partial(2, 9)),
            ("bytes=2-99999999999999999999999999", partial(2, 9)),
            ("bytes=0002-0000000000000000000000005", partial(2, 5)),
            ("bytes=-1", partial(9, 9)),
            ("bytes=-10", partial(0, 9)),
            ("bytes=-11", partial(0, 9)),
            ("bytes=-99999999999999999999999999", partial(0, 9)),
            ("BYTES=0-1", partial(0, 1)),
            ("bytes=, 0-1 ,", partial(0, 1)),
        ] {
            assert_eq!(get(10, range), expected, "{range}");
        }
    }

    #[test]
    fn unsatisfiable_ranges_are_refused() {
        for (size_bytes, range) in [
            (10, "bytes=10-"),
            (10, "bytes=10-20"),
            (10, "bytes=-0"),
            (10, "bytes=99999999999999999999999999-"),
            (10, "bytes=99999999999999999998-99999999999999999999"),
            (10, "bytes=99999999999999999999-99999999999999999998"),
            (0, "bytes=0-"),
            (0, "bytes=0-0"),
            (0, "bytes=-1"),
            (0, "bytes=-0"),
            (u64::MAX, "bytes=18446744073709551615-"),
        ] {
            assert_eq!(
                get(size_bytes, range),
                Unsatisfiable,
                "{size_bytes} {range}"
            );
        }
    }

    #[test]
    fn malformed_and_multiple_ranges_are_ignored() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=1",
            "bytes=5-2",
            "bytes=+1-2",
            "bytes=1-+2",
            "bytes=--1",
            "bytes=1 - 2",
            "bytes =0-1",
            "bytes=0x1-2",
            "bytes=0-1-2",
            "bytes=0-1,3-4",
            "bytes=0-1, x",
            "items=0-1",
            "lines=1-2",
            "0-1",
            "bytes:0-1",
            "bytes=,",
        ] {
            assert_eq!(get(10, range), Full, "{range}");
        }
    }

    #[test]
    fn range_needs_one_line_and_get() {
        let tag = StrongEntityTag::of_revision(Revision::new(5));
        let mut headers = HeaderMap::new();
        assert_eq!(evaluate(&Method::GET, &headers, 10, &tag, None), Full);
        headers.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        assert_eq!(
            evaluate(&Method::GET, &headers, 10, &tag, None),
            partial(0, 1)
        );
        assert_eq!(evaluate(&Method::HEAD, &headers, 10, &tag, None), Full);
        assert_eq!(evaluate(&Method::PUT, &headers, 10, &tag, None), Full);
        headers.append(RANGE, HeaderValue::from_static("bytes=3-4"));
        assert_eq!(evaluate(&Method::GET, &headers, 10, &tag, None), Full);
    }

    #[test]
    fn range_needs_if_range_of_this_version() {
        let tag = StrongEntityTag::of_revision(Revision::new(5));
        let then = Timestamp::parse("1994-11-06T08:49:37.500Z").ok();
        for (if_range, modified, honoured) in [
            (vec!["\"5\""], None, true),
            (vec![" \"5\""], None, true),
            (vec!["\"4\""], None, false),
            (vec!["W/\"5\""], None, false),
            (vec!["5"], None, false),
            (vec!["*"], None, false),
            (vec!["\"5\", \"4\""], None, false),
            (vec!["\"5\"", "\"5\""], None, false),
            (vec![THEN], then, true),
            (vec!["Sun, 06 Nov 1994 08:49:38 GMT"], then, false),
            (vec!["Sun, 06 Nov 1994 08:49:36 GMT"], then, false),
            (vec![THEN], None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static("bytes=50-"));
            for line in &if_range {
                headers.append(IF_RANGE, line.parse().unwrap());
            }
            let found = evaluate(&Method::GET, &headers, 10, &tag, modified);
            let expected = if honoured { Unsatisfiable } else { Full };
            assert_eq!(found, expected, "{if_range:?}");
        }
    }

    #[test]
    fn content_range_follows_rfc_9110() {
        assert_eq!(partial(2, 5).content_range(10).unwrap(), "bytes 2-5/10");
        assert_eq!(Unsatisfiable.content_range(10).unwrap(), "bytes */10");
        assert_eq!(Full.content_range(10), None);
    }

    proptest! {
        #[test]
        fn partial_outcome_lies_inside_the_file(size in any::<u64>(), range in "bytes=[0-9]{0,21}-[0-9]{0,21}") {
            if let Partial { first, last } = get(size, &range) {
                prop_assert!(first <= last && last < size);
            }
        }

        #[test]
        fn partial_outcome_is_the_requested_slice(
            size in 0_u16..50, first in 0_u16..60, length in 0_u16..60
        ) {
            let bytes: Vec<u16> = (0..size).collect();
            let expected: Vec<u16> =
                bytes.iter().copied().filter(|b| (first..=first + length).contains(b)).collect();
            let found = match get(size.into(), &format!("bytes={first}-{}", first + length)) {
                Partial { first, last } => {
                    bytes[usize::try_from(first).unwrap()..=usize::try_from(last).unwrap()].to_vec()
                }
                Unsatisfiable => vec![],
                Full => panic!("a well-formed range was ignored"),
            };
            prop_assert_eq!(found, expected);
        }
    }
}
