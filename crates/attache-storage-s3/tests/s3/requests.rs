//! The requests that are sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use attache_storage::{BlobStore, Body, BodyError, PutError, PutOptions};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::support::{Fault, LARGE, Operation, TestS3, key, pattern, put, sha256, unknown_length};

#[tokio::test]
async fn small_put_is_one_request_with_digest() {
    let s3 = TestS3::start();
    put(&s3.store(), &key("a"), &pattern(1000)).await;
    let [sent] = &s3.server.seen(Operation::Put)[..] else {
        panic!("not one request");
    };
    let header = |name: &str| sent.headers[name].to_str().unwrap().to_owned();
    let digest = sha256(&pattern(1000));
    assert_eq!(header("x-amz-content-sha256"), digest.to_string());
    assert!(sent.headers.contains_key("x-amz-checksum-sha256"));
    assert_eq!(header("content-length"), "1000");
    assert!(s3.server.seen(Operation::Create).is_empty());
}

#[tokio::test]
async fn parts_are_sent_whole_with_signed_digest() {
    let s3 = TestS3::start();
    put(&s3.store(), &key("a"), &pattern(2 * LARGE)).await;
    let parts = s3.server.seen(Operation::Part);
    assert_eq!(parts.len(), 3);
    for part in parts {
        let digest = part.headers["x-amz-content-sha256"].to_str().unwrap();
        assert_eq!(digest.len(), 64, "{digest}");
        assert!(!part.headers.contains_key("transfer-encoding"));
        assert!(!part.headers.contains_key("x-amz-trailer"));
    }
    assert!(s3.server.seen(Operation::Put).is_empty());
    assert!(s3.server.open_uploads().is_empty());
}

#[tokio::test]
async fn refused_body_is_not_sent_or_aborted() {
    let s3 = TestS3::start();
    let store = s3.store();
    let wrong_digest = PutOptions {
        expected_sha256: Some(sha256(b"other")),
        ..PutOptions::default()
    };
    for size in [1000, LARGE] {
        let body = unknown_length(&pattern(size));
        let refused = store.put(&key("a"), body, wrong_digest).await;
        let Err(PutError::Body(BodyError::WrongDigest { .. })) = refused else {
            panic!("{size}: {refused:?}");
        };
        assert!(s3.server.open_uploads().is_empty());
    }
    assert!(s3.server.seen(Operation::Put).is_empty());
    assert!(s3.server.seen(Operation::Complete).is_empty());
    assert_eq!(s3.server.seen(Operation::Abort).len(), 1);
}

#[tokio::test]
async fn put_buffers_at_most_three_parts() {
    const CHUNK: usize = 1024 * 1024;
    let s3 = TestS3::start();
    s3.server
        .fail_next(Operation::Part, Fault::Unresponsive, 1000);
    let taken = Arc::new(AtomicUsize::new(0));
    let chunks = stream::iter(0..100).map({
        let (taken, chunk) = (Arc::clone(&taken), Bytes::from(vec![7; CHUNK]));
        move |_| {
            taken.fetch_add(CHUNK, Ordering::Relaxed);
            Ok(chunk.clone())
        }
    });
    let body = Body::from_stream(chunks);
    let store = s3.store();
    s3.skip_waits();
    let failed = store.put(&key("a"), body, PutOptions::default()).await;
    assert!(matches!(failed, Err(PutError::Store(_))), "{failed:?}");
    let taken = taken.load(Ordering::Relaxed);
    let three_parts = 3 * 5 * CHUNK;
    assert!(
        (three_parts..=three_parts + CHUNK).contains(&taken),
        "{taken}"
    );
    assert!(s3.server.open_uploads().is_empty());
}

#[tokio::test]
async fn blob_above_ten_thousand_parts_is_refused() {
    let s3 = TestS3::start();
    let limit_bytes = 10_000 * 5 * 1024 * 1024;
    let body = Body::from_stream(stream::pending().boxed()).with_exact_size(limit_bytes + 1);
    let refused = s3.store().put(&key("a"), body, PutOptions::default()).await;
    let Err(PutError::Body(BodyError::TooLarge {
        limit_bytes: stated,
    })) = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!(stated, limit_bytes);
}

#[tokio::test]
async fn debug_output_has_no_secrets() {
    let s3 = TestS3::start();
    let mut options = s3.options();
    options.bucket = "missing".to_owned();
    let store = TestS3::store_with(options);
    let error = store.list("", None, 1).await.unwrap_err();
    for shown in [format!("{store:?}"), format!("{error:?}")] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}
