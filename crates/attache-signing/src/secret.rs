//! Bytes that must not be seen: redacted, wiped, compared in constant time.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Secret bytes. `Debug` redacts them, dropping wipes them, comparing takes the same time wherever
/// they differ (their length is not secret). There is no `Display` and no serialisation: who wants
/// the bytes says so with [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for use in a computation.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_looks_at_every_byte_and_the_length() {
        let secret = Secret::new(vec![1, 2, 3]);
        assert_eq!(secret, Secret::new(vec![1, 2, 3]));
        for other in [
            vec![],
            vec![1, 2],
            vec![1, 2, 4],
            vec![0, 2, 3],
            vec![1, 2, 3, 0],
        ] {
            assert_ne!(secret, Secret::new(other));
        }
    }
}
