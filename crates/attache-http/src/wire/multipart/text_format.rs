//! The format of a text field, as the part's `Content-Type` declares it.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use serde_json::Value;

use crate::wire::content_type::ContentType;

/// The charset of a text field, and whether it is JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TextFormat {
    charset: &'static Encoding,
    is_json: bool,
}

impl TextFormat {
    /// Reads the format. A charset has the labels of the WHATWG Encoding Standard.
    ///
    /// # Errors
    ///
    /// The fault, for a type that cannot be read or an unknown charset.
    pub(super) fn of(content_type: Option<&str>) -> Result<Self, String> {
        let plain = Self {
            charset: UTF_8,
            is_json: false,
        };
        let Some(content_type) = content_type else {
            return Ok(plain);
        };
        let in_header = |problem| format!("Content-Type {problem}");
        let content_type = ContentType::parse(content_type.as_bytes()).map_err(in_header)?;
        if content_type.is_json() {
            return Ok(Self {
                is_json: true,
                ..plain
            });
        }
        match content_type.parameter("charset").map_err(in_header)? {
            None => Ok(plain),
            Some(label) => Ok(Self {
                charset: charset_of(&label)?,
                ..plain
            }),
        }
    }

    /// Decodes the content. A byte order mark is no part of it.
    ///
    /// # Errors
    ///
    /// The fault, if the content is not of this format.
    pub(super) fn decode(self, bytes: &[u8]) -> Result<String, String> {
        let (decoded, has_errors) = self.charset.decode_with_bom_removal(bytes);
        if has_errors {
            let charset = self.charset.name();
            return Err(format!("text is not {charset}; declare its charset"));
        }
        if self.is_json {
            return decode_json(&decoded);
        }
        Ok(decoded.into_owned())
    }
}

fn charset_of(label: &[u8]) -> Result<&'static Encoding, String> {
    let found = Encoding::for_label_no_replacement(label).ok_or_else(|| {
        let label: Cow<'_, str> = String::from_utf8_lossy(label);
        format!("charset `{}` is unknown; send utf-8", label.escape_debug())
    })?;
    let is_ascii = label
        .to_ascii_lowercase()
        .windows(5)
        .any(|it| it == b"ascii");
    // The standard reads ASCII as windows-1252, but what claims to be ASCII and is not is UTF-8 by now.
    Ok(if is_ascii && found == WINDOWS_1252 {
        UTF_8
    } else {
        found
    })
}

/// Decodes a JSON value to the text that a field of a form has: null is empty.
fn decode_json(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Null) => Ok(String::new()),
        Ok(Value::String(text)) => Ok(text),
        Ok(value @ (Value::Bool(_) | Value::Number(_))) => Ok(value.to_string()),
        Ok(Value::Array(_) | Value::Object(_)) => {
            Err("is a JSON array or object; a field is a string, a number or a boolean".to_owned())
        }
        Err(error) => Err(format!("is declared as JSON and is not: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content_type: &str, bytes: &[u8]) -> Result<String, String> {
        let content_type = Some(content_type).filter(|text| !text.is_empty());
        TextFormat::of(content_type)?.decode(bytes)
    }

    #[test]
    fn text_is_read_in_its_declared_charset() {
        for (content_type, bytes, text) in [
            ("", &b"\xc3\xa9"[..], "é"),
            ("text/plain", b"\xef\xbb\xbf\xc3\xa9", "é"),
            ("text/plain; charset=\"UTF-8\"", b"\xc3\xa9", "é"),
            ("text/plain; charset=utf8", b"\xc3\xa9", "é"),
            ("text/plain; charset=US-ASCII", b"\xc3\xa9", "é"),
            ("text/plain; charset=ascii", b"a", "a"),
            ("text/plain;charset=ISO-8859-1", b"\xe9", "é"),
            ("text/plain;charset=latin1", b"\xe9", "é"),
            ("text/plain;charset=windows-1252", b"\x80", "€"),
            ("text/plain;charset=utf-16le", b"\xe9\0", "é"),
            ("text/plain;charset=Shift_JIS", b"\x83e\x83X\x83g", "テスト"),
            ("text/plain;charset=gb2312", b"\xd6\xd0", "中"),
            ("text/plain;charset=koi8-r", b"\xc4\xc1", "да"),
        ] {
            assert_eq!(
                read(content_type, bytes).as_deref(),
                Ok(text),
                "{content_type}"
            );
        }
    }

    #[test]
    fn unreadable_text_is_refused() {
        for (content_type, bytes, problem) in [
            ("", &b"\xe9"[..], "not UTF-8"),
            ("text/plain; charset=klingon", b"a", "`klingon` is unknown"),
            ("text/plain; charset=iso-2022-kr", b"a", "is unknown"),
            ("nonsense", b"a", "not a media type"),
            ("text/plain; charset", b"a", "without a value"),
            ("text/plain; charset=gb18030", b"\xff", "not gb18030"),
        ] {
            let found = read(content_type, bytes).unwrap_err();
            assert!(found.contains(problem), "{content_type}: {found}");
        }
    }

    #[test]
    fn json_values_are_decoded() {
        for (json, text) in [
            ("\"PT-28\"", "PT-28"),
            (" \"a\\n\\u00e9\" ", "a\né"),
            ("\u{feff}\"a\"", "a"),
            ("true", "true"),
            ("28", "28"),
            ("null", ""),
            ("", ""),
        ] {
            for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
                let found = read(content_type, json.as_bytes());
                assert_eq!(found.as_deref(), Ok(text), "{json}");
            }
        }
        for json in ["PT-28", "\"a", "[\"a\"]", "{}", "\"a\" \"b\""] {
            assert!(read("application/json", json.as_bytes()).is_err(), "{json}");
        }
        assert_eq!(read("text/plain", b"\"a\"").as_deref(), Ok("\"a\""));
    }
}
