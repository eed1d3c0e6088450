//! A store within a store: every key lies below one prefix.

use async_trait::async_trait;

use crate::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, Body, ByteRange,
    Capabilities, KeyPage, PresignOperation, PresignedRequest, PutError, PutOptions, StoreHealth,
    StoredBlob,
};

/// Puts `{prefix}/` before every key, so that several services share one bucket or directory.
///
/// The errors of the inner store name the key as it lies there, prefix included. A key that is too
/// long together with the prefix cannot be stored (`Unsupported`) and is never there.
#[derive(Debug)]
pub struct PrefixBlobStore<S> {
    inner: S,
    prefix: BlobKey,
}

impl<S: BlobStore> PrefixBlobStore<S> {
    /// Wraps a store. The prefix is one or more segments of a key.
    pub fn new(inner: S, prefix: BlobKey) -> Self {
        Self { inner, prefix }
    }

    /// The key in the inner store.
    fn inner_key(
        &self,
        key: &BlobKey,
        if_too_long: BlobErrorKind,
        operation: &'static str,
    ) -> Result<BlobKey, BlobError> {
        self.prefix.join(key).map_err(|error| {
            BlobError::new(if_too_long, operation)
                .with_key(key)
                .with_source(error)
        })
    }

    /// The key as our callers know it.
    fn outer_key(&self, key: &BlobKey) -> Result<BlobKey, BlobError> {
        key.as_str()
            .strip_prefix(self.prefix.as_str())
            .and_then(|rest| rest.strip_prefix('/'))
            .and_then(|rest| BlobKey::parse(rest).ok())
            .ok_or_else(|| BlobError::new(BlobErrorKind::Other, "list").with_key(key))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: BlobStore> BlobStore for PrefixBlobStore<S> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(
        &self,
        key: &BlobKey,
        body: Body,
        options: PutOptions,
    ) -> Result<StoredBlob, PutError> {
        let key = self.inner_key(key, BlobErrorKind::Unsupported, "put")?;
        self.inner.put(&key, body, options).await
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        let key = self.inner_key(key, BlobErrorKind::NotFound, "get")?;
        self.inner.get(&key, range).await
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        let key = self.inner_key(key, BlobErrorKind::NotFound, "head")?;
        self.inner.head(&key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        match self.prefix.join(key) {
            Ok(key) => self.inner.delete(&key).await,
            Err(_) => Ok(()),
        }
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        let inner_prefix = format!("{}/{prefix}", self.prefix);
        let after = after
            .map(|after| self.inner_key(after, BlobErrorKind::Unsupported, "list"))
            .transpose()?;
        let page = self
            .inner
            .list(&inner_prefix, after.as_ref(), limit)
            .await?;
        let keys = page.keys.iter().map(|key| self.outer_key(key));
        Ok(KeyPage {
            keys: keys.collect::<Result<_, _>>()?,
            has_more: page.has_more,
        })
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        let key = self.inner_key(operation.key(), BlobErrorKind::Unsupported, "presign")?;
        self.inner.presign(&operation.clone().with_key(key)).await
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        self.inner.health().await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{BlobStoreExt, MemoryBlobStore};

    fn key(text: &str) -> BlobKey {
        BlobKey::parse(text).unwrap()
    }

    #[tokio::test]
    async fn neighbours_are_out_of_sight() {
        let inner = Arc::new(MemoryBlobStore::new());
        let store = PrefixBlobStore::new(Arc::clone(&inner), key("a"));
        // `ab/…` begins with `a` too, and must not be taken for ours.
        inner.put_bytes(&key("ab/x"), "theirs").await.unwrap();
        store.put_bytes(&key("x"), "ours").await.unwrap();
        let page = store.list("", None, 10).await.unwrap();
        assert_eq!(page.keys, [key("x")]);
        assert_eq!(inner.read_to_end(&key("a/x"), 9).await.unwrap(), "ours");
        let missing = store.head(&key("b/x")).await.unwrap_err();
        assert_eq!(missing.kind(), BlobErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_key_too_long_for_the_prefix_is_nowhere() {
        let store = PrefixBlobStore::new(MemoryBlobStore::new(), key("prefix"));
        let long = key(&"k".repeat(510));
        let Err(PutError::Store(refused)) = store.put_bytes(&long, "x").await else {
            panic!("the put was taken");
        };
        assert_eq!(refused.kind(), BlobErrorKind::Unsupported);
        let missing = store.head(&long).await.unwrap_err();
        assert_eq!(missing.kind(), BlobErrorKind::NotFound);
        store.delete(&long).await.unwrap();
    }
}
