//! The wrappers, with faults from a script and on a paused clock.

use std::error::Error;
use std::time::Duration;

use attache_storage::{
    BlobErrorKind, BlobKey, BlobOperation, BlobStore, BlobStoreExt, Body, Fault, FaultBlobStore,
    FaultEffect, FaultScript, MemoryBlobStore, PutOptions, TimedOut, TimeoutBlobStore, Timeouts,
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::support::store_kind;

const SECOND: Duration = Duration::from_secs(1);

fn key() -> BlobKey {
    BlobKey::parse("1/ab/blob").unwrap()
}

fn faulty() -> (FaultBlobStore<MemoryBlobStore>, FaultScript) {
    let script = FaultScript::default();
    let store = FaultBlobStore::new(MemoryBlobStore::new(), script.clone());
    (store, script)
}

mod fault {
    use super::*;

    #[tokio::test]
    async fn only_the_scripted_call_fails() {
        let (store, script) = faulty();
        script.add(Fault {
            operation: BlobOperation::Delete,
            call: 2,
            effect: FaultEffect::FailBefore(BlobErrorKind::OutOfSpace),
        });
        store.put_bytes(&key(), "x").await.unwrap();
        store
            .delete(&BlobKey::parse("other").unwrap())
            .await
            .unwrap();
        let failed = store.delete(&key()).await.unwrap_err();
        assert_eq!(failed.kind(), BlobErrorKind::OutOfSpace);
        assert_eq!(script.pending(), 0);
        store.head(&key()).await.unwrap();
        store.delete(&key()).await.unwrap();
    }

    #[tokio::test]
    async fn failure_after_put_keeps_the_blob() {
        let (store, script) = faulty();
        let effect = FaultEffect::FailAfter(BlobErrorKind::Unavailable);
        script.add_next(BlobOperation::Put, effect);
        let result = store.put_bytes(&key(), "abc").await;
        assert_eq!(store_kind(result), BlobErrorKind::Unavailable);
        assert_eq!(store.head(&key()).await.unwrap().size_bytes, 3);
    }

    #[tokio::test]
    async fn cut_get_yields_bytes_and_an_error() {
        let (store, script) = faulty();
        store.put_bytes(&key(), "abcdef").await.unwrap();
        for after_bytes in [0, 4, 6] {
            let kind = BlobErrorKind::Other;
            script.add_next(BlobOperation::Get, FaultEffect::Cut { after_bytes, kind });
            let mut stream = store.get(&key(), None).await.unwrap().stream;
            let mut read = Vec::new();
            let error = loop {
                match stream.try_next().await {
                    Ok(chunk) => read.extend_from_slice(&chunk.expect("an error comes first")),
                    Err(error) => break error,
                }
            };
            assert_eq!((read.len() as u64, error.kind()), (after_bytes, kind));
            assert!(stream.next().await.is_none());
        }
    }

    #[tokio::test]
    async fn cut_put_is_a_store_failure_and_leaves_nothing() {
        let (store, script) = faulty();
        let kind = BlobErrorKind::OutOfSpace;
        script.add_next(
            BlobOperation::Put,
            FaultEffect::Cut {
                after_bytes: 2,
                kind,
            },
        );
        let result = store.put_bytes(&key(), "abcdef").await;
        assert_eq!(store_kind(result), kind);
        let missing = store.head(&key()).await.unwrap_err();
        assert_eq!(missing.kind(), BlobErrorKind::NotFound);
    }
}

mod timeout {
    use super::*;

    fn bounded() -> (
        TimeoutBlobStore<FaultBlobStore<MemoryBlobStore>>,
        FaultScript,
    ) {
        let (store, script) = faulty();
        let timeouts = Timeouts {
            call: SECOND,
            chunk: SECOND,
            put_stall: SECOND,
        };
        (TimeoutBlobStore::new(store, timeouts), script)
    }

    #[tokio::test(start_paused = true)]
    async fn slow_call_times_out() {
        let (store, script) = bounded();
        script.add_next(BlobOperation::Head, FaultEffect::Delay(SECOND * 2));
        let failed = store.head(&key()).await.unwrap_err();
        assert_eq!(failed.kind(), BlobErrorKind::Unavailable);
        let source = failed.source().unwrap().downcast_ref::<TimedOut>();
        assert_eq!(source.unwrap().limit, SECOND);
        script.add_next(BlobOperation::Health, FaultEffect::Delay(SECOND / 2));
        store.health().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn stalled_put_times_out() {
        let (store, script) = bounded();
        script.add_next(BlobOperation::Put, FaultEffect::Delay(SECOND * 2));
        let result = store.put_bytes(&key(), "x").await;
        assert_eq!(store_kind(result), BlobErrorKind::Unavailable);
        let missing = store.head(&key()).await.unwrap_err();
        assert_eq!(missing.kind(), BlobErrorKind::NotFound);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_sender_does_not_time_out() {
        let (store, _) = bounded();
        let chunks = stream::iter(0..5).then(|_| async {
            tokio::time::sleep(SECOND * 5).await;
            Ok(Bytes::from_static(b"chunk"))
        });
        let body = Body::from_stream(chunks);
        let stored = store.put(&key(), body, PutOptions::default()).await;
        assert_eq!(stored.unwrap().size_bytes, 25);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_reader_does_not_time_out() {
        let (store, _) = bounded();
        let bytes = Bytes::from(vec![7; 1024 * 1024]);
        store.put_bytes(&key(), bytes.clone()).await.unwrap();
        let mut stream = store.get(&key(), None).await.unwrap().stream;
        let mut read = 0;
        while let Some(chunk) = stream.try_next().await.unwrap() {
            read += chunk.len();
            tokio::time::sleep(SECOND * 5).await;
        }
        assert_eq!(read, bytes.len());
    }
}
