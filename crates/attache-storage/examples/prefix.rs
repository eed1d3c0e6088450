//! A wrapper of one's own: all keys lie below a prefix, so that several services share one bucket
//! or directory. Passes the conformance suite.

use async_trait::async_trait;
use attache_model::{BlobId, OsEntropy, TenantId};
use attache_storage::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, Body, ByteRange,
    Capabilities, KeyPage, MemoryBlobStore, PresignOperation, PresignedRequest, PutError,
    PutOptions, StoreHealth, StoredBlob, conformance,
};

/// Puts `{prefix}/` before every key.
#[derive(Debug)]
pub(crate) struct PrefixBlobStore<S> {
    inner: S,
    prefix: BlobKey,
}

impl<S: BlobStore> PrefixBlobStore<S> {
    pub(crate) fn new(inner: S, prefix: BlobKey) -> Self {
        Self { inner, prefix }
    }

    /// Returns the key in the inner store. One that is too long with the prefix fails with `kind`.
    fn inner_key(
        &self,
        key: &BlobKey,
        kind: BlobErrorKind,
        operation: &'static str,
    ) -> Result<BlobKey, BlobError> {
        let failed = |error| BlobError::new(kind, operation).with_source(error);
        let joined = self.prefix.join(key);
        joined.map_err(|error| failed(error).with_key(key))
    }

    /// Returns the key without the prefix.
    fn outer_key(&self, key: &BlobKey) -> Result<BlobKey, BlobError> {
        key.as_str()
            .strip_prefix(self.prefix.as_str())
            .and_then(|rest| rest.strip_prefix('/'))
            .and_then(|rest| BlobKey::parse(rest).ok())
            .ok_or_else(|| BlobError::new(BlobErrorKind::Other, "list").with_key(key))
    }
}

// The trait has no default methods; should it ever have one, this wrapper must not miss it.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: BlobStore> BlobStore for PrefixBlobStore<S> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn new_key(&self, tenant: TenantId, blob: BlobId, max_size_bytes: Option<u64>) -> BlobKey {
        self.inner.new_key(tenant, blob, max_size_bytes)
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
        let prefix = format!("{}/{prefix}", self.prefix);
        let after = after
            .map(|after| self.inner_key(after, BlobErrorKind::Unsupported, "list"))
            .transpose()?;
        let page = self.inner.list(&prefix, after.as_ref(), limit).await?;
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

/// Runs the conformance suite on a prefix of a store in memory.
pub(crate) async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let prefix = BlobKey::parse("some/where")?;
    let store = PrefixBlobStore::new(MemoryBlobStore::new(), prefix);
    let namespace = conformance::fresh_namespace(&OsEntropy);
    for check in conformance::check_all(&store, &namespace).await?.passed {
        println!("ok  {check}");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    run().await
}
