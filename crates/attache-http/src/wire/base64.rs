//! Decodes the base64 of JSON uploads: the standard alphabet, padded or not, perhaps broken into lines.

use std::borrow::Cow;

use ::base64::DecodeError;
use ::base64::alphabet;
use ::base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};

/// Decodes all of `text`. The result takes three quarters of its length in memory.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Base64Error> {
    decode_with(GeneralPurposeConfig::new(), text)
}

/// As [`decode`], for clients that leave bits in the last symbol that belong to no byte: these bits
/// are dropped.
pub(crate) fn decode_with_spare_bits(text: &str) -> Result<Vec<u8>, Base64Error> {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    decode_with(config, text)
}

fn decode_with(config: GeneralPurposeConfig, text: &str) -> Result<Vec<u8>, Base64Error> {
    // All of the padding or none of it: half of it is a sign that the text was cut.
    let symbols = without_breaks(text);
    let padding = if symbols.ends_with(b"=") {
        DecodePaddingMode::RequireCanonical
    } else {
        DecodePaddingMode::RequireNone
    };
    let config = config.with_decode_padding_mode(padding);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    engine
        .decode(symbols.as_ref())
        .map_err(|error| Base64Error {
            at: place_in(text, &error),
            error,
        })
}

/// Returns the text without line breaks and blanks, which MIME encoders insert (RFC 2045, 6.8).
fn without_breaks(text: &str) -> Cow<'_, [u8]> {
    if text.bytes().any(is_break) {
        Cow::Owned(text.bytes().filter(|byte| !is_break(*byte)).collect())
    } else {
        Cow::Borrowed(text.as_bytes())
    }
}

const fn is_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | b' ' | b'\t')
}

/// Returns the place of an error in the text as it was sent.
fn place_in(text: &str, error: &DecodeError) -> usize {
    let symbol = match error {
        DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => *at,
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => 0,
    };
    let mut symbols = text
        .bytes()
        .enumerate()
        .filter(|(_, byte)| !is_break(*byte));
    symbols.nth(symbol).map_or(symbol, |(at, _)| at)
}

/// The reason why text is not base64. Offsets are bytes, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("base64 {}", describe(.error, *.at))]
pub(crate) struct Base64Error {
    error: DecodeError,
    at: usize,
}

fn describe(error: &DecodeError, at: usize) -> String {
    match error {
        DecodeError::InvalidByte(..) => format!("has an invalid symbol at byte {at}"),
        DecodeError::InvalidLength(length) => format!("is cut off after {length} symbols"),
        DecodeError::InvalidLastSymbol(..) => {
            format!("has spare bits in its last symbol, at byte {at}")
        }
        DecodeError::InvalidPadding => "has too little or too much padding".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn padding_is_optional() {
        for (text, expected) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zg", "f"),
            ("Zm8=", "fo"),
            ("Zm8", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYmE=", "fooba"),
        ] {
            assert_eq!(decode(text).unwrap(), expected.as_bytes(), "{text}");
        }
        assert_eq!(decode("+/+/").unwrap(), [0xfb, 0xff, 0xbf]);
    }

    #[test]
    fn line_breaks_are_skipped() {
        for (text, expected) in [
            ("Zm9v\nYmFy", "foobar"),
            ("Zm9v\r\nYmE=\r\n", "fooba"),
            (" Zm9v\tYg =\n=\n", "foob"),
            ("\n", ""),
        ] {
            assert_eq!(decode(text).unwrap(), expected.as_bytes(), "{text:?}");
            assert_eq!(decode_with_spare_bits(text).unwrap(), expected.as_bytes());
        }
    }

    #[test]
    fn fault_is_named() {
        for (text, expected) in [
            ("Zm9v\r\nYm-y", "has an invalid symbol at byte 8"),
            ("Zm9v\x0bYmFy", "has an invalid symbol at byte 4"),
            ("-_-_", "has an invalid symbol at byte 0"),
            ("Zm9vé", "has an invalid symbol at byte 4"),
            ("Zg==\nZg==\n", "has an invalid symbol at byte 2"),
            ("Zg==Zg==", "has an invalid symbol at byte 2"),
            ("Zg=Z", "has an invalid symbol at byte 2"),
            ("Zg=", "has too little or too much padding"),
            ("Zg===", "has an invalid symbol at byte 2"),
            ("Zm8==", "has an invalid symbol at byte 3"),
            ("Zm9v=", "has an invalid symbol at byte 4"),
            ("====", "has an invalid symbol at byte 0"),
            ("Z", "is cut off after 1 symbols"),
            ("Zm9vZ", "is cut off after 5 symbols"),
            ("Z===", "has an invalid symbol at byte 1"),
            ("Zh==", "has spare bits in its last symbol, at byte 1"),
            ("Zm9", "has spare bits in its last symbol, at byte 2"),
        ] {
            let error = decode(text).unwrap_err();
            assert_eq!(error.to_string(), format!("base64 {expected}"), "{text:?}");
        }
    }

    #[test]
    fn spare_bits_are_dropped_only_on_request() {
        assert!(decode("Zh==").is_err());
        for text in ["Zh==", "Zh"] {
            assert_eq!(decode_with_spare_bits(text).unwrap(), b"f", "{text}");
        }
        for text in ["Zh=", "Z", "Zh===", "Zm9v\0"] {
            assert!(decode_with_spare_bits(text).is_err(), "{text:?}");
        }
    }

    /// Writes base64 by the letter of RFC 4648, sharing nothing with the reader.
    fn encode(bytes: &[u8], padded: bool) -> String {
        let alphabet: Vec<char> = ('A'..='Z')
            .chain('a'..='z')
            .chain('0'..='9')
            .chain(['+', '/'])
            .collect();
        let mut text = String::new();
        for group in bytes.chunks(3) {
            let mut bits = 0_u32;
            for at in 0..3 {
                bits = bits << 8 | group.get(at).map_or(0, |b| u32::from(*b));
            }
            for at in 0..4_usize {
                let symbol = alphabet[(bits >> (18 - 6 * at) & 63) as usize];
                if at <= group.len() {
                    text.push(symbol);
                } else if padded {
                    text.push('=');
                }
            }
        }
        text
    }

    proptest! {
        #[test]
        fn encoded_bytes_are_decoded(bytes in prop::collection::vec(any::<u8>(), 0..200), padded: bool) {
            prop_assert_eq!(decode(&encode(&bytes, padded)).unwrap(), bytes);
        }

        #[test]
        fn accepted_text_is_canonical(text in "[A-Za-z0-9+/]{0,12}={0,3}|[ -~\n]{0,12}") {
            if let Ok(bytes) = decode(&text) {
                let text = text.replace([' ', '\n'], "");
                prop_assert!(text == encode(&bytes, true) || text == encode(&bytes, false));
            }
        }

        #[test]
        fn invalid_symbol_is_refused(
            bytes in prop::collection::vec(any::<u8>(), 1..100), at in any::<prop::sample::Index>(),
            symbol in "[^A-Za-z0-9+/= \t\r\n]"
        ) {
            let mut text = encode(&bytes, false);
            text.insert_str(at.index(text.len()), &symbol);
            prop_assert!(decode(&text).is_err());
            prop_assert!(decode_with_spare_bits(&text).is_err());
        }
    }
}
