//! Every operation with every fault: one fault is survived, and lasting ones give either the right
//! answer or an `Unavailable` after which all can be done again.

use attache_storage::{BlobErrorKind, BlobStore, BlobStoreExt, PutError, PutOptions};
use attache_storage_s3::S3BlobStore;
use bytes::Bytes;

use crate::support::{Fault, LARGE, Operation, TestS3, key, pattern, put, unknown_length};

const FAULTS: [Fault; 9] = [
    Fault::Refused(500, "InternalError"),
    Fault::DoneAndRefused(500, "InternalError"),
    Fault::Refused(503, "SlowDown"),
    Fault::Refused(200, "InternalError"),
    Fault::DoneAndRefused(200, "InternalError"),
    Fault::LostRequest,
    Fault::LostReply,
    Fault::Silent,
    Fault::DoneAndSilent,
];

/// More than all tries of all rounds.
const ALWAYS: usize = 1000;

fn is_200(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::Refused(200, _) | Fault::DoneAndRefused(200, _)
    )
}

/// Puts while an operation is broken. `Ok` must mean that the blob is there.
async fn put_under(operation: Operation, fault: Fault, times: usize, size: usize) -> bool {
    let cell = format!("{operation:?} {fault:?} {times} times");
    let s3 = TestS3::start().await;
    let store = s3.store();
    let (first, second) = (key("a/first"), key("a/second"));
    let bytes = pattern(size);
    s3.proxy.break_next(operation, fault, times);
    let answer = store
        .put(&first, unknown_length(&bytes), PutOptions::default())
        .await;
    s3.proxy.heal();
    match &answer {
        Ok(_) => ensure_holds(&store, "a/first", &bytes, &cell).await,
        Err(PutError::Store(error)) => {
            assert_eq!(
                error.kind(),
                BlobErrorKind::Unavailable,
                "{cell}: {error:?}"
            );
            let found = store.head(&first).await.unwrap_err();
            assert_eq!(found.kind(), BlobErrorKind::NotFound, "{cell}");
        }
        Err(PutError::Body(error)) => panic!("{cell}: {error:?}"),
    }
    // What the contract asks of a caller who does not know.
    store.delete(&first).await.unwrap();
    assert!(s3.proxy.open_uploads().is_empty(), "{cell} left an upload");
    let found = store.head(&first).await.unwrap_err();
    assert_eq!(found.kind(), BlobErrorKind::NotFound, "{cell}");
    put(&store, &second, &bytes).await;
    ensure_holds(&store, "a/second", &bytes, &cell).await;
    answer.is_ok()
}

