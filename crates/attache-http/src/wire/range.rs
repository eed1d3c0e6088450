//! `Range` and `If-Range` for downloads (RFC 9110, 14): one range of bytes, or the whole.

use std::cmp::Ordering;

use attache_model::Timestamp;
use http::header::{IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, Method};

use crate::wire::conditional::read_date;
use crate::wire::entity_tag::{SentTag, StrongEntityTag};

/// Which bytes a request asks for.
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
    /// The value of the `Content-Range` that goes with the answer; `None` for a full one.
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
/// [preconditions](crate::wire::conditional::evaluate).
///
/// A range is honoured on GET alone. It is ignored, as RFC 9110 allows, where its unit is unknown,
/// its syntax wrong, or where several are asked for: an answer in several parts would cost more than
/// it gives, and clients must be ready for the whole anyway. It is ignored, too, where `If-Range`
/// names another version: another strong tag, any weak one, or a date other than `last_modified`.
///
/// Nothing of an empty file can be had by range: every well-formed one is unsatisfiable.
pub(crate) fn evaluate(
    method: &Method,
    headers: &HeaderMap,
    size_bytes: u64,
    entity_tag: &StrongEntityTag,
    last_modified: Option<Timestamp>,
) -> RangeOutcome {
    if method != Method::GET {
        return RangeOutcome::Full;
    }
    let mut lines = headers.get_all(RANGE).iter();
    let (Some(range), None) = (lines.next(), lines.next()) else {
        return RangeOutcome::Full;
    };
    match Spec::parse(range.as_bytes()) {
        Some(spec) if same_version(headers, entity_tag, last_modified) => spec.within(size_bytes),
        _ => RangeOutcome::Full,
    }
}

/// Whether `If-Range`, where given, names the version that would be sent.
fn same_version(
    headers: &HeaderMap,
    entity_tag: &StrongEntityTag,
    last_modified: Option<Timestamp>,
) -> bool {
    let mut lines = headers.get_all(IF_RANGE).iter();
    match (lines.next(), lines.next()) {
        (None, _) => true,
        (Some(only), None) => match SentTag::parse(only.as_bytes()) {
            Some(sent) => entity_tag.matches_strongly(sent),
            None => read_date(only.as_bytes())
                .is_some_and(|date| last_modified.map(Timestamp::as_seconds) == Some(date)),
        },
        (Some(_), Some(_)) => false,
    }
}

/// A well-formed range, before the size is looked at. Numbers too large for 64 bits are `u64::MAX`,
/// which lies beyond every file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spec {
    /// `first-` or `first-last`.
    From { first: u64, last: Option<u64> },
    /// `-length`: that many bytes at the end.
    Suffix { length: u64 },
}

impl Spec {
    fn parse(value: &[u8]) -> Option<Self> {
        let text = str::from_utf8(value).ok()?;
        let (unit, set) = text.trim().split_once('=')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let blank = [' ', '\t'];
        let mut specs = set.split(',').map(|spec| spec.trim_matches(blank));
        let mut specs = specs.by_ref().filter(|spec| !spec.is_empty());
        let (Some(only), None) = (specs.next(), specs.next()) else {
            return None;
        };
        let (first, last) = only.split_once('-')?;
        if first.is_empty() {
            return Some(Self::Suffix {
                length: number(last)?,
            });
        }
        if last.is_empty() {
            let first = number(first)?;
            return Some(Self::From { first, last: None });
        }
        let spec = Self::From {
            first: number(first)?,
            last: Some(number(last)?),
        };
        (compare(first, last) != Ordering::Greater).then_some(spec)
    }

    fn within(self, size_bytes: u64) -> RangeOutcome {
        let Some(end) = size_bytes.checked_sub(1) else {
            return RangeOutcome::Unsatisfiable;
        };
        match self {
            Self::From { first, .. } if first > end => RangeOutcome::Unsatisfiable,
            Self::From { first, last } => RangeOutcome::Partial {
                first,
                last: last.map_or(end, |last| last.min(end)),
            },
            Self::Suffix { length: 0 } => RangeOutcome::Unsatisfiable,
            Self::Suffix { length } => RangeOutcome::Partial {
                first: size_bytes.saturating_sub(length),
                last: end,
            },
        }
    }
}

/// Reads decimal digits; `None` where there is anything else.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

/// Compares two numbers of any length by their digits.
fn compare(left: &str, right: &str) -> Ordering {
    let left = left.trim_start_matches('0');
    let right = right.trim_start_matches('0');
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
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
    fn satisfiable_ranges() {
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
    fn unsatisfiable_ranges() {
        for (size_bytes, range) in [
            (10, "bytes=10-"),
            (10, "bytes=10-20"),
            (10, "bytes=-0"),
            (10, "bytes=99999999999999999999999999-"),
            (10, "bytes=99999999999999999998-99999999999999999999"),
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
    fn what_is_ignored() {
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
            "bytes=99999999999999999999-99999999999999999998",
            "bytes=,",
        ] {
            assert_eq!(get(10, range), Full, "{range}");
        }
    }

    #[test]
    fn only_one_line_and_only_get() {
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
    fn if_range_must_name_this_version() {
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
    fn content_range_as_rfc_9110_writes_it() {
        assert_eq!(partial(2, 5).content_range(10).unwrap(), "bytes 2-5/10");
        assert_eq!(Unsatisfiable.content_range(10).unwrap(), "bytes */10");
        assert_eq!(Full.content_range(10), None);
    }

    proptest! {
        #[test]
        fn a_range_is_never_empty_nor_outside(size in any::<u64>(), range in "bytes=[0-9]{0,21}-[0-9]{0,21}") {
            if let Partial { first, last } = get(size, &range) {
                prop_assert!(first <= last && last < size);
            }
        }

        #[test]
        fn it_is_the_slice_that_was_asked_for(
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
                Full => panic!("a good range was ignored"),
            };
            prop_assert_eq!(found, expected);
        }
    }
}
