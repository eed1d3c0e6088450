//! The marker of a bucket: an object that no listing shows.

use attache_storage::{BlobErrorKind, BlobStore as _, MarkerWrite, StoreMarker as _};

use crate::support::{Fault, Operation, TestS3, key, pattern, put};

#[tokio::test(flavor = "multi_thread")]
async fn marker_is_created_once_and_replaced() {
    let s3 = TestS3::start();
    let store = s3.store();
    assert_eq!(store.read_marker().await.unwrap(), None);
    store
        .write_marker("one", MarkerWrite::Create)
        .await
        .unwrap();
    let refused = store.write_marker("two", MarkerWrite::Create).await;
    assert_eq!(refused.unwrap_err().kind(), BlobErrorKind::AlreadyExists);
    let read = store.read_marker().await.unwrap();
    assert_eq!(read.as_deref(), Some("one"));
    store.write_marker("2", MarkerWrite::Replace).await.unwrap();
    // Another program reads the same.
    let read = s3.store().read_marker().await.unwrap();
    assert_eq!(read.as_deref(), Some("2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn listing_shows_no_marker() {
    let s3 = TestS3::start();
    let store = s3.store();
    store
        .write_marker("one", MarkerWrite::Create)
        .await
        .unwrap();
    put(&store, &key("a"), &pattern(3)).await;
    let page = store.list("", None, 10).await.unwrap();
    assert_eq!(page.keys, [key("a")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_read_is_no_missing_marker() {
    let s3 = TestS3::start();
    let store = s3.store();
    store
        .write_marker("one", MarkerWrite::Create)
        .await
        .unwrap();
    s3.server.fail_next(Operation::Get, Fault::CutAt(1), 1000);
    let error = store.read_marker().await.unwrap_err();
    assert_eq!(error.kind(), BlobErrorKind::Unavailable);
}
