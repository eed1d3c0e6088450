//! The health of blobs in a wrong repository.

use async_trait::async_trait;
use attache_metadata::{
    BlobFault, BlobHealthRepository, BlobLocation, BlobTotals, LiveBlob, RepositoryError,
    StoredFile,
};
use attache_model::{BlobId, Context, FileSeq, Sha256Digest, TenantId};

use crate::broken::{Broken, Fault};

#[async_trait]
impl BlobHealthRepository for Broken {
    async fn find_kept_blob(
        &self,
        cx: &Context,
        sha256: &Sha256Digest,
        size_bytes: u64,
    ) -> Result<Option<BlobLocation>, RepositoryError> {
        self.inner.find_kept_blob(cx, sha256, size_bytes).await
    }

    async fn mark_blob(
        &self,
        blob: BlobId,
        storage_key: &str,
        fault: Option<BlobFault>,
    ) -> Result<bool, RepositoryError> {
        if self.fault == Fault::MarksForgotten {
            return Ok(true);
        }
        self.inner.mark_blob(blob, storage_key, fault).await
    }

    async fn count_live_blobs(
        &self,
        tenant: Option<TenantId>,
    ) -> Result<BlobTotals, RepositoryError> {
        self.inner.count_live_blobs(tenant).await
    }

    async fn list_live_blobs(
        &self,
        tenant: Option<TenantId>,
        after: Option<BlobId>,
        limit: u32,
    ) -> Result<Vec<LiveBlob>, RepositoryError> {
        self.inner.list_live_blobs(tenant, after, limit).await
    }

    async fn list_files_of_blob(
        &self,
        tenant: TenantId,
        blob: BlobId,
        after: Option<FileSeq>,
        limit: u32,
    ) -> Result<Vec<StoredFile>, RepositoryError> {
        let listed = self.inner.list_files_of_blob(tenant, blob, after, limit);
        listed.await
    }
}
