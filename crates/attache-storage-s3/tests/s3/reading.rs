//! Reads whose connection breaks, and reads of missing buckets and blobs.

use attache_storage::{BlobErrorKind, BlobStore, BlobStoreExt, ByteRange};
use bytes::BytesMut;
use futures_util::TryStreamExt;

use crate::support::{Fault, Operation, TestS3, key, pattern, put};

const SIZE: usize = 200_000;

#[tokio::test(flavor = "multi_thread")]
async fn reader_resumes_after_broken_connection() {
    let s3 = TestS3::start();
    let store = s3.store();
    let bytes = pattern(SIZE);
    put(&store, &key("a"), &bytes).await;
    for at in [0, 1, 1000, SIZE / 2, SIZE - 1] {
        for times in [1, 3] {
            s3.server.fail_next(Operation::Get, Fault::CutAt(at), times);
            let found = store.read_to_end(&key("a"), SIZE).await.unwrap();
            assert!(found == bytes, "cut at {at}, {times} times");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn range_resumes_up_to_its_end() {
    let s3 = TestS3::start();
    let store = s3.store();
    let bytes = pattern(SIZE);
    put(&store, &key("a"), &bytes).await;
    s3.server.fail_next(Operation::Get, Fault::CutAt(10), 2);
    let range = ByteRange {
        offset_bytes: 1000,
        length_bytes: 5000,
    };
    let reader = store.get(&key("a"), Some(range)).await.unwrap();
    assert_eq!(reader.size_bytes, SIZE as u64);
    let found: BytesMut = reader.stream.try_collect().await.unwrap();
    assert!(found == bytes[1000..6000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn persistently_broken_read_fails() {
    for at in [0, 1000] {
        let s3 = TestS3::start();
        let store = s3.store();
        let bytes = pattern(SIZE);
        put(&store, &key("a"), &bytes).await;
        s3.server.fail_next(Operation::Get, Fault::CutAt(at), 1000);
        let mut stream = store.get(&key("a"), None).await.unwrap().stream;
        let mut found = Vec::new();
        let error = loop {
            match stream.try_next().await {
                Ok(Some(chunk)) => found.extend_from_slice(&chunk),
                Ok(None) => panic!("{} bytes were taken for all of {SIZE}", found.len()),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), BlobErrorKind::Unavailable);
        assert!(bytes.starts_with(&found) && found.len() < SIZE);
        assert!(
            s3.server.seen(Operation::Get).len() < 20,
            "resumed endlessly"
        );
    }
}

#[tokio::test]
async fn resume_after_delete_is_not_found() {
    let s3 = TestS3::start();
    let store = s3.store();
    put(&store, &key("a"), &pattern(SIZE)).await;
    s3.server.fail_next(Operation::Get, Fault::CutAt(1000), 1);
    let stream = store.get(&key("a"), None).await.unwrap().stream;
    store.delete(&key("a")).await.unwrap();
    let error = stream.try_collect::<BytesMut>().await.unwrap_err();
    assert_eq!(error.kind(), BlobErrorKind::NotFound);
}

#[tokio::test]
async fn missing_bucket_is_not_a_missing_blob() {
    let s3 = TestS3::start();
    let mut options = s3.options();
    options.bucket = "another".to_owned();
    let store = TestS3::store_with(options);
    let kind = |error: attache_storage::BlobError| error.kind();
    let health = store.health().await.map_err(kind);
    assert_eq!(health, Err(BlobErrorKind::Other));
    let list = store.list("", None, 1).await.map_err(kind);
    assert_eq!(list, Err(BlobErrorKind::Other));
}

#[tokio::test]
async fn health_is_cached() {
    let s3 = TestS3::start();
    let store = s3.store();
    for _ in 0..10 {
        assert_eq!(store.health().await.unwrap().free_bytes, None);
    }
    assert_eq!(s3.server.seen(Operation::Bucket).len(), 1);
}

#[tokio::test]
async fn listing_is_paged_and_skips_foreign_objects() {
    let s3 = TestS3::start();
    let store = s3.store();
    let mut options = s3.options();
    options.prefix = Some(key("prefixed"));
    let prefixed = TestS3::store_with(options);
    for name in ["a", "b", "c"] {
        put(&prefixed, &key(name), &pattern(1)).await;
        put(&store, &key(&format!("prefixed-not/{name}")), &pattern(1)).await;
    }
    let page = prefixed.list("", None, 2).await.unwrap();
    assert_eq!(page.keys, [key("a"), key("b")]);
    assert!(page.has_more);
    let page = prefixed.list("", page.keys.last(), 2).await.unwrap();
    assert_eq!(page.keys, [key("c")]);
    assert!(!page.has_more);
    let page = prefixed.list("", None, usize::MAX).await.unwrap();
    assert_eq!(page.keys.len(), 3);
}
