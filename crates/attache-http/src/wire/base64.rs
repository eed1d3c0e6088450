//! Decodes the base64 of JSON uploads: the standard alphabet, padded or not, nothing else in it.

use ::base64::Engine as _;
use ::base64::alphabet;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ::base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

/// Why text is not base64. Offsets are bytes, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Base64Error {
    /// Something outside the alphabet: a line break, say, or the `-` and `_` of the URL alphabet.
    #[error("base64 has a foreign symbol at byte {offset_bytes}")]
    ForeignSymbol {
        /// Where the first one is.
        offset_bytes: usize,
    },
    /// Padding before the end, or not as much as belongs there.
    #[error("base64 is padded wrongly at byte {offset_bytes}")]
    Padding {
        /// Where the wrong padding is.
        offset_bytes: usize,
    },
    /// A lone symbol at the end, which is less than a byte, or a last symbol with bits that belong to
    /// no byte: text that was cut or changed.
    #[error("base64 breaks off in the middle of a byte at byte {offset_bytes}")]
    Incomplete {
        /// Where the last symbol is.
        offset_bytes: usize,
    },
}

/// Decodes all of `text`. The result takes three quarters of its length in memory.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, Base64Error> {
    // All of the padding or none: half of it would be a sign that something was cut off.
    let engine = if text.ends_with('=') {
        BASE64_STANDARD
    } else {
        BASE64_STANDARD_NO_PAD
    };
    engine.decode(text).map_err(|_| explain(text.as_bytes()))
}

/// As [`decode`], for clients that leave bits in the last symbol that belong to no byte: these are
/// dropped.
pub(crate) fn decode_with_spare_bits(text: &str) -> Result<Vec<u8>, Base64Error> {
    let padding = if text.ends_with('=') {
        DecodePaddingMode::RequireCanonical
    } else {
        DecodePaddingMode::RequireNone
    };
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(padding);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    engine.decode(text).map_err(|_| explain(text.as_bytes()))
}

/// Finds the first fault in text that was refused.
fn explain(text: &[u8]) -> Base64Error {
    let is_symbol = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let symbols = text.iter().take_while(|b| is_symbol(b)).count();
    let padding = text[symbols..].iter().take_while(|b| **b == b'=').count();
    if let Some(after) = text.get(symbols + padding) {
        return if is_symbol(after) {
            Base64Error::Padding {
                offset_bytes: symbols,
            }
        } else {
            Base64Error::ForeignSymbol {
                offset_bytes: symbols + padding,
            }
        };
    }
    let right_padding = match symbols % 4 {
        2 => padding == 0 || padding == 2,
        3 => padding == 0 || padding == 1,
        // A lone symbol is the worse fault.
        1 => true,
        _ => padding == 0,
    };
    if right_padding {
        Base64Error::Incomplete {
            offset_bytes: symbols.saturating_sub(1),
        }
    } else {
        Base64Error::Padding {
            offset_bytes: symbols,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Base64Error::{ForeignSymbol, Incomplete, Padding};
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
    fn the_first_fault_is_named() {
        for (text, expected) in [
            ("Zm9v\nYmFy", ForeignSymbol { offset_bytes: 4 }),
            ("Zm9v YmFy!", ForeignSymbol { offset_bytes: 4 }),
            (" Zm9v", ForeignSymbol { offset_bytes: 0 }),
            ("-_-_", ForeignSymbol { offset_bytes: 0 }),
            ("Zm9vé", ForeignSymbol { offset_bytes: 4 }),
            ("Zg==\n", ForeignSymbol { offset_bytes: 4 }),
            ("Zg==Zg==", Padding { offset_bytes: 2 }),
            ("Zg=Z", Padding { offset_bytes: 2 }),
            ("Zg=", Padding { offset_bytes: 2 }),
            ("Zg===", Padding { offset_bytes: 2 }),
            ("Zm8==", Padding { offset_bytes: 3 }),
            ("Zm9v=", Padding { offset_bytes: 4 }),
            ("====", Padding { offset_bytes: 0 }),
            ("Z", Incomplete { offset_bytes: 0 }),
            ("Zm9vZ", Incomplete { offset_bytes: 4 }),
            ("Z===", Incomplete { offset_bytes: 0 }),
            ("Zh==", Incomplete { offset_bytes: 1 }),
            ("Zm9", Incomplete { offset_bytes: 2 }),
        ] {
            assert_eq!(decode(text), Err(expected), "{text:?}");
        }
        let message = decode("Zm9v\n").unwrap_err().to_string();
        assert_eq!(message, "base64 has a foreign symbol at byte 4");
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
        fn what_was_encoded_is_decoded(bytes in prop::collection::vec(any::<u8>(), 0..200), padded: bool) {
            prop_assert_eq!(decode(&encode(&bytes, padded)).unwrap(), bytes);
        }

        #[test]
        fn what_is_decoded_was_encoded_so(text in "[A-Za-z0-9+/]{0,12}={0,3}|[ -~\n]{0,12}") {
            if let Ok(bytes) = decode(&text) {
                prop_assert!(text == encode(&bytes, true) || text == encode(&bytes, false));
            }
        }

        #[test]
        fn a_foreign_symbol_is_found_where_it_is(
            bytes in prop::collection::vec(any::<u8>(), 1..100), at in any::<prop::sample::Index>(),
            symbol in "[^A-Za-z0-9+/=]"
        ) {
            let mut text = encode(&bytes, false);
            let offset_bytes = at.index(text.len());
            text.insert_str(offset_bytes, &symbol);
            prop_assert_eq!(decode(&text), Err(ForeignSymbol { offset_bytes }));
        }
    }
}
