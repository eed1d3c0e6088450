//! Percent-decoding that refuses malformed escapes, which `percent-encoding` passes on.

use std::fmt;

use percent_encoding::percent_decode;

/// The reason why text could not be percent-decoded. Prints as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PercentError {
    /// A `%` without two hex digits after it.
    Escape,
    /// The decoded bytes are not UTF-8.
    Utf8,
}

impl fmt::Display for PercentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Escape => "has a % that two hex digits do not follow",
            Self::Utf8 => "is not UTF-8 once decoded",
        })
    }
}

/// Decodes every escape in `text`, which is UTF-8 then.
pub(crate) fn decode(text: &[u8]) -> Result<String, PercentError> {
    String::from_utf8(decode_bytes(text)?).map_err(|_| PercentError::Utf8)
}

/// Decodes every escape in `text`, in whatever charset it is.
pub(super) fn decode_bytes(text: &[u8]) -> Result<Vec<u8>, PercentError> {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'%', rest) {
        rest = match &rest[at + 1..] {
            [high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => after,
            _ => return Err(PercentError::Escape),
        };
    }
    Ok(percent_decode(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_or_refused() {
        for (text, expected) in [
            ("", Ok("")),
            ("a+b", Ok("a+b")),
            ("%41%c3%A9%25", Ok("Aé%")),
            ("%2541", Ok("%41")),
            ("%", Err(PercentError::Escape)),
            ("a%4", Err(PercentError::Escape)),
            ("%zz", Err(PercentError::Escape)),
            ("%+1", Err(PercentError::Escape)),
            ("%41%%41", Err(PercentError::Escape)),
            ("%ff", Err(PercentError::Utf8)),
            ("%C3", Err(PercentError::Utf8)),
        ] {
            assert_eq!(
                decode(text.as_bytes()).as_deref(),
                expected.as_deref(),
                "{text}"
            );
        }
    }
}
