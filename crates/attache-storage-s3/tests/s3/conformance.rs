//! The store passes the suite that all stores pass, and passes it again in the same bucket.

use std::sync::Arc;

use attache_model::OsEntropy;
use attache_storage::{
    BlobKey, BlobStore, PrefixBlobStore, RetryBlobStore, RetryPolicy, TimeoutBlobStore, Timeouts,
    conformance,
};
use attache_storage_s3::S3Options;

use crate::support::{TestS3, wait_until};

async fn passes_twice(s3: &TestS3, options: S3Options) {
    passes_twice_as(s3, &TestS3::store_with(options)).await;
}

async fn passes_twice_as(s3: &TestS3, store: &dyn BlobStore) {
    for _ in 0..2 {
        let namespace = conformance::fresh_namespace(&OsEntropy);
        let report = conformance::check_all(store, &namespace).await.unwrap();
        assert_eq!(report.passed.len(), conformance::checks().len());
    }
    let left = store.list("", None, 10).await.unwrap();
    assert!(left.keys.is_empty(), "the suite left {:?}", left.keys);
    let is_empty = || s3.server.open_uploads().is_empty();
    wait_until("the end of all uploads", is_empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_the_usual_size() {
    let s3 = TestS3::start();
    passes_twice(&s3, s3.options().with_part_size_bytes(8 * 1024 * 1024)).await;
}

#[tokio::test]
async fn parts_of_the_smallest_size_on_a_single_thread() {
    let s3 = TestS3::start();
    passes_twice(&s3, s3.options()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn below_a_prefix() {
    let s3 = TestS3::start();
    let mut options = s3.options();
    options.prefix = Some(BlobKey::parse("some/where").unwrap());
    passes_twice(&s3, options).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_uploads_cannot_be_listed() {
    let s3 = TestS3::start();
    s3.server.disable_upload_listing();
    passes_twice(&s3, s3.options()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inside_wrappers() {
    let s3 = TestS3::start();
    let store = TestS3::store_with(s3.options());
    let store = PrefixBlobStore::new(store, BlobKey::parse("p").unwrap());
    let store = TimeoutBlobStore::new(store, Timeouts::default());
    let store = RetryBlobStore::new(store, RetryPolicy::default(), Arc::new(OsEntropy));
    passes_twice_as(&s3, &store).await;
}
