//! Conveniences for users of a store, which implementors need not write.

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;

use crate::{BlobError, BlobErrorKind, BlobKey, BlobStore, Body, PutError, PutOptions, StoredBlob};

/// Convenience methods for every [`BlobStore`], `dyn BlobStore` included.
pub trait BlobStoreExt: BlobStore {
    /// Stores bytes that are in memory, declaring their length and nothing else.
    fn put_bytes(
        &self,
        key: &BlobKey,
        bytes: impl Into<Bytes> + Send,
    ) -> impl Future<Output = Result<StoredBlob, PutError>> + Send {
        async move {
            let body = Body::from(bytes.into());
            self.put(key, body, PutOptions::default()).await
        }
    }

    /// Reads a whole blob of at most `limit_bytes` into memory.
    ///
    /// # Errors
    ///
    /// Those of [`BlobStore::get`]; `Other` with [`BlobTooLarge`] as its source if the blob is
    /// larger than the limit, before any of it is read; `Corrupt` if the store returns another
    /// number of bytes than it announced.
    fn read_to_end(
        &self,
        key: &BlobKey,
        limit_bytes: usize,
    ) -> impl Future<Output = Result<Bytes, BlobError>> + Send {
        async move {
            let reader = self.get(key, None).await?;
            let failed = |kind| BlobError::new(kind, "read").with_key(key);
            let size_bytes = usize::try_from(reader.size_bytes)
                .ok()
                .filter(|size_bytes| *size_bytes <= limit_bytes)
                .ok_or_else(|| {
                    failed(BlobErrorKind::Other).with_source(BlobTooLarge {
                        size_bytes: reader.size_bytes,
                        limit_bytes,
                    })
                })?;
            let mut stream = reader.stream;
            let mut bytes = BytesMut::with_capacity(size_bytes);
            while let Some(chunk) = stream.try_next().await? {
                if chunk.len() > size_bytes - bytes.len() {
                    return Err(failed(BlobErrorKind::Corrupt));
                }
                bytes.extend_from_slice(&chunk);
            }
            if bytes.len() < size_bytes {
                return Err(failed(BlobErrorKind::Corrupt));
            }
            Ok(bytes.freeze())
        }
    }
}

impl<S: BlobStore + ?Sized> BlobStoreExt for S {}

/// A blob is larger than the caller is willing to hold in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the blob has {size_bytes} bytes, more than the allowed {limit_bytes}")]
pub struct BlobTooLarge {
    /// The size of the blob.
    pub size_bytes: u64,
    /// The limit.
    pub limit_bytes: usize,
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::MemoryBlobStore;

    #[tokio::test]
    async fn blob_above_limit_is_not_read() {
        let store = MemoryBlobStore::new();
        let key = BlobKey::parse("a").unwrap();
        store.put_bytes(&key, "12345").await.unwrap();
        assert_eq!(store.read_to_end(&key, 5).await.unwrap(), "12345");
        let refused = store.read_to_end(&key, 4).await.unwrap_err();
        assert!(refused.source().unwrap().is::<BlobTooLarge>());
    }
}
