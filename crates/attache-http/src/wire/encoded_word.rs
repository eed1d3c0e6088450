//! Decodes `=?utf-8?B?…?=` (RFC 2047), in which mail clients and .NET write names that are not ASCII.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::Encoding;

/// Decodes a text that consists of encoded words; `None` for any other.
pub(super) fn decode(text: &str) -> Option<String> {
    let words = text.split_ascii_whitespace().map(decode_word);
    let decoded: Option<String> = words.collect();
    decoded.filter(|decoded| !decoded.is_empty())
}

fn decode_word(word: &str) -> Option<String> {
    let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut pieces = inner.splitn(3, '?');
    let (charset, encoding, encoded) = (pieces.next()?, pieces.next()?, pieces.next()?);
    // RFC 2231 lets a language follow the charset.
    let charset = charset.split('*').next()?;
    let charset = Encoding::for_label_no_replacement(charset.as_bytes())?;
    let bytes = if encoding.eq_ignore_ascii_case("b") {
        STANDARD.decode(encoded).ok()?
    } else if encoding.eq_ignore_ascii_case("q") {
        decode_q(encoded.as_bytes())?
    } else {
        return None;
    };
    let decoded = charset.decode_without_bom_handling_and_without_replacement(&bytes);
    decoded.map(std::borrow::Cow::into_owned)
}

/// Decodes the `Q` encoding: `=` and two hex digits for a byte, `_` for a space.
fn decode_q(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Some(bytes),
            [b'=', high, low, after @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let byte = digit(*high)? << 4 | digit(*low)?;
                bytes.push(u8::try_from(byte).ok()?);
                after
            }
            [b'=', ..] => return None,
            [b'_', after @ ..] => {
                bytes.push(b' ');
                after
            }
            [byte, after @ ..] => {
                bytes.push(*byte);
                after
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_decoded() {
        for (text, decoded) in [
            ("=?utf-8?B?bmHDr3ZlLnBkZg==?=", "na\u{ef}ve.pdf"),
            ("=?UTF-8?b?w6k=?= =?UTF-8?b?w6g=?=", "\u{e9}\u{e8}"),
            ("=?iso-8859-1?Q?Gr=F6=DFe_1.pdf?=", "Gr\u{f6}\u{df}e 1.pdf"),
            ("=?utf-8*de?q?a=3Fb?=", "a?b"),
        ] {
            assert_eq!(decode(text).as_deref(), Some(decoded), "{text}");
        }
    }

    #[test]
    fn other_text_is_left_alone() {
        for text in [
            "",
            "a.pdf",
            "=?",
            "=??=",
            "=?utf-8?B?w6k=?= a",
            "=?utf-8?B?w6?=",
            "=?utf-8?B?/w==?=",
            "=?utf-8?X?w6k=?=",
            "=?nonsense?B?w6k=?=",
            "=?utf-8?Q?=C?=",
            "=?utf-8?Q?=+1?=",
            "=?utf-8?B??=",
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
