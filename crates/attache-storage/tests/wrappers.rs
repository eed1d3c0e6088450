//! What each wrapper adds, with faults from a script and a clock that stands still.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_model::OsEntropy;
use attache_storage::{
    BlobCall, BlobErrorKind, BlobKey, BlobOperation, BlobOutcome, BlobStore, BlobStoreExt, Body,
    BodyError, Fault, FaultBlobStore, FaultEffect, FaultScript, MemoryBlobStore, ObserveBlobStore,
    Observer, PutError, PutOptions, RetryBlobStore, RetryPolicy, TimedOut, TimeoutBlobStore,
    Timeouts,
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

const SECOND: Duration = Duration::from_secs(1);

fn key() -> BlobKey {
    BlobKey::parse("1/ab/blob").unwrap()
}

fn faulty() -> (FaultBlobStore<MemoryBlobStore>, FaultScript) {
    let script = FaultScript::default();
    let store = FaultBlobStore::new(MemoryBlobStore::new(), script.clone());
    (store, script)
}

fn store_kind<T: std::fmt::Debug>(answer: Result<T, PutError>) -> BlobErrorKind {
    match answer {
        Err(PutError::Store(error)) => error.kind(),
        answer => panic!("not a failure of the store: {answer:?}"),
    }
}

mod fault {
    use super::*;

    #[tokio::test]
    async fn the_scripted_call_fails_and_no_other() {
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
    async fn a_lost_answer_leaves_the_effect() {
        let (store, script) = faulty();
        let effect = FaultEffect::FailAfter(BlobErrorKind::Unavailable);
        script.add_next(BlobOperation::Put, effect);
        let answer = store.put_bytes(&key(), "abc").await;
        assert_eq!(store_kind(answer), BlobErrorKind::Unavailable);
        assert_eq!(store.head(&key()).await.unwrap().size_bytes, 3);
    }

    #[tokio::test]
    async fn a_cut_get_gives_so_many_bytes_and_an_error() {
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
    async fn a_cut_put_is_the_stores_fault_and_leaves_nothing() {
        let (store, script) = faulty();
        let kind = BlobErrorKind::OutOfSpace;
        script.add_next(
            BlobOperation::Put,
            FaultEffect::Cut {
                after_bytes: 2,
                kind,
            },
        );
        let answer = store.put_bytes(&key(), "abcdef").await;
        assert_eq!(store_kind(answer), kind);
        let missing = store.head(&key()).await.unwrap_err();
        assert_eq!(missing.kind(), BlobErrorKind::NotFound);
    }
}

mod retry {
    use super::*;

    fn retrying() -> (RetryBlobStore<FaultBlobStore<MemoryBlobStore>>, FaultScript) {
        let (store, script) = faulty();
        let store = RetryBlobStore::new(store, RetryPolicy::default(), Arc::new(OsEntropy));
        (store, script)
    }

    fn fail_calls(script: &FaultScript, operation: BlobOperation, calls: u32, kind: BlobErrorKind) {
        for call in 1..=calls {
            script.add(Fault {
                operation,
                call,
                effect: FaultEffect::FailBefore(kind),
            });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_repeated() {
        let (store, script) = retrying();
        fail_calls(
            &script,
            BlobOperation::Delete,
            2,
            BlobErrorKind::Unavailable,
        );
        fail_calls(
            &script,
            BlobOperation::Health,
            2,
            BlobErrorKind::Unavailable,
        );
        store.delete(&key()).await.unwrap();
        store.health().await.unwrap();
        assert_eq!(script.pending(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_are_bounded() {
        let (store, script) = retrying();
        fail_calls(&script, BlobOperation::Get, 4, BlobErrorKind::Unavailable);
        let failed = store.get(&key(), None).await.unwrap_err();
        assert_eq!(failed.kind(), BlobErrorKind::Unavailable);
        assert_eq!(script.pending(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_not_pass_is_not_repeated() {
        let (store, script) = retrying();
        fail_calls(&script, BlobOperation::Head, 2, BlobErrorKind::Corrupt);
        let failed = store.head(&key()).await.unwrap_err();
        assert_eq!(failed.kind(), BlobErrorKind::Corrupt);
        assert_eq!(script.pending(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_put_is_not_repeated() {
        let (store, script) = retrying();
        fail_calls(&script, BlobOperation::Put, 2, BlobErrorKind::Unavailable);
        let answer = store.put_bytes(&key(), "x").await;
        assert_eq!(store_kind(answer), BlobErrorKind::Unavailable);
        assert_eq!(script.pending(), 1);
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
    async fn a_slow_call_is_given_up_and_says_so() {
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
    async fn a_store_that_stalls_in_a_put_is_given_up() {
        let (store, script) = bounded();
        script.add_next(BlobOperation::Put, FaultEffect::Delay(SECOND * 2));
        let answer = store.put_bytes(&key(), "x").await;
        assert_eq!(store_kind(answer), BlobErrorKind::Unavailable);
        let missing = store.head(&key()).await.unwrap_err();
        assert_eq!(missing.kind(), BlobErrorKind::NotFound);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_sender_is_not_the_stores_fault() {
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
    async fn a_slow_reader_is_not_the_stores_fault() {
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

mod observe {
    use super::*;

    type Seen = (BlobOperation, Option<BlobKey>, BlobOutcome, u64);

    #[derive(Debug, Default)]
    struct Recorder(Mutex<Vec<Seen>>);

    impl Observer for Recorder {
        fn finished(&self, call: &BlobCall<'_>) {
            let seen = (call.operation, call.key.cloned(), call.outcome, call.bytes);
            self.0.lock().unwrap().push(seen);
        }
    }

    impl Recorder {
        fn take(&self) -> Vec<(BlobOperation, BlobOutcome, u64)> {
            let seen = std::mem::take(&mut *self.0.lock().unwrap());
            let seen = seen.into_iter();
            seen.map(|(operation, _, outcome, bytes)| (operation, outcome, bytes))
                .collect()
        }
    }

    fn observed() -> (
        ObserveBlobStore<FaultBlobStore<MemoryBlobStore>>,
        FaultScript,
        Arc<Recorder>,
    ) {
        let (store, script) = faulty();
        let recorder = Arc::new(Recorder::default());
        let store = ObserveBlobStore::new(store, Arc::clone(&recorder) as Arc<dyn Observer>);
        (store, script, recorder)
    }

    #[tokio::test]
    async fn each_call_is_reported_once_with_its_end() {
        let (store, script, recorder) = observed();
        store.put_bytes(&key(), "abc").await.unwrap();
        store.read_to_end(&key(), 10).await.unwrap();
        store.list("", None, 1).await.unwrap();
        let effect = FaultEffect::FailBefore(BlobErrorKind::OutOfSpace);
        script.add_next(BlobOperation::Head, effect);
        store.head(&key()).await.unwrap_err();
        let aborted = stream::iter([
            Ok(Bytes::from_static(b"ab")),
            Err(BodyError::Aborted("gone".into())),
        ]);
        let other = BlobKey::parse("other").unwrap();
        let body = Body::from_stream(aborted);
        store
            .put(&other, body, PutOptions::default())
            .await
            .unwrap_err();
        assert_eq!(
            recorder.take(),
            [
                (BlobOperation::Put, BlobOutcome::Done, 3),
                (BlobOperation::Get, BlobOutcome::Done, 3),
                (BlobOperation::List, BlobOutcome::Done, 0),
                (
                    BlobOperation::Head,
                    BlobOutcome::Failed(BlobErrorKind::OutOfSpace),
                    0
                ),
                (BlobOperation::Put, BlobOutcome::BodyRefused, 2),
            ]
        );
    }

    #[tokio::test]
    async fn a_reader_is_reported_when_it_is_dropped() {
        let (store, script, recorder) = observed();
        store.put_bytes(&key(), vec![7; 300 * 1024]).await.unwrap();
        recorder.take();
        let mut reader = store.get(&key(), None).await.unwrap();
        reader.stream.try_next().await.unwrap();
        assert_eq!(recorder.take(), []);
        drop(reader);
        let cancelled = (BlobOperation::Get, BlobOutcome::Cancelled, 256 * 1024);
        assert_eq!(recorder.take(), [cancelled]);

        let kind = BlobErrorKind::Other;
        let after_bytes = 10;
        script.add_next(BlobOperation::Get, FaultEffect::Cut { after_bytes, kind });
        store.read_to_end(&key(), 1024 * 1024).await.unwrap_err();
        let failed = (BlobOperation::Get, BlobOutcome::Failed(kind), 10);
        assert_eq!(recorder.take(), [failed]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_call_is_reported() {
        let (store, script, recorder) = observed();
        script.add_next(BlobOperation::Delete, FaultEffect::Delay(SECOND * 9));
        let given_up = tokio::time::timeout(SECOND, store.delete(&key())).await;
        assert!(given_up.is_err());
        let cancelled = (BlobOperation::Delete, BlobOutcome::Cancelled, 0);
        assert_eq!(recorder.take(), [cancelled]);
    }
}
