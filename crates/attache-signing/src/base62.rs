//! Base62: numbers and random text in letters and digits only, so that a double click selects all of it.

use attache_model::Entropy;
use zeroize::Zeroizing;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Four times 62. Using bytes from here on would make the first symbols more likely than the others.
const UNBIASED_BYTES: u8 = 248;

/// Returns `true` if the text consists of base62 symbols only.
pub(crate) fn is_base62(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Maps a random byte to a symbol, or returns `None` if the byte must be drawn again.
fn symbol(byte: u8) -> Option<char> {
    (byte < UNBIASED_BYTES).then(|| char::from(ALPHABET[usize::from(byte % 62)]))
}

/// Generates `length` symbols, all 62 equally likely: 5.95 bits per symbol.
pub(crate) fn random_text(length: usize, entropy: &dyn Entropy) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(length));
    let mut pool = Zeroizing::new([0_u8; 64]);
    while text.len() < length {
        entropy.fill(pool.as_mut_slice());
        let wanted = length - text.len();
        text.extend(pool.iter().filter_map(|byte| symbol(*byte)).take(wanted));
    }
    text
}

/// Encodes a checksum as six symbols, most significant first, padded with `0`.
pub(crate) fn encode_u32(number: u32) -> [char; 6] {
    let mut rest = number as usize;
    let mut symbols = ['0'; 6];
    for place in symbols.iter_mut().rev() {
        *place = char::from(ALPHABET[rest % 62]);
        rest /= 62;
    }
    symbols
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    #[test]
    fn symbols_are_equally_likely() {
        let mut counts = HashMap::new();
        for symbol in (0..=u8::MAX).filter_map(symbol) {
            *counts.entry(symbol).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 62);
        assert!(counts.values().all(|count| *count == 4), "{counts:?}");
    }

    #[test]
    fn encode_u32_pads_to_six_symbols() {
        let encoded = |number| encode_u32(number).iter().collect::<String>();
        assert_eq!(encoded(0), "000000");
        assert_eq!(encoded(61), "00000z");
        assert_eq!(encoded(62), "000010");
        assert_eq!(encoded(u32::MAX), "4gfFC3");
    }

    /// Counts down from 255, so that the first bytes must be drawn again.
    #[derive(Debug)]
    struct Countdown(AtomicU8);

    impl Entropy for Countdown {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn biased_bytes_are_drawn_again() {
        let countdown = Countdown(AtomicU8::new(255));
        // 255 to 248 are skipped; 247 is the last byte of the fourth round, `z`.
        assert_eq!(random_text(3, &countdown).as_str(), "zyx");
        assert_eq!(random_text(300, &countdown).len(), 300);
    }
}
