//! Puts whose caller or process goes away.

use std::pin::pin;
use std::sync::Arc;

use attache_storage::{BlobErrorKind, BlobStore, Body, PutOptions};
use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::{StreamExt, stream};

use crate::support::{
    Fault, LARGE, Operation, TestS3, key, pattern, put, unknown_length, wait_until,
};

/// A body that yields its bytes and then never ends.
fn endless(bytes: &Bytes) -> Body {
    Body::from_stream(stream::iter([Ok(bytes.clone())]).chain(stream::pending()))
}

#[tokio::test(flavor = "multi_thread")]
async fn put_dropped_between_parts_leaves_nothing() {
    let s3 = TestS3::start();
    let store = s3.store();
    let body = endless(&pattern(2 * LARGE));
    let options = PutOptions::default();
    let task = tokio::spawn({
        let store = store.clone();
        async move { store.put(&key("a"), body, options).await }
    });
    wait_until("an upload", || !s3.server.open_uploads().is_empty()).await;
    task.abort();
    wait_until("the abort", || s3.server.open_uploads().is_empty()).await;
    let found = store.head(&key("a")).await.unwrap_err();
    assert_eq!(found.kind(), BlobErrorKind::NotFound);
}

#[tokio::test]
async fn put_dropped_during_creation_leaves_nothing() {
    let s3 = TestS3::start();
    let store = s3.store();
    // The upload is created, and its id is only returned to the second attempt.
    let fault = Fault::AppliedThenUnresponsive;
    s3.server.fail_next(Operation::Create, fault, 1);
    let body = unknown_length(&pattern(LARGE));
    let task = tokio::spawn(async move { store.put(&key("a"), body, PutOptions::default()).await });
    let attempts = || s3.server.seen(Operation::Create).len();
    wait_until("the first attempt", || attempts() == 1).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    s3.skip_waits();
    wait_until("the second attempt", || attempts() == 2).await;
    wait_until("the abort", || s3.server.open_uploads().is_empty()).await;
    assert!(s3.server.seen(Operation::Part).is_empty());
}

#[tokio::test]
async fn delete_after_dropped_put_is_final() {
    for (operation, size) in [(Operation::Put, 1000), (Operation::Complete, LARGE)] {
        let s3 = TestS3::start();
        let store = s3.store();
        // The first attempt does nothing and hangs, so that the second comes after the drop.
        s3.server.fail_next(operation, Fault::Unresponsive, 1);
        let body = unknown_length(&pattern(size));
        let task = tokio::spawn({
            let store = store.clone();
            async move { store.put(&key("a"), body, PutOptions::default()).await }
        });
        let is_unresponsive = || s3.server.unresponsive_requests() == 1;
        wait_until("the request", is_unresponsive).await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        s3.skip_waits();
        store.delete(&key("a")).await.unwrap();
        // The dropped put made its second attempt, and the delete came after it.
        assert_eq!(s3.server.seen(operation).len(), 2, "{operation:?}");
        let found = store.head(&key("a")).await.unwrap_err();
        assert_eq!(found.kind(), BlobErrorKind::NotFound, "{operation:?}");
        assert!(s3.server.open_uploads().is_empty(), "{operation:?}");
    }
}

#[tokio::test]
async fn delete_aborts_orphaned_uploads_of_its_key() {
    let s3 = TestS3::start();
    // Shutting a runtime down is as good as a crash: nothing is aborted any more.
    let names = ["a/1", "a/1", "a/10", "a"];
    for (count, name) in (1..).zip(names) {
        let (store, server) = (s3.store(), Arc::clone(&s3.server));
        let crash = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let (name, body) = (key(name), endless(&pattern(2 * LARGE)));
                let put = store.put(&name, body, PutOptions::default());
                let is_open = || server.open_uploads().len() == count;
                let is_begun = pin!(wait_until("an upload", is_open));
                assert!(matches!(select(put, is_begun).await, Either::Right(_)));
            });
            runtime.shutdown_background();
        });
        wait_until("the crash", || crash.is_finished()).await;
        crash.join().unwrap();
    }
    assert_eq!(s3.server.open_uploads().len(), names.len());
    s3.store().delete(&key("a/1")).await.unwrap();
    let mut left = s3.server.open_uploads();
    left.sort();
    assert_eq!(left, ["/bucket/a", "/bucket/a/10"]);
}

#[tokio::test]
async fn unsupported_upload_listing_is_asked_once() {
    let s3 = TestS3::start();
    s3.server.disable_upload_listing();
    let store = s3.store();
    for name in ["a", "b"] {
        put(&store, &key(name), &pattern(1)).await;
        store.delete(&key(name)).await.unwrap();
    }
    assert_eq!(s3.server.seen(Operation::ListUploads).len(), 1);
}
