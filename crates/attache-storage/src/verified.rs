//! Verification of a whole blob as it is read.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;

use crate::{
    BlobError, BlobErrorKind, BlobKey, BlobReader, BodyError, BodyVerifier, ByteStream, StoredBlob,
};

impl BlobReader {
    /// Holds a read of the whole blob to what was stored.
    ///
    /// The stream passes bytes on as they come, but its last chunk only once the size and the digest of
    /// all are right. Otherwise it ends with [`Corrupt`](BlobErrorKind::Corrupt), whose source is a
    /// [`BodyError`], so that a reader of wrong bytes never sees them end well.
    ///
    /// # Errors
    ///
    /// `Corrupt` at once if the blob has another size.
    ///
    /// ```
    /// use attache_storage::{BlobErrorKind, BlobKey, BlobStore, BlobStoreExt, MemoryBlobStore};
    /// use futures_util::TryStreamExt;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let store = MemoryBlobStore::new();
    /// let key = BlobKey::parse("7/91/report")?;
    /// let stored = store.put_bytes(&key, "%PDF-1.7").await?;
    /// // The bytes change behind the store's back.
    /// store.delete(&key).await?;
    /// store.put_bytes(&key, "%PDF-1.8").await?;
    ///
    /// let reader = store.get(&key, None).await?.verified(&key, stored)?;
    /// let read: Result<Vec<_>, _> = reader.stream.try_collect().await;
    /// assert_eq!(read.unwrap_err().kind(), BlobErrorKind::Corrupt);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verified(self, key: &BlobKey, stored: StoredBlob) -> Result<Self, BlobError> {
        if self.size_bytes != stored.size_bytes {
            let wrong = BodyError::WrongLength {
                expected_bytes: stored.size_bytes,
                actual_bytes: self.size_bytes,
            };
            return Err(corrupt(key, wrong));
        }
        let verified = VerifiedStream {
            inner: self.stream,
            verifier: Some(BodyVerifier::of_stored(stored)),
            size_bytes: stored.size_bytes,
            key: key.clone(),
        };
        Ok(Self {
            size_bytes: self.size_bytes,
            stream: Box::pin(verified),
        })
    }
}

fn corrupt(key: &BlobKey, fault: BodyError) -> BlobError {
    BlobError::new(BlobErrorKind::Corrupt, "read")
        .with_key(key)
        .with_source(fault)
}

struct VerifiedStream {
    inner: ByteStream<BlobError>,
    /// `None` after the last byte, or an error.
    verifier: Option<BodyVerifier>,
    size_bytes: u64,
    key: BlobKey,
}

impl VerifiedStream {
    /// Adds a chunk; verifies all if it is the last one.
    fn add(&mut self, chunk: &Bytes) -> Result<(), BodyError> {
        match &mut self.verifier {
            Some(verifier) => {
                verifier.update(chunk)?;
                if verifier.size_bytes() == self.size_bytes {
                    self.finish()?;
                }
                Ok(())
            }
            None if chunk.is_empty() => Ok(()),
            None => Err(BodyError::WrongLength {
                expected_bytes: self.size_bytes,
                actual_bytes: self.size_bytes.saturating_add(chunk.len() as u64),
            }),
        }
    }

    fn finish(&mut self) -> Result<(), BodyError> {
        match self.verifier.take() {
            Some(verifier) => verifier.finish().map(drop),
            None => Ok(()),
        }
    }
}

impl Stream for VerifiedStream {
    type Item = Result<Bytes, BlobError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.inner.poll_next_unpin(cx));
        let verified = match next {
            Some(Ok(chunk)) => self.add(&chunk).map(|()| Some(chunk)),
            Some(Err(error)) => {
                self.verifier = None;
                return Poll::Ready(Some(Err(error)));
            }
            None => self.finish().map(|()| None),
        };
        Poll::Ready(match verified {
            Ok(chunk) => chunk.map(Ok),
            Err(fault) => {
                self.verifier = None;
                // Nothing that follows wrong bytes is passed on.
                self.inner = Box::pin(futures_util::stream::empty());
                Some(Err(corrupt(&self.key, fault)))
            }
        })
    }
}

