//! Verification of a body as it streams: its length, its digest, and whether both are allowed.

use std::fmt;

use attache_model::Sha256Digest;
use sha2::{Digest, Sha256};

use crate::{Body, BodyError, PutOptions, StoredBlob};

/// Counts and hashes the bytes of one put, and compares them with what was declared and allowed.
///
/// Every backend of this project uses it, so that all refuse the same bodies in the same way.
///
/// ```
/// use attache_storage::{Body, BodyVerifier, PutOptions};
///
/// let body = Body::from(bytes::Bytes::from_static(b"abc"));
/// let mut verifier = BodyVerifier::new(&body, PutOptions::default())?;
/// verifier.update(b"abc")?;
/// assert_eq!(verifier.finish()?.size_bytes, 3);
/// # Ok::<(), attache_storage::BodyError>(())
/// ```
pub struct BodyVerifier {
    hasher: Sha256,
    size_bytes: u64,
    exact_size_bytes: Option<u64>,
    options: PutOptions,
}

impl BodyVerifier {
    /// Creates a verifier for a body.
    ///
    /// # Errors
    ///
    /// [`BodyError::TooLarge`] if the declared length exceeds the limit.
    pub fn new(body: &Body, options: PutOptions) -> Result<Self, BodyError> {
        let exact_size_bytes = body.exact_size_bytes();
        if let (Some(exact), Some(limit)) = (exact_size_bytes, options.max_size_bytes)
            && exact > limit
        {
            return Err(BodyError::TooLarge { limit_bytes: limit });
        }
        Ok(Self {
            hasher: Sha256::new(),
            size_bytes: 0,
            exact_size_bytes,
            options,
        })
    }

    /// Creates a verifier for bytes that are read: they must be exactly those that were stored.
    pub(crate) fn of_stored(stored: StoredBlob) -> Self {
        Self {
            hasher: Sha256::new(),
            size_bytes: 0,
            exact_size_bytes: Some(stored.size_bytes),
            options: PutOptions {
                max_size_bytes: None,
                expected_sha256: Some(stored.sha256),
            },
        }
    }

    /// Adds the next bytes. Call it before storing them: after an error they must not be stored.
    ///
    /// # Errors
    ///
    /// [`BodyError::WrongLength`] or [`BodyError::TooLarge`] as soon as there are too many bytes.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        self.size_bytes = self.size_bytes.saturating_add(bytes.len() as u64);
        // First, because a declared length never exceeds the limit.
        if let Some(expected_bytes) = self.exact_size_bytes
            && self.size_bytes > expected_bytes
        {
            return Err(BodyError::WrongLength {
                expected_bytes,
                actual_bytes: self.size_bytes,
            });
        }
        if let Some(limit_bytes) = self.options.max_size_bytes
            && self.size_bytes > limit_bytes
        {
            return Err(BodyError::TooLarge { limit_bytes });
        }
        self.hasher.update(bytes);
        Ok(())
    }

    /// Returns the number of bytes so far.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Returns the size and digest of the complete body.
    ///
    /// # Errors
    ///
    /// [`BodyError::WrongLength`] if it is too short, [`BodyError::WrongDigest`].
    pub fn finish(self) -> Result<StoredBlob, BodyError> {
        if let Some(expected_bytes) = self.exact_size_bytes
            && self.size_bytes != expected_bytes
        {
            return Err(BodyError::WrongLength {
                expected_bytes,
                actual_bytes: self.size_bytes,
            });
        }
        let actual = Sha256Digest::from_bytes(self.hasher.finalize().into());
        if let Some(expected) = self.options.expected_sha256
            && expected != actual
        {
            return Err(BodyError::WrongDigest { expected, actual });
        }
        Ok(StoredBlob {
            size_bytes: self.size_bytes,
            sha256: actual,
        })
    }
}

impl fmt::Debug for BodyVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyVerifier")
            .field("size_bytes", &self.size_bytes)
            .field("exact_size_bytes", &self.exact_size_bytes)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn verifier(declared: Option<u64>, limit: Option<u64>) -> Result<BodyVerifier, BodyError> {
        let mut body = Body::from_stream(futures_util::stream::empty());
        if let Some(declared) = declared {
            body = body.with_exact_size(declared);
        }
        let options = PutOptions {
            max_size_bytes: limit,
            ..PutOptions::default()
        };
        BodyVerifier::new(&body, options)
    }

    #[test]
    fn declared_length_above_limit_is_refused_at_once() {
        let refused = verifier(Some(11), Some(10)).unwrap_err();
        assert!(matches!(refused, BodyError::TooLarge { limit_bytes: 10 }));
        assert!(verifier(Some(10), Some(10)).is_ok());
    }

    #[test]
    fn size_limit_is_inclusive() {
        let mut verifier = verifier(None, Some(4)).unwrap();
        verifier.update(b"1234").unwrap();
        let refused = verifier.update(b"5").unwrap_err();
        assert!(matches!(refused, BodyError::TooLarge { limit_bytes: 4 }));
    }

    #[test]
    fn body_of_wrong_length_is_refused() {
        let mut long = verifier(Some(2), None).unwrap();
        let refused = long.update(b"123").unwrap_err();
        assert!(matches!(
            refused,
            BodyError::WrongLength {
                expected_bytes: 2,
                actual_bytes: 3
            }
        ));
        let short = verifier(Some(2), None).unwrap().finish().unwrap_err();
        assert!(matches!(
            short,
            BodyError::WrongLength {
                expected_bytes: 2,
                actual_bytes: 0
            }
        ));
    }

    #[test]
    fn digest_of_empty_body_is_the_published_one() {
        let body = Body::from(Bytes::new());
        let stored = BodyVerifier::new(&body, PutOptions::default())
            .and_then(BodyVerifier::finish)
            .unwrap();
        assert_eq!(
            stored.sha256.to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
