//! API keys: text form, the checksum that lets scanners find leaked keys, and the stored hash.

use std::fmt;

use attache_model::{Entropy, InvalidValue};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::mac::MAC_BYTES;
use crate::{base62, mac};

const PREFIX: &str = "att_";
const ID_CHARS: usize = 12;
/// 43 symbols are 256.03 bits.
const SECRET_CHARS: usize = 43;
const CHECKSUM_CHARS: usize = 6;

/// The public half of an API key, used to look up its hash: 12 characters of `0-9A-Za-z`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyId(String);

impl ApiKeyId {
    /// Parses an id.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        if text.len() != ID_CHARS || !base62::is_base62(text) {
            return Err(InvalidValue::new("API key id", "is not 12 of 0-9 A-Z a-z"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The error for text that is not an API key, or has a typing error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the API key is malformed")]
pub struct MalformedApiKey;

/// An API key with its secret, `att_{id}_{secret}{checksum}`.
///
/// `Debug` shows only the id. The secret is wiped on drop.
///
/// ```
/// use attache_model::OsEntropy;
/// use attache_signing::ApiKey;
///
/// let key = ApiKey::generate(&OsEntropy);
/// let (shown_once, stored) = (key.reveal(), key.hash());
///
/// let presented = ApiKey::parse(&shown_once)?;
/// assert!(stored.matches(&presented));
/// assert!(ApiKey::parse("att_typo").is_err());
/// # Ok::<(), attache_signing::MalformedApiKey>(())
/// ```
#[derive(Clone)]
pub struct ApiKey {
    id: ApiKeyId,
    secret: Zeroizing<String>,
}

impl ApiKey {
    /// Generates a key with 71 random bits of id and 256 of secret.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self {
            id: ApiKeyId(base62::random_text(ID_CHARS, entropy).to_string()),
            secret: base62::random_text(SECRET_CHARS, entropy),
        }
    }

    /// Parses a key and verifies its checksum. A well-formed key need not exist.
    pub fn parse(text: &str) -> Result<Self, MalformedApiKey> {
        Self::split(text)
            // One comparison covers the prefix, the separator and the checksum.
            .filter(|key| bool::from(key.reveal().as_bytes().ct_eq(text.as_bytes())))
            .ok_or(MalformedApiKey)
    }

    fn split(text: &str) -> Option<Self> {
        let (id, rest) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let (secret, checksum) = rest.split_at_checked(SECRET_CHARS)?;
        if checksum.len() != CHECKSUM_CHARS || !base62::is_base62(secret) {
            return None;
        }
        let id = ApiKeyId::parse(id).ok()?;
        Some(Self {
            id,
            secret: Zeroizing::new(secret.to_owned()),
        })
    }

    /// Returns the public half.
    pub fn key_id(&self) -> &ApiKeyId {
        &self.id
    }

    /// Returns the whole key as text, to be shown to its owner once.
    pub fn reveal(&self) -> Zeroizing<String> {
        let length = PREFIX.len() + ID_CHARS + 1 + SECRET_CHARS + CHECKSUM_CHARS;
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(PREFIX);
        text.push_str(self.id.as_str());
        text.push('_');
        text.push_str(&self.secret);
        let checksum = crc32fast::hash(text.as_bytes());
        text.extend(base62::encode_u32(checksum));
        text
    }

    /// Returns the hash to store.
    ///
    /// It does not depend on the key ring, so rotating the ring revokes no API key. A secret of 256
    /// random bits needs no slow hash.
    pub fn hash(&self) -> ApiKeyHash {
        let label = format!("attache/v1/api-key/{}", self.id);
        ApiKeyHash(mac::compute(label.as_bytes(), self.secret.as_bytes()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The stored hash of an API key: it verifies a key, but is no use as one. `Debug` redacts it.
#[derive(Clone)]
pub struct ApiKeyHash([u8; MAC_BYTES]);

impl ApiKeyHash {
    /// Wraps a stored hash.
    pub const fn from_bytes(bytes: [u8; MAC_BYTES]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes to store.
    pub const fn as_bytes(&self) -> &[u8; MAC_BYTES] {
        &self.0
    }

    /// Returns `true` if this is the hash of `key`. Runs in constant time.
    pub fn matches(&self, key: &ApiKey) -> bool {
        self.0.ct_eq(&key.hash().0).into()
    }
}

impl fmt::Debug for ApiKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyHash(redacted)")
    }
}
