//! Reads whose connection breaks, and what is answered of buckets and blobs that are not there.

use attache_storage::{BlobErrorKind, BlobStore, BlobStoreExt, ByteRange};
use bytes::BytesMut;
use futures_util::TryStreamExt;

use crate::support::{Fault, Operation, TestS3, key, pattern, put};

const SIZE: usize = 200_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_goes_on_where_its_connection_broke() {
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
async fn a_range_goes_on_to_its_own_end() {
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
async fn bytes_that_always_break_off_are_an_error_and_never_an_end() {
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
                Ok(None) => panic!("{} bytes passed for {SIZE}", found.len()),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), BlobErrorKind::Unavailable);
        assert!(bytes.starts_with(&found) && found.len() < SIZE);
        assert!(s3.server.seen(Operation::Get).len() < 20, "tried endlessly");
    }
}

#[tokio::test]
async fn a_blob_deleted_under_its_reader_is_not_made_up() {
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
async fn a_missing_bucket_is_not_a_missing_blob() {
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
async fn health_asks_the_store_once_in_a_while() {
    let s3 = TestS3::start();
    let store = s3.store();
    for _ in 0..10 {
        assert_eq!(store.health().await.unwrap().free_bytes, None);
    }
    assert_eq!(s3.server.seen(Operation::Bucket).len(), 1);
}

#[tokio::test]
async fn a_long_listing_takes_pages_and_passes_over_what_is_not_ours() {
    let s3 = TestS3::start();
    let store = s3.store();
    let mut options = s3.options();
    options.prefix = Some(key("ours"));
    let ours = TestS3::store_with(options);
    for name in ["a", "b", "c"] {
        put(&ours, &key(name), &pattern(1)).await;
        put(&store, &key(&format!("ours-not/{name}")), &pattern(1)).await;
    }
    let page = ours.list("", None, 2).await.unwrap();
    assert_eq!(page.keys, [key("a"), key("b")]);
    assert!(page.has_more);
    let page = ours.list("", page.keys.last(), 2).await.unwrap();
    assert_eq!(page.keys, [key("c")]);
    assert!(!page.has_more);
    let page = ours.list("", None, usize::MAX).await.unwrap();
    assert_eq!(page.keys.len(), 3);
}
