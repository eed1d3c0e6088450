//! The store passes the public conformance suite in every configuration.

use attache_model::OsEntropy;
use attache_storage::{BlobKey, BlobStore, TimeoutBlobStore, Timeouts, conformance};

use crate::support::{TestS3, wait_until};

async fn assert_conforms(s3: &TestS3, store: &dyn BlobStore) {
    let namespace = conformance::fresh_namespace(&OsEntropy);
    let report = conformance::check_all(store, &namespace).await.unwrap();
    assert_eq!(report.passed.len(), conformance::checks().len());
    let left = store.list("", None, 10).await.unwrap();
    assert!(left.keys.is_empty(), "the suite left {:?}", left.keys);
    let held = || s3.server.open_uploads().len();
    let left = conformance::check_leftovers(store, &namespace, &held).await;
    left.unwrap();
    let is_empty = || s3.server.open_uploads().is_empty();
    wait_until("the end of all uploads", is_empty).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn default_part_size_conforms_twice() {
    let s3 = TestS3::start();
    let store = TestS3::store_with(s3.options().with_part_size_bytes(8 * 1024 * 1024));
    assert_conforms(&s3, &store).await;
    // The suite leaves nothing behind that would disturb its next run.
    assert_conforms(&s3, &store).await;
}

#[tokio::test]
async fn smallest_parts_on_one_thread_conform() {
    let s3 = TestS3::start();
    assert_conforms(&s3, &s3.store()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prefixed_store_conforms() {
    let s3 = TestS3::start();
    let mut options = s3.options();
    options.prefix = Some(BlobKey::parse("some/where").unwrap());
    assert_conforms(&s3, &TestS3::store_with(options)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_without_upload_listing_conforms() {
    let s3 = TestS3::start();
    s3.server.disable_upload_listing();
    assert_conforms(&s3, &s3.store()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn store_with_timeouts_conforms() {
    let s3 = TestS3::start();
    let store = TimeoutBlobStore::new(s3.store(), Timeouts::default());
    assert_conforms(&s3, &store).await;
}
