//! Entity tags: our own, which are always strong, and those a client sends to compare with.

use attache_model::{Revision, Sha256Digest};
use http::{HeaderMap, HeaderName, HeaderValue};

/// A strong entity tag: two answers that carry the same one are the same, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StrongEntityTag(String);

impl StrongEntityTag {
    /// The tag of a file's bytes: their digest, and so the same on every server.
    pub(crate) fn of_bytes(sha256: &Sha256Digest) -> Self {
        Self(format!("\"{sha256}\""))
    }

    /// The tag of a record's metadata.
    pub(crate) fn of_revision(revision: Revision) -> Self {
        Self(format!("\"{revision}\""))
    }

    /// The value of an `ETag` header.
    pub(crate) fn to_header_value(&self) -> HeaderValue {
        // Digits and quotation marks always are a header value.
        HeaderValue::try_from(&self.0).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
    }

    /// Compares by RFC 9110's strong comparison: a weak tag equals nothing.
    pub(crate) fn matches_strongly(&self, sent: SentTag<'_>) -> bool {
        !sent.weak && sent.opaque == self.0.as_bytes()
    }

    /// Compares by RFC 9110's weak comparison: a weak tag equals the strong one it names.
    pub(crate) fn matches_weakly(&self, sent: SentTag<'_>) -> bool {
        sent.opaque == self.0.as_bytes()
    }
}

/// A tag that a client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SentTag<'a> {
    weak: bool,
    /// With its quotation marks.
    opaque: &'a [u8],
}

impl<'a> SentTag<'a> {
    /// Reads a whole value as one tag; `None` where it is none.
    pub(crate) fn parse(value: &'a [u8]) -> Option<Self> {
        let (tag, rest) = Self::parse_start(value.trim_ascii())?;
        rest.is_empty().then_some(tag)
    }

    /// The revision that the tag of a record's metadata names; `None` where it is no such tag.
    pub(crate) fn revision(self) -> Option<Revision> {
        let text = std::str::from_utf8(self.opaque)
            .ok()?
            .strip_prefix('"')?
            .strip_suffix('"')?;
        let revision = Revision::new(text.parse().ok()?);
        // Only the form we write: no sign, no leading zeroes.
        (!self.weak && revision.to_string() == text).then_some(revision)
    }

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

/// What a client sent in `If-Match` or `If-None-Match`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SentTags<'a> {
    /// `*`: anything that exists.
    Any,
    /// The well-formed tags of all lines. What is malformed matches nothing, and is left out.
    List(Vec<SentTag<'a>>),
}

impl<'a> SentTags<'a> {
    /// Reads a header; `None` where the request has none.
    pub(crate) fn read(headers: &'a HeaderMap, name: &HeaderName) -> Option<Self> {
        let lines: Vec<&[u8]> = headers
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        match lines.as_slice() {
            [] => None,
            [only] if only.trim_ascii() == b"*" => Some(Self::Any),
            _ => Some(Self::List(
                lines.into_iter().flat_map(tags_of_line).collect(),
            )),
        }
    }

    /// Whether a tag of an existing thing is among these.
    pub(crate) fn contain(&self, matches: impl Fn(SentTag<'a>) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::List(tags) => tags.iter().any(|tag| matches(*tag)),
        }
    }
}

/// Reads a list of tags. A tag may hold a comma; what is no tag ends at the next one.
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
    fn our_tags_are_quoted() {
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
    fn lists_are_read_tag_by_tag() {
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
    fn a_lone_tag_is_nothing_else() {
        assert_eq!(SentTag::parse(b" W/\"a\" "), Some(tag(true, "\"a\"")));
        for wrong in ["", "a", "\"a\", \"b\"", "\"a\"b", "*", "\"a"] {
            assert_eq!(SentTag::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