async fn ensure_holds(store: &S3BlobStore, name: &str, wanted: &Bytes, cell: &str) {
    let found = store.read_to_end(&key(name), LARGE).await.unwrap();
    assert!(found == *wanted, "{cell}: {name} holds other bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_put() {
    // To a put, 200 is success, whatever the body; S3 gives no errors there.
    for fault in FAULTS.into_iter().filter(|fault| !is_200(*fault)) {
        assert!(put_under(Operation::Put, fault, 1, 1000).await, "{fault:?}");
        let is_ok = put_under(Operation::Put, fault, ALWAYS, 1000).await;
        assert_eq!(is_ok, fault.has_effect(), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beginning_an_upload() {
    for fault in FAULTS {
        let is_ok = put_under(Operation::Create, fault, 1, LARGE).await;
        assert!(is_ok, "{fault:?}");
        let is_ok = put_under(Operation::Create, fault, ALWAYS, LARGE).await;
        assert!(!is_ok, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part() {
    for fault in FAULTS.into_iter().filter(|fault| !is_200(*fault)) {
        assert!(
            put_under(Operation::Part, fault, 1, LARGE).await,
            "{fault:?}"
        );
        let is_ok = put_under(Operation::Part, fault, ALWAYS, LARGE).await;
        assert!(!is_ok, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn completing_an_upload() {
    for fault in FAULTS {
        let is_ok = put_under(Operation::Complete, fault, 1, LARGE).await;
        assert!(is_ok, "{fault:?}");
        let is_ok = put_under(Operation::Complete, fault, ALWAYS, LARGE).await;
        assert_eq!(is_ok, fault.has_effect(), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_put_falls_back_on() {
    for operation in [Operation::Head, Operation::Abort, Operation::ListUploads] {
        for fault in FAULTS.into_iter().filter(|fault| !is_200(*fault)) {
            assert!(
                put_under(operation, fault, ALWAYS, LARGE).await,
                "{fault:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete() {
    for fault in FAULTS.into_iter().filter(|fault| !is_200(*fault)) {
        for times in [1, ALWAYS] {
            for operation in [Operation::Delete, Operation::ListUploads] {
                let s3 = TestS3::start().await;
                let store = s3.store();
                put(&store, &key("a"), &pattern(10)).await;
                s3.proxy.break_next(operation, fault, times);
                let answer = store.delete(&key("a")).await;
                s3.proxy.heal();
                match answer {
                    Ok(()) => {}
                    Err(error) => {
                        assert_eq!(times, ALWAYS, "{operation:?} {fault:?}: {error:?}");
                        assert_eq!(error.kind(), BlobErrorKind::Unavailable, "{fault:?}");
                        store.delete(&key("a")).await.unwrap();
                    }
                }
                let found = store.head(&key("a")).await.unwrap_err();
                assert_eq!(found.kind(), BlobErrorKind::NotFound, "{fault:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn looking() {
    for fault in FAULTS.into_iter().filter(|fault| !is_200(*fault)) {
        for times in [1, ALWAYS] {
            let s3 = TestS3::start().await;
            let store = s3.store();
            put(&store, &key("a"), &pattern(10)).await;
            s3.proxy.break_next(Operation::Head, fault, times);
            let head = store.head(&key("a")).await;
            s3.proxy.break_next(Operation::Get, fault, times);
            let get = store.read_to_end(&key("a"), 10).await;
            s3.proxy.break_next(Operation::List, fault, times);
            let list = store.list("", None, 10).await;
            s3.proxy.break_next(Operation::Bucket, fault, times);
            let health = store.health().await;
            s3.proxy.heal();
            if times == 1 {
                assert_eq!(head.unwrap().size_bytes, 10, "{fault:?}");
                assert_eq!(get.unwrap(), pattern(10), "{fault:?}");
                assert_eq!(list.unwrap().keys, [key("a")], "{fault:?}");
                health.unwrap();
            } else {
                let kinds = [
                    head.unwrap_err().kind(),
                    get.unwrap_err().kind(),
                    list.unwrap_err().kind(),
                    health.unwrap_err().kind(),
                ];
                assert_eq!(kinds, [BlobErrorKind::Unavailable; 4], "{fault:?}");
                store.health().await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_their_meaning() {
    for (status, code, wanted) in [
        (403, "AccessDenied", BlobErrorKind::PermissionDenied),
        (
            403,
            "SignatureDoesNotMatch",
            BlobErrorKind::PermissionDenied,
        ),
        (404, "NoSuchBucket", BlobErrorKind::Other),
        (507, "InsufficientStorage", BlobErrorKind::OutOfSpace),
        (403, "QuotaExceeded", BlobErrorKind::OutOfSpace),
        (400, "BadDigest", BlobErrorKind::Unavailable),
        (400, "InvalidArgument", BlobErrorKind::Other),
    ] {
        for (operation, size) in [
            (Operation::Put, 10),
            (Operation::Create, LARGE),
            (Operation::Part, LARGE),
            (Operation::Complete, LARGE),
        ] {
            let s3 = TestS3::start().await;
            let store = s3.store();
            let fault = Fault::Refused(status, code);
            s3.proxy.break_next(operation, fault, ALWAYS);
            let body = unknown_length(&pattern(size));
            let refused = store.put(&key("a"), body, PutOptions::default()).await;
            let Err(PutError::Store(error)) = refused else {
                panic!("{operation:?} {code}: {refused:?}");
            };
            assert_eq!(error.kind(), wanted, "{operation:?} {code}");
            assert!(s3.proxy.open_uploads().is_empty(), "{operation:?} {code}");
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains(code), "{source}");
        }
    }
}