impl fmt::Debug for VerifiedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedStream")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use attache_model::Sha256Digest;
    use futures_util::stream;

    use super::*;

    fn stored(text: &str) -> StoredBlob {
        let body = crate::Body::from(Bytes::copy_from_slice(text.as_bytes()));
        let mut verifier = BodyVerifier::new(&body, crate::PutOptions::default()).unwrap();
        verifier.update(text.as_bytes()).unwrap();
        verifier.finish().unwrap()
    }

    fn reader(chunks: &[&'static str], size_bytes: usize) -> BlobReader {
        let chunks: Vec<_> = chunks.iter().map(|it| Ok(Bytes::from(*it))).collect();
        BlobReader {
            size_bytes: size_bytes as u64,
            stream: stream::iter(chunks).boxed(),
        }
    }

    /// Returns the chunks that were passed on, and the fault at their end.
    async fn read(chunks: &[&'static str], expected: StoredBlob) -> (String, Option<BodyError>) {
        let key = BlobKey::parse("7/91/report").unwrap();
        let size = usize::try_from(expected.size_bytes).unwrap();
        let mut reader = reader(chunks, size).verified(&key, expected).unwrap();
        let mut text = String::new();
        while let Some(chunk) = reader.stream.next().await {
            match chunk {
                Ok(chunk) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
                Err(error) => {
                    assert_eq!(error.kind(), BlobErrorKind::Corrupt);
                    assert!(reader.stream.next().await.is_none());
                    let source = std::error::Error::source(&error).unwrap();
                    let expected = match source.downcast_ref::<BodyError>().unwrap() {
                        BodyError::WrongDigest { expected, actual } => BodyError::WrongDigest {
                            expected: *expected,
                            actual: *actual,
                        },
                        BodyError::WrongLength {
                            expected_bytes,
                            actual_bytes,
                        } => BodyError::WrongLength {
                            expected_bytes: *expected_bytes,
                            actual_bytes: *actual_bytes,
                        },
                        other => panic!("{other:?}"),
                    };
                    return (text, Some(expected));
                }
            }
        }
        (text, None)
    }

    #[tokio::test]
    async fn right_bytes_pass_in_any_chunks() {
        for chunks in [&["ab", "cd"][..], &["abcd"], &["", "abc", "", "d", ""]] {
            let (text, fault) = read(chunks, stored("abcd")).await;
            assert_eq!((text.as_str(), fault.is_none()), ("abcd", true));
        }
        let (text, fault) = read(&[], stored("")).await;
        assert_eq!((text.as_str(), fault.is_none()), ("", true));
    }

    #[tokio::test]
    async fn last_chunk_of_wrong_bytes_is_held_back() {
        for (chunks, passed) in [
            (&["ab", "cX"][..], "ab"),
            (&["aX", "cd"], "aX"),
            (&["Xbcd"], ""),
        ] {
            let (text, fault) = read(chunks, stored("abcd")).await;
            assert_eq!(text, passed);
            assert!(
                matches!(fault, Some(BodyError::WrongDigest { .. })),
                "{fault:?}"
            );
        }
        let empty = StoredBlob {
            size_bytes: 0,
            sha256: Sha256Digest::from_bytes([7; 32]),
        };
        let (_, fault) = read(&[], empty).await;
        assert!(
            matches!(fault, Some(BodyError::WrongDigest { .. })),
            "{fault:?}"
        );
    }

    #[tokio::test]
    async fn other_length_never_ends_well() {
        for (chunks, passed) in [
            (&["ab", "c"][..], "abc"),
            (&["abcd", "e"], "abcd"),
            (&["abcde"], ""),
        ] {
            let (text, fault) = read(chunks, stored("abcd")).await;
            assert_eq!(text, passed, "{chunks:?}");
            assert!(
                matches!(fault, Some(BodyError::WrongLength { .. })),
                "{fault:?}"
            );
        }
        let key = BlobKey::parse("7/91/report").unwrap();
        let refused = reader(&["abc"], 3).verified(&key, stored("abcd"));
        assert_eq!(refused.unwrap_err().kind(), BlobErrorKind::Corrupt);
    }
}
