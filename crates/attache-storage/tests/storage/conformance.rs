//! Every backend and every wrapper passes the conformance suite, twice on the same store.

use std::sync::Arc;

use attache_model::OsEntropy;
use attache_storage::{
    BlobStore, FaultBlobStore, FaultScript, LocalBlobStore, MemoryBlobStore, ObservedBlobStore,
    TimeoutBlobStore, Timeouts, conformance,
};

use crate::support::open;

#[expect(dead_code, reason = "an example's main is not called")]
#[path = "../../examples/prefix.rs"]
mod prefix_example;

async fn assert_conforms_twice(store: &dyn BlobStore) {
    for _ in 0..2 {
        let namespace = conformance::fresh_namespace(&OsEntropy);
        let report = conformance::check_all(store, &namespace).await.unwrap();
        assert_eq!(report.passed.len(), conformance::checks().len());
    }
    let left = store.list("", None, 10).await.unwrap();
    assert!(left.keys.is_empty(), "the suite left {:?}", left.keys);
}

async fn local(directory: &tempfile::TempDir) -> LocalBlobStore {
    open(&directory.path().join("data")).await
}

#[tokio::test]
async fn memory_store_conforms() {
    assert_conforms_twice(&MemoryBlobStore::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn local_store_conforms() {
    let directory = tempfile::tempdir().unwrap();
    assert_conforms_twice(&local(&directory).await).await;
}

#[tokio::test]
async fn local_store_on_one_thread_conforms() {
    let directory = tempfile::tempdir().unwrap();
    assert_conforms_twice(&local(&directory).await).await;
}

#[tokio::test]
async fn shared_store_conforms() {
    let store: Arc<dyn BlobStore> = Arc::new(MemoryBlobStore::new());
    assert_conforms_twice(&store).await;
}

#[tokio::test]
async fn wrapped_memory_store_conforms() {
    let store = TimeoutBlobStore::new(MemoryBlobStore::new(), Timeouts::default());
    assert_conforms_twice(&store).await;
    assert_conforms_twice(&ObservedBlobStore::new(MemoryBlobStore::new())).await;
    let store = FaultBlobStore::new(MemoryBlobStore::new(), FaultScript::default());
    assert_conforms_twice(&store).await;
}

#[tokio::test]
async fn wrapped_local_store_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let store = FaultBlobStore::new(local(&directory).await, FaultScript::default());
    let store = ObservedBlobStore::new(TimeoutBlobStore::new(store, Timeouts::default()));
    assert_conforms_twice(&store).await;
}

#[tokio::test]
async fn prefix_example_conforms() {
    prefix_example::run().await.unwrap();
}
