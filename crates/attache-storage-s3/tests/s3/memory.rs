//! The memory budget that the puts of a store share, from outside.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use attache_storage::{BlobStore, BodyError, PutError, PutOptions, StoredBlob};
use attache_storage_s3::S3BlobStore;
use futures_util::{StreamExt, stream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::{Fault, LARGE, Operation, TestS3, key, pattern, put, unknown_length};

/// The part size. The smallest budget is three parts.
const PART_BYTES: usize = 5 * 1024 * 1024;

type Puts = JoinSet<Result<StoredBlob, PutError>>;

/// Takes the whole budget by puts of three tenants, whose bodies stall after one part, of which nothing
/// can be sent because it may be the last.
async fn take_all(store: &S3BlobStore) -> Puts {
    let stalled = Arc::<AtomicUsize>::default();
    let mut puts = Puts::new();
    for number in 0..3 {
        let (store, stalled) = (store.clone(), Arc::clone(&stalled));
        puts.spawn(async move {
            let body = unknown_length(&pattern(PART_BYTES));
            let stall = stream::once(async move {
                stalled.fetch_add(1, Ordering::Relaxed);
                std::future::pending().await
            });
            let body = body.map_stream(|stream| stream.chain(stall));
            let key = key(&format!("slow-{number}/a"));
            store.put(&key, body, PutOptions::default()).await
        });
    }
    while stalled.load(Ordering::Relaxed) < 3 {
        assert!(puts.try_join_next().is_none(), "a slow put ended");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    puts
}

fn store(s3: &TestS3) -> S3BlobStore {
    TestS3::store_with(s3.options().with_buffer_bytes(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn put_waits_for_memory_and_succeeds() {
    let s3 = TestS3::start();
    let store = store(&s3);
    let slow = take_all(&store).await;
    let (name, bytes) = (key("a"), pattern(1000));
    let mut small = pin!(put(&store, &name, &bytes));
    let early = timeout(Duration::from_millis(300), small.as_mut()).await;
    assert!(early.is_err(), "there was memory left");
    drop(slow);
    small.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_released_however_a_put_ends() {
    let s3 = TestS3::start();
    let store = store(&s3);
    drop(take_all(&store).await);
    for size in [1000, 3 * LARGE] {
        put(&store, &key("a"), &pattern(size)).await;
        drop(take_all(&store).await);
        put_refused_by_store(&s3, &store, size).await;
        drop(take_all(&store).await);
        put_aborted_by_sender(&store, size).await;
        drop(take_all(&store).await);
    }
}

async fn put_refused_by_store(s3: &TestS3, store: &S3BlobStore, size: usize) {
    let operation = if size > PART_BYTES {
        Operation::Part
    } else {
        Operation::Put
    };
    let fault = Fault::Refused(403, "AccessDenied");
    s3.server.fail_next(operation, fault, 1000);
    let body = unknown_length(&pattern(size));
    let refused = store.put(&key("b"), body, PutOptions::default()).await;
    assert!(matches!(refused, Err(PutError::Store(_))), "{refused:?}");
    s3.server.clear_faults();
}

async fn put_aborted_by_sender(store: &S3BlobStore, size: usize) {
    let body = unknown_length(&pattern(size)).map_stream(|stream| {
        let abort = stream::once(async { Err(BodyError::Aborted("cut off".into())) });
        stream.chain(abort)
    });
    let refused = store.put(&key("c"), body, PutOptions::default()).await;
    assert!(matches!(refused, Err(PutError::Body(_))), "{refused:?}");
}
