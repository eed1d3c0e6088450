//! The key ring: the one or two secrets that links and cursors are signed with.

use std::fmt;

use attache_model::{Entropy, InvalidValue, Timestamp};

use crate::{Secret, mac};

/// Names a key in the ring, and in what was signed with it: 1 to 16 of `a`-`z` and `0`-`9`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 16;

    /// Checks an id.
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

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a derived key is for. A MAC made for one purpose is worthless for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Signing links.
    Links,
    /// Sealing cursors.
    Cursors,
}

impl Purpose {
    /// The `info` input of HKDF.
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
    /// Length of a master secret, in bytes.
    pub const SECRET_BYTES: usize = 32;

    /// Takes a master secret, which must come from a random source: nothing is checked here.
    pub fn new(id: KeyId, master: &[u8; Self::SECRET_BYTES]) -> Self {
        Self {
            id,
            master: Secret::new(master.to_vec()),
            links: mac::derive(master, Purpose::Links.info()),
            cursors: mac::derive(master, Purpose::Cursors.info()),
        }
    }

    /// The key's id.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The 32-byte key for one purpose.
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

/// Why a key is not taken into the ring. Completes the sentence «the key …»; tells no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Not of the form `keyid:secret`.
    #[error("has no colon: a key is written keyid:secret")]
    NoColon,
    /// A key id that is none.
    #[error("has an id that is not 1 to 16 of a-z 0-9")]
    IllFormedId,
    /// A secret in no known encoding.
    #[error("has a secret that is neither 64 hex digits nor 43 characters of unpadded base64url")]
    IllFormedSecret,
    /// A secret of another length.
    #[error("has a secret that is not 32 bytes long")]
    SecretLength,
    /// A secret that no random source made, such as all zeroes, a pattern, a text or an example.
    #[error("has a secret that is predictable: make one with `openssl rand -hex 32`")]
    PredictableSecret,
    /// The id of the other key.
    #[error("has the same id as the other key")]
    RepeatedId,
    /// The secret of the other key, which rotates nothing.
    #[error("has the same secret as the other key")]
    RepeatedSecret,
    /// A third key.
    #[error("is one too many: at most two keys are live")]
    TooMany,
}

/// One or two live keys. The first signs; all of them verify. `Debug` shows the ids only.
#[derive(Clone)]
pub struct KeyRing {
    first: SigningKey,
    second: Option<SigningKey>,
}

impl KeyRing {
    /// A ring with one key.
    pub fn new(first: SigningKey) -> Self {
        Self {
            first,
            second: None,
        }
    }

    /// Adds a second key, which verifies and does not sign.
    ///
    /// # Errors
    ///
    /// When there are two already, or the two would share an id or a secret.
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

    /// A ring with one new key, whose id tells the day it was made, such as `k20260131c0ffee`.
    pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
        let mut master = zeroize::Zeroizing::new([0; SigningKey::SECRET_BYTES]);
        entropy.fill(master.as_mut_slice());
        // Two keys made on one day still need two ids.
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

    /// The key that signs.
    pub fn signing_key(&self) -> &SigningKey {
        &self.first
    }

    /// Every live key, the signing one first.
    pub fn keys(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.first).chain(&self.second)
    }

    /// The live key of that id; `None` where it is not, or no longer, in the ring.
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
    fn key_ids_are_short_and_plain() {
        for good in ["a", "0", "k20260131c0ffee", "0123456789abcdef"] {
            assert_eq!(KeyId::parse(good).unwrap().as_str(), good);
        }
        for wrong in ["", "A", "a-b", "a b", "é", "0123456789abcdef0"] {
            assert!(KeyId::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_ring_holds_at_most_two_different_keys() {
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
    fn purposes_have_keys_of_their_own() {
        let key = key("one", 1);
        let (links, cursors) = (key.derived(Purpose::Links), key.derived(Purpose::Cursors));
        assert_ne!(links, cursors);
        assert_ne!(links, key.master());
    }

    #[test]
    fn a_new_key_is_named_after_its_day() {
        let now = Timestamp::parse("2026-01-31T23:59:59Z").unwrap();
        let ring = KeyRing::generate(now, &attache_model::OsEntropy);
        let id = ring.signing_key().id();
        assert!(id.as_str().starts_with("k20260131"), "{id}");
        assert_eq!(KeyId::parse(id.as_str()).unwrap(), *id);
        let other = KeyRing::generate(now, &attache_model::OsEntropy);
        assert_ne!(ring.signing_key().master(), other.signing_key().master());
    }
}
