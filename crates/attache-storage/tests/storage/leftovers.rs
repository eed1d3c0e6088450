//! Unfinished puts leave nothing that only the backend can see, and the suite notices where they do.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use attache_model::{BlobId, OsEntropy, TenantId};
use attache_storage::{
    BlobError, BlobKey, BlobMeta, BlobReader, BlobStore, Body, ByteRange, Capabilities, KeyPage,
    MemoryBlobStore, PresignOperation, PresignedRequest, PutError, PutOptions, StoreHealth,
    StoredBlob, conformance,
};

use crate::support::open;

/// A store that removes what it staged only where a put comes to its end.
#[derive(Debug)]
struct Leaky {
    inner: MemoryBlobStore,
    staged: Arc<AtomicUsize>,
}

#[async_trait]
impl BlobStore for Leaky {
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
        self.staged.fetch_add(1, Ordering::SeqCst);
        let put = self.inner.put(key, body, options).await;
        self.staged.fetch_sub(1, Ordering::SeqCst);
        put
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        self.inner.get(key, range).await
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        self.inner.head(key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.inner.delete(key).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        self.inner.list(prefix, after, limit).await
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        self.inner.presign(operation).await
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        self.inner.health().await
    }
}

fn files_in(directory: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return 0;
    };
    let count = |path: &Path| if path.is_dir() { files_in(path) } else { 1 };
    entries.flatten().map(|entry| count(&entry.path())).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn local_store_leaves_no_staged_files() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory.path().join("data")).await;
    let namespace = conformance::fresh_namespace(&OsEntropy);
    let held = || files_in(directory.path());
    conformance::check_leftovers(&store, &namespace, &held)
        .await
        .unwrap();
}

#[tokio::test]
async fn staged_file_of_a_dropped_put_is_caught() {
    let staged = Arc::new(AtomicUsize::new(0));
    let store = Leaky {
        inner: MemoryBlobStore::new(),
        staged: staged.clone(),
    };
    let namespace = conformance::fresh_namespace(&OsEntropy);
    conformance::check_all(&store, &namespace).await.unwrap();
    staged.store(0, Ordering::SeqCst);
    let held = || staged.load(Ordering::SeqCst);
    let caught = conformance::check_leftovers(&store, &namespace, &held).await;
    let caught = caught.unwrap_err();
    assert_eq!(
        caught.violation(),
        "a put dropped midway left 1 files or objects"
    );
}
