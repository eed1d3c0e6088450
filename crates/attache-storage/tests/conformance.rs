//! Every backend and every wrapper passes the suite, and passes it again on the same store.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::Arc;

use attache_model::OsEntropy;
use attache_storage::{
    BlobCall, BlobKey, BlobStore, FaultBlobStore, FaultScript, LocalBlobStore, LocalOptions,
    MemoryBlobStore, ObserveBlobStore, Observer, PrefixBlobStore, RetryBlobStore, RetryPolicy,
    TimeoutBlobStore, Timeouts, conformance,
};

async fn passes_twice(store: &dyn BlobStore) {
    for _ in 0..2 {
        let namespace = conformance::fresh_namespace(&OsEntropy);
        let report = conformance::check_all(store, &namespace).await.unwrap();
        assert_eq!(report.passed.len(), conformance::checks().len());
    }
    let left = store.list("", None, 10).await.unwrap();
    assert!(left.keys.is_empty(), "the suite left {:?}", left.keys);
}

async fn local(directory: &tempfile::TempDir) -> LocalBlobStore {
    let options = LocalOptions::new(directory.path().join("data"));
    LocalBlobStore::open(options).await.unwrap()
}

#[derive(Debug)]
struct Deaf;

impl Observer for Deaf {
    fn finished(&self, _call: &BlobCall<'_>) {}
}

#[tokio::test]
async fn memory() {
    passes_twice(&MemoryBlobStore::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn local_disk() {
    let directory = tempfile::tempdir().unwrap();
    passes_twice(&local(&directory).await).await;
}

#[tokio::test]
async fn local_disk_on_a_single_thread() {
    let directory = tempfile::tempdir().unwrap();
    passes_twice(&local(&directory).await).await;
}

#[tokio::test]
async fn shared() {
    let store: Arc<dyn BlobStore> = Arc::new(MemoryBlobStore::new());
    passes_twice(&store).await;
}

#[tokio::test]
async fn prefix_over_memory() {
    let prefix = BlobKey::parse("some/where").unwrap();
    passes_twice(&PrefixBlobStore::new(MemoryBlobStore::new(), prefix)).await;
}

#[tokio::test]
async fn prefix_over_local_disk() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = BlobKey::parse("some/where").unwrap();
    passes_twice(&PrefixBlobStore::new(local(&directory).await, prefix)).await;
}

#[tokio::test]
async fn timeout() {
    let timeouts = Timeouts::default();
    passes_twice(&TimeoutBlobStore::new(MemoryBlobStore::new(), timeouts)).await;
}

#[tokio::test]
async fn retry() {
    let policy = RetryPolicy::default();
    let inner = MemoryBlobStore::new();
    passes_twice(&RetryBlobStore::new(inner, policy, Arc::new(OsEntropy))).await;
}

#[tokio::test]
async fn observe() {
    passes_twice(&ObserveBlobStore::new(
        MemoryBlobStore::new(),
        Arc::new(Deaf),
    ))
    .await;
}

#[tokio::test]
async fn fault_without_a_script() {
    let script = FaultScript::default();
    passes_twice(&FaultBlobStore::new(MemoryBlobStore::new(), script)).await;
}

#[tokio::test]
async fn all_wrappers_at_once_over_local_disk() {
    let directory = tempfile::tempdir().unwrap();
    let inner = local(&directory).await;
    let inner = FaultBlobStore::new(inner, FaultScript::default());
    let inner = PrefixBlobStore::new(inner, BlobKey::parse("p").unwrap());
    let inner = TimeoutBlobStore::new(inner, Timeouts::default());
    let inner = RetryBlobStore::new(inner, RetryPolicy::default(), Arc::new(OsEntropy));
    passes_twice(&ObserveBlobStore::new(inner, Arc::new(Deaf))).await;
}
