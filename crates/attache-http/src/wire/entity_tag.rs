//! Entity tags: those of this server, which are always strong, and those that clients send.

use attache_model::{Revision, Sha256Digest};
use http::{HeaderMap, HeaderName, HeaderValue};

/// A strong entity tag: two responses with the same tag are the same, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StrongEntityTag(String);

impl StrongEntityTag {
    /// Returns the tag of a file's bytes: their digest, and so the same on every server.
    pub(crate) fn of_bytes(sha256: &Sha256Digest) -> Self {
        Self(format!("\"{sha256}\""))
    }

    /// Returns the tag of a record's metadata.
    pub(crate) fn of_revision(revision: Revision) -> Self {
        Self(format!("\"{revision}\""))
    }

    /// Returns the value of an `ETag` header.
    pub(crate) fn to_header_value(&self) -> HeaderValue {
        // Digits and quotation marks always are a header value.
        HeaderValue::try_from(&self.0).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
    }

    /// Returns `true` by RFC 9110's strong comparison: a weak tag equals nothing.
    pub(crate) fn matches_strongly(&self, sent: SentTag<'_>) -> bool {
        !sent.weak && sent.opaque == self.0.as_bytes()
    }

    /// Returns `true` by RFC 9110's weak comparison: a weak tag equals the strong one it names.
    pub(crate) fn matches_weakly(&self, sent: SentTag<'_>) -> bool {
        sent.opaque == self.0.as_bytes()
    }
}

/// An entity tag that a client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SentTag<'a> {
    weak: bool,
    /// With its quotation marks.
    opaque: &'a [u8],
}

impl<'a> SentTag<'a> {
    /// Reads a value that is a single tag.
    pub(crate) fn parse(value: &'a [u8]) -> Option<Self> {
        let (tag, rest) = Self::parse_start(value.trim_ascii())?;
        rest.is_empty().then_some(tag)
    }

    /// Returns the revision in the tag of a record's metadata; `None` for any other tag.
    pub(crate) fn revision(self) -> Option<Revision> {
        let text = std::str::from_utf8(self.opaque)
            .ok()?
            .strip_prefix('"')?
            .strip_suffix('"')?;
        let revision = Revision::new(text.parse().ok()?);
        // Only the form that `of_revision` writes: no sign, no leading zeroes.
        (!self.weak && revision.to_string() == text).then_some(revision)
    }

    /// Reads the tag that a value begins with; returns it and the rest.
    fn parse_start(value: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (weak, tag) = match value.strip_prefix(b"W/") {
            Some(tag) => (true, tag),
            None => (false, value),
        };
        let inside = tag.strip_prefix(b"\"")?;
        let length = memchr::memchr(b'"', inside)?;
        let allowed = |b: &u8| matches!(b, 0x21 | 0x23..=0x7e | 0x80..);
        if !inside[..length].iter().all(allowed) {
            return None;
        }
        let (opaque, rest) = tag.split_at(length + 2);
        Some((Self { weak, opaque }, rest))
    }
}

/// The value of `If-Match` or `If-None-Match`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SentTags<'a> {
    /// `*`: anything that exists.
    Any,
    /// The well-formed tags of all lines. Malformed ones match nothing and are left out.
    List(Vec<SentTag<'a>>),
}

impl<'a> SentTags<'a> {
    /// Reads a header; `None` if the request has none.
    pub(crate) fn read(headers: &'a HeaderMap, name: &HeaderName) -> Option<Self> {
        let lines: Vec<_> = headers.get_all(name).iter().collect();
        match lines.as_slice() {
            [] => None,
            [only] if only.as_bytes().trim_ascii() == b"*" => Some(Self::Any),
            _ => {
                let tags = lines
                    .into_iter()
                    .flat_map(|line| tags_of_line(line.as_bytes()));
                Some(Self::List(tags.collect()))
            }
        }
    }

    /// Returns `true` if one of the tags matches, or for `*`.
    pub(crate) fn contain(&self, matches: impl Fn(SentTag<'a>) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::List(tags) => tags.iter().any(|tag| matches(*tag)),
        }
    }
}

/// Reads a list of tags. A tag may contain a comma; anything malformed ends at the next comma.
fn tags_of_line(line: &[u8]) -> Vec<SentTag<'_>> {
    let mut tags = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        let tag = SentTag::parse_start(rest);
        let after = tag.map_or(rest, |(_, after)| after);
        let end = memchr::memchr(b',', after).unwrap_or(after.len());
        if let Some((tag, _)) = tag
            && after[..end].trim_ascii().is_empty()
        {
            tags.push(tag);
        }
        if end == after.len() {
            return tags;
        }
        rest = &after[end + 1..];
    }
}

#[cfg(test)]
mod tests {
    use http::header::IF_MATCH;

    use super::*;

    fn tag(weak: bool, opaque: &str) -> SentTag<'_> {
        let opaque = opaque.as_bytes();
        SentTag { weak, opaque }
    }

    #[test]
    fn written_tags_are_quoted() {
        let digest = Sha256Digest::from_bytes([0xab; 32]);
        let expected = format!("\"{}\"", "ab".repeat(32));
        assert_eq!(
            StrongEntityTag::of_bytes(&digest).to_header_value(),
            expected
        );
        let of_record = StrongEntityTag::of_revision(Revision::new(7));
        assert_eq!(of_record.to_header_value(), "\"7\"");
    }

    #[test]
    fn malformed_tags_of_a_list_are_left_out() {
        for (line, expected) in [
            ("\"a\"", vec![tag(false, "\"a\"")]),
            (
                "\"a\" ,, W/\"b\",",
                vec![tag(false, "\"a\""), tag(true, "\"b\"")],
            ),
            (
                "\"a,b\",\"\"",
                vec![tag(false, "\"a,b\""), tag(false, "\"\"")],
            ),
            ("a, \"b\"", vec![tag(false, "\"b\"")]),
            ("\"a\"x, \"b\"", vec![tag(false, "\"b\"")]),
            ("w/\"a\", \"b\"", vec![tag(false, "\"b\"")]),
            ("\"a b\", \"c\"", vec![tag(false, "\"c\"")]),
            ("\"é\"", vec![tag(false, "\"é\"")]),
            ("*, \"a\"", vec![tag(false, "\"a\"")]),
            ("\"a", vec![]),
            ("W/", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(tags_of_line(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let mut headers = HeaderMap::new();
        assert_eq!(SentTags::read(&headers, &IF_MATCH), None);
        headers.append(IF_MATCH, HeaderValue::from_static(" * "));
        assert_eq!(SentTags::read(&headers, &IF_MATCH), Some(SentTags::Any));
        headers.append(IF_MATCH, HeaderValue::from_static("\"a\""));
        let expected = SentTags::List(vec![tag(false, "\"a\"")]);
        assert_eq!(SentTags::read(&headers, &IF_MATCH), Some(expected));
    }

    #[test]
    fn single_tag_allows_nothing_beside_it() {
        assert_eq!(SentTag::parse(b" W/\"a\" "), Some(tag(true, "\"a\"")));
        for wrong in ["", "a", "\"a\", \"b\"", "\"a\"b", "*", "\"a"] {
            assert_eq!(SentTag::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
