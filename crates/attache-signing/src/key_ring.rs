//! The key ring: the one or two secrets that sign links and cursors.

use std::fmt;

use attache_model::{Entropy, InvalidValue, Timestamp};

use crate::{Secret, mac};

/// The name of a key in the ring and in its signatures: 1 to 16 characters of `a`-`z` and `0`-`9`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 16;

    /// Parses an id.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let fits = (1..=Self::MAX_BYTES).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !fits {
            return Err(InvalidValue::new("key id", "is not 1 to 16 of a-z 0-9"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The purpose of a derived key. A MAC for one purpose is never valid for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Signing links.
    Links,
    /// Sealing cursors.
    Cursors,
}

impl Purpose {
    /// Returns the `info` input of HKDF.
    pub const fn info(self) -> &'static str {
        match self {
            Self::Links => "attache/v1/links",
            Self::Cursors => "attache/v1/cursors",
        }
    }
}

/// One key of the ring: an id, a master secret, and the keys derived from it. `Debug` shows the id.
#[derive(Clone)]
pub struct SigningKey {
    id: KeyId,
    master: Secret,
    links: Secret,
    cursors: Secret,
}

impl SigningKey {
    /// The length of a master secret, in bytes.
    pub const SECRET_BYTES: usize = 32;

    /// Derives the keys of a master secret, which must come from a random source: it is not checked.
    pub fn new(id: KeyId, master: &[u8; Self::SECRET_BYTES]) -> Self {
        Self {
            id,
            master: Secret::new(master.to_vec()),
            links: mac::derive(master, Purpose::Links.info()),
            cursors: mac::derive(master, Purpose::Cursors.info()),
        }
    }

    /// Returns the key's id.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns the id and 16 hex digits that are derived from the secret and do not reveal it, so that
    /// servers can compare their keys.
    pub fn fingerprint(&self) -> String {
        let derived = mac::derive(self.master.expose(), "attache/v1/fingerprint");
        let mut start = [0; 8];
        start.copy_from_slice(&derived.expose()[..8]);
        format!("{}:{:016x}", self.id, u64::from_be_bytes(start))
    }

    /// Returns the 32-byte key for one purpose.
    pub fn derived(&self, purpose: Purpose) -> &Secret {
        match purpose {
            Purpose::Links => &self.links,
            Purpose::Cursors => &self.cursors,
        }
    }

    pub(crate) fn master(&self) -> &Secret {
        &self.master
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The reason a key is refused. Its message completes the sentence "the key …" and shows no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Not of the form `keyid:secret`.
    #[error("has no colon: a key is written keyid:secret")]
    NoColon,
    /// An invalid key id.
    #[error("has an id that is not 1 to 16 of a-z 0-9")]
    IllFormedId,
    /// A secret in no known encoding.
    #[error("has a secret that is neither 64 hex digits nor 43 characters of unpadded base64url")]
    IllFormedSecret,
    /// A secret of the wrong length.
    #[error("has a secret that is not 32 bytes long")]
    SecretLength,
    /// A secret that no random source produced, such as zeroes, a pattern, text or an example.
    #[error("has a secret that is predictable: make one with `openssl rand -hex 32`")]
    PredictableSecret,
    /// The same id as the other key.
    #[error("has the same id as the other key")]
    RepeatedId,
    /// The same secret as the other key, so that nothing would be rotated.
    #[error("has the same secret as the other key")]
    RepeatedSecret,
    /// A third key.
    #[error("is one too many: at most two keys are live")]
    TooMany,
}

/// One or two live keys. The first key signs; both verify. `Debug` shows only the ids.
///
/// ```
/// use attache_signing::KeyRing;
///
/// // The form of the key file; write it with `KeyRing::to_file_text`.
/// let ring = KeyRing::parse(
///     "new:9f6b3c0de18a4475b2c7f01d5e8893aa46d1c05b7e2f98340c6ad7b5e1f38297
///      old:0w3UGBEHwPYrGLYhNOPj8jlH-5zXn1TBYL_2SdiVDEE",
/// )?;
/// assert_eq!(ring.signing_key().id().as_str(), "new");
/// assert_eq!(ring.keys().count(), 2);
/// # Ok::<(), attache_signing::KeyRingError>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    first: SigningKey,
    second: Option<SigningKey>,
}

