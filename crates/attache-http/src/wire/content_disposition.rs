//! Writes `Content-Disposition` for downloads (RFC 6266, RFC 8187).

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The way in which a browser handles the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// Saves them.
    Attachment,
    /// Shows them.
    Inline,
}

impl Disposition {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Attachment => "attachment",
            Self::Inline => "inline",
        }
    }
}

/// All characters except RFC 8187's `attr-char`.
const NOT_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// Returns the header that names a download.
///
/// A name that every client reads in the same way is sent in `filename` alone. Any other name is sent
/// exactly in `filename*`, beside a `filename` for old clients with `_` in place of what they could
/// misread. Control characters and path separators, which no [`Filename`](attache_model::Filename)
/// contains, become `_` in both. An empty name is left out.
pub(crate) fn content_disposition(disposition: Disposition, filename: &str) -> HeaderValue {
    let kind = disposition.as_str();
    let name: String = filename.chars().map(neutralise).collect();
    let text = if name.is_empty() {
        kind.to_owned()
    } else if name.bytes().all(is_plain) {
        format!("{kind}; filename=\"{name}\"")
    } else {
        let fallback: String = name.chars().map(to_fallback).collect();
        let exact = utf8_percent_encode(&name, NOT_ATTR_CHAR);
        format!("{kind}; filename=\"{fallback}\"; filename*=UTF-8''{exact}")
    };
    // It consists of visible ASCII and spaces, so it is always a header value.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

fn neutralise(c: char) -> char {
    if c.is_control() || matches!(c, '/' | '\\') {
        '_'
    } else {
        c
    }
}

/// Returns `true` for a byte that every client takes literally, quoted or not: a token's character,
/// except `%`, which some clients decode.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'$' | b'&'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// Keeps a character that is safe inside quotation marks: printable ASCII without `"`, `%` and `\`.
const fn to_fallback(c: char) -> char {
    if matches!(c, ' '..='~') && !matches!(c, '"' | '%' | '\\') {
        c
    } else {
        '_'
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn write(filename: &str) -> String {
        let value = content_disposition(Disposition::Attachment, filename);
        value.to_str().unwrap().to_owned()
    }

    #[test]
    fn names_are_written_for_all_clients() {
        for (filename, expected) in [
            ("report.pdf", r#"attachment; filename="report.pdf""#),
            ("", "attachment"),
            (
                "my report (1).pdf",
                r#"attachment; filename="my report (1).pdf"; filename*=UTF-8''my%20report%20%281%29.pdf"#,
            ),
            (
                "naïve €.pdf",
                r#"attachment; filename="na_ve _.pdf"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.pdf"#,
            ),
            (
                r#"a"b;c.pdf"#,
                r#"attachment; filename="a_b;c.pdf"; filename*=UTF-8''a%22b%3Bc.pdf"#,
            ),
            (
                "100%41.pdf",
                r#"attachment; filename="100_41.pdf"; filename*=UTF-8''100%2541.pdf"#,
            ),
            (
                "a\r\nSet-Cookie: x",
                "attachment; filename=\"a__Set-Cookie: x\"; filename*=UTF-8''a__Set-Cookie%3A%20x",
            ),
            ("..\\../etc\0", r#"attachment; filename=".._.._etc_""#),
            ("\u{85}", r#"attachment; filename="_""#),
        ] {
            assert_eq!(write(filename), expected);
        }
        let inline = content_disposition(Disposition::Inline, "a.pdf");
        assert_eq!(inline, r#"inline; filename="a.pdf""#);
    }

    /// Reads by the letter of RFC 8187, sharing nothing with the writer.
    fn read_extended(value: &str) -> String {
        const ATTR_CHAR: &str = "!#$&+-.^_`|~";
        let encoded = value.strip_prefix("UTF-8''").expect("charset and language");
        let mut bytes = Vec::new();
        let mut rest = encoded.chars();
        while let Some(c) = rest.next() {
            if c == '%' {
                let digits: String = rest.by_ref().take(2).collect();
                assert!(digits.len() == 2 && !digits.contains('+'), "{digits}");
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            } else {
                assert!(c.is_ascii_alphanumeric() || ATTR_CHAR.contains(c), "{c}");
                bytes.push(u8::try_from(c).unwrap());
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    /// Returns the name that a client takes: `filename*` before `filename`.
    fn read(header: &str) -> String {
        let rest = header.strip_prefix("attachment; filename=\"").unwrap();
        let (quoted, rest) = rest.split_once('"').unwrap();
        assert!(
            quoted
                .bytes()
                .all(|b| matches!(b, b' '..=b'~') && !b"\\%".contains(&b))
        );
        if let Some(extended) = rest.strip_prefix("; filename*=") {
            return read_extended(extended);
        }
        assert_eq!(rest, "");
        quoted.to_owned()
    }

    proptest! {
        #[test]
        fn filename_round_trips(text in any::<String>()) {
            if let Ok(name) = attache_model::Filename::parse(&text) {
                prop_assert_eq!(read(&write(name.as_str())), name.as_str());
            }
        }

        #[test]
        fn header_is_plain_ascii_for_any_text(text in any::<String>()) {
            let header = write(&text);
            prop_assert!(header.bytes().all(|b| matches!(b, b' '..=b'~')));
            if !text.is_empty() {
                let name = read(&header);
                prop_assert!(!name.contains(|c: char| c.is_control() || c == '/' || c == '\\'));
                prop_assert_eq!(name.chars().count(), text.chars().count());
            }
        }
    }
}
