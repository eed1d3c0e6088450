//! A shared store is a store, so that wrappers accept an `Arc<dyn BlobStore>`, too.

use std::sync::Arc;

use async_trait::async_trait;
use attache_model::{BlobId, TenantId};

use crate::{
    BlobError, BlobKey, BlobMeta, BlobReader, BlobStore, Body, ByteRange, Capabilities, KeyPage,
    PresignOperation, PresignedRequest, PutError, PutOptions, StoreHealth, StoredBlob,
};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: BlobStore + ?Sized> BlobStore for Arc<S> {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn new_key(&self, tenant: TenantId, blob: BlobId, max_size_bytes: Option<u64>) -> BlobKey {
        (**self).new_key(tenant, blob, max_size_bytes)
    }

    async fn put(
        &self,
        key: &BlobKey,
        body: Body,
        options: PutOptions,
    ) -> Result<StoredBlob, PutError> {
        (**self).put(key, body, options).await
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        (**self).get(key, range).await
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        (**self).head(key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        (**self).delete(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        (**self).list(prefix, after, limit).await
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        (**self).presign(operation).await
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        (**self).health().await
    }
}