impl KeyRing {
    /// Creates a ring with one key.
    pub fn new(first: SigningKey) -> Self {
        Self {
            first,
            second: None,
        }
    }

    /// Adds a second key, which verifies but does not sign.
    ///
    /// # Errors
    ///
    /// Returns an error if there are two keys already, or both would share an id or a secret.
    pub fn with_second(self, second: SigningKey) -> Result<Self, KeyProblem> {
        if self.second.is_some() {
            return Err(KeyProblem::TooMany);
        }
        if self.first.id == second.id {
            return Err(KeyProblem::RepeatedId);
        }
        if self.first.master == second.master {
            return Err(KeyProblem::RepeatedSecret);
        }
        Ok(Self {
            second: Some(second),
            ..self
        })
    }

    /// Generates a ring with one new key. Its id includes the date, such as `k20260131c0ffee`.
    pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
        let mut master = zeroize::Zeroizing::new([0; SigningKey::SECRET_BYTES]);
        entropy.fill(master.as_mut_slice());
        // Two keys of one day still need different ids.
        let mut suffix = [0; 3];
        entropy.fill(&mut suffix);
        let day: String = now
            .to_string()
            .chars()
            .take(10)
            .filter(char::is_ascii_digit)
            .collect();
        let id = KeyId(format!("k{day}{}", hex::encode(suffix)));
        Self::new(SigningKey::new(id, &master))
    }

    /// Returns the key that signs.
    pub fn signing_key(&self) -> &SigningKey {
        &self.first
    }

    /// Returns every live key, the signing key first.
    pub fn keys(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.first).chain(&self.second)
    }

    /// Returns the live key with this id, or `None` if it is not in the ring (any more).
    pub fn key(&self, id: &KeyId) -> Option<&SigningKey> {
        self.keys().find(|key| key.id == *id)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing")?;
        f.debug_list()
            .entries(self.keys().map(|key| key.id.as_str()))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, fill: u8) -> SigningKey {
        SigningKey::new(KeyId::parse(id).unwrap(), &[fill; 32])
    }

    #[test]
    fn key_id_is_1_to_16_of_base36() {
        for good in ["a", "0", "k20260131c0ffee", "0123456789abcdef"] {
            assert_eq!(KeyId::parse(good).unwrap().as_str(), good);
        }
        for wrong in ["", "A", "a-b", "a b", "é", "0123456789abcdef0"] {
            assert!(KeyId::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ring_holds_at_most_two_different_keys() {
        let ring = || KeyRing::new(key("one", 1));
        assert_eq!(
            ring().with_second(key("one", 2)).unwrap_err(),
            KeyProblem::RepeatedId
        );
        assert_eq!(
            ring().with_second(key("two", 1)).unwrap_err(),
            KeyProblem::RepeatedSecret
        );
        let full = ring().with_second(key("two", 2)).unwrap();
        assert_eq!(full.signing_key().id().as_str(), "one");
        assert!(full.key(&KeyId::parse("two").unwrap()).is_some());
        assert!(full.key(&KeyId::parse("three").unwrap()).is_none());
        assert_eq!(
            full.with_second(key("three", 3)).unwrap_err(),
            KeyProblem::TooMany
        );
    }

    #[test]
    fn purposes_have_different_keys() {
        let key = key("one", 1);
        let (links, cursors) = (key.derived(Purpose::Links), key.derived(Purpose::Cursors));
        assert_ne!(links, cursors);
        assert_ne!(links, key.master());
    }

    #[test]
    fn generated_key_id_contains_the_date() {
        let now = Timestamp::parse("2026-01-31T23:59:59Z").unwrap();
        let ring = KeyRing::generate(now, &attache_model::OsEntropy);
        let id = ring.signing_key().id();
        assert!(id.as_str().starts_with("k20260131"), "{id}");
        assert_eq!(KeyId::parse(id.as_str()).unwrap(), *id);
        let other = KeyRing::generate(now, &attache_model::OsEntropy);
        assert_ne!(ring.signing_key().master(), other.signing_key().master());
    }
}
