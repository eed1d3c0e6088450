//! The key of a blob, which no client ever chooses.

use std::fmt;

use attache_model::{BlobId, InvalidValue, TenantId};

/// The key of a blob in its store: `{tenant id}/{two hex digits}/{blob id}`, unless the store
/// [chooses another](crate::BlobStore::new_key).
///
/// It is made from ids only, is never reused, and is safe both as a relative path and as an object
/// key: segments of `A-Z a-z 0-9 . _ -` that do not begin with a dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey(String);

/// The longest key. It is well below every backend's own limit, the prefix of a wrapper included.
const KEY_BYTES: usize = 512;

impl BlobKey {
    /// Returns the key of a tenant's blob. The two hex digits are random bits of the id, so that no
    /// directory or prefix grows without bound.
    pub fn for_blob(tenant: TenantId, blob: BlobId) -> Self {
        let shard = blob.as_uuid().as_bytes()[15];
        Self(format!("{tenant}/{shard:02x}/{blob}"))
    }

    /// Parses a key, such as one read from a database.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidValue> {
        let text = text.into();
        let fits = text.len() <= KEY_BYTES && text.split('/').all(is_segment);
        if !fits {
            return Err(InvalidValue::new(
                "blob key",
                "is not segments of A-Z a-z 0-9 . _ - between slashes",
            ));
        }
        Ok(Self(text))
    }

    /// Returns `inner` below this key, as a wrapper that adds a prefix needs it.
    ///
    /// # Errors
    ///
    /// If the two together are longer than a key may be.
    pub fn join(&self, inner: &Self) -> Result<Self, InvalidValue> {
        Self::parse(format!("{self}/{inner}"))
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Makes maps of keys searchable by text: keys are ordered by their bytes.
impl std::borrow::Borrow<str> for BlobKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

fn is_segment(segment: &str) -> bool {
    !segment.is_empty()
        && !segment.starts_with('.')
        && segment
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_relative_paths() {
        let blob: BlobId = "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap();
        let key = BlobKey::for_blob(TenantId::new(7), blob);
        assert_eq!(key.as_str(), "7/91/0190163d-8694-739b-aea5-966c26f8ad91");
        assert_eq!(BlobKey::parse(key.as_str()).unwrap(), key);
        for wrong in [
            "",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "a/.b",
            "a\\b",
            "a b",
            "ä",
            &"a".repeat(513),
        ] {
            assert!(BlobKey::parse(wrong).is_err(), "{wrong}");
        }
    }
}
