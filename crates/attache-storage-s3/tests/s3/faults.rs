//! Every operation with every fault: one fault is survived, and lasting ones give either the right
//! answer or an `Unavailable` after which all can be done again.

use attache_storage::{BlobErrorKind, BlobStore, BlobStoreExt, PutError, PutOptions};
use attache_storage_s3::S3BlobStore;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::support::{Fault, LARGE, Operation, TestS3, key, pattern, put, unknown_length};

const FAULTS: [Fault; 9] = [
    Fault::Refused(500, "InternalError"),
    Fault::AppliedThenRejected(500, "InternalError"),
    Fault::Refused(503, "SlowDown"),
    Fault::Refused(200, "InternalError"),
    Fault::AppliedThenRejected(200, "InternalError"),
    Fault::LostRequest,
    Fault::LostResponse,
    Fault::Unresponsive,
    Fault::AppliedThenUnresponsive,
];

/// More than all tries of all rounds.
const ALWAYS: usize = 1000;

/// Several at once, as most of the time is spent waiting for silence to end.
async fn with_each<F: Future<Output = ()>>(
    faults: impl IntoIterator<Item = Fault>,
    cell: impl FnMut(Fault) -> F,
) {
    stream::iter(faults).for_each_concurrent(4, cell).await;
}

/// Those of every operation. Errors under a 200 only come where S3 is long at work.
fn common() -> impl Iterator<Item = Fault> {
    let is_200 = |fault: &Fault| {
        matches!(
            fault,
            Fault::Refused(200, _) | Fault::AppliedThenRejected(200, _)
        )
    };
    FAULTS.into_iter().filter(move |fault| !is_200(fault))
}

/// Puts while an operation is broken. `Ok` must mean that the blob is there.
async fn put_under(operation: Operation, fault: Fault, times: usize, size: usize) -> bool {
    let cell = format!("{operation:?} {fault:?} {times} times");
    let s3 = TestS3::start();
    let store = s3.store_under(fault);
    let (first, second) = (key("a/first"), key("a/second"));
    let bytes = pattern(size);
    s3.server.fail_next(operation, fault, times);
    let answer = store
        .put(&first, unknown_length(&bytes), PutOptions::default())
        .await;
    s3.server.clear_faults();
    if answer.is_ok() {
        let open = s3.server.open_uploads();
        assert!(open.is_empty(), "{cell} succeeded and left an upload");
    }
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
    assert!(s3.server.open_uploads().is_empty(), "{cell} left an upload");
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
    with_each(common(), |fault| async move {
        let is_ok = put_under(Operation::Put, fault, 1, 1000).await;
        assert!(is_ok, "{fault:?}");
        let is_ok = put_under(Operation::Put, fault, ALWAYS, 1000).await;
        assert_eq!(is_ok, fault.has_effect(), "{fault:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beginning_an_upload() {
    with_each(FAULTS, |fault| async move {
        let is_ok = put_under(Operation::Create, fault, 1, LARGE).await;
        assert!(is_ok, "{fault:?}");
        let is_ok = put_under(Operation::Create, fault, ALWAYS, LARGE).await;
        assert!(!is_ok, "{fault:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part() {
    with_each(common(), |fault| async move {
        let is_ok = put_under(Operation::Part, fault, 1, LARGE).await;
        assert!(is_ok, "{fault:?}");
        let is_ok = put_under(Operation::Part, fault, ALWAYS, LARGE).await;
        assert!(!is_ok, "{fault:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn completing_an_upload() {
    with_each(FAULTS, |fault| async move {
        let is_ok = put_under(Operation::Complete, fault, 1, LARGE).await;
        assert!(is_ok, "{fault:?}");
        let is_ok = put_under(Operation::Complete, fault, ALWAYS, LARGE).await;
        assert_eq!(is_ok, fault.has_effect(), "{fault:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_does_not_need_what_it_falls_back_on() {
    for operation in [Operation::Head, Operation::Abort, Operation::ListUploads] {
        let fault = Fault::Refused(500, "InternalError");
        let is_ok = put_under(operation, fault, ALWAYS, LARGE).await;
        assert!(is_ok, "{operation:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_cannot_look_whether_it_was_done_says_so() {
    let s3 = TestS3::start();
    let mut options = s3.options();
    options.endpoint = Some(url::Url::parse("http://127.0.0.1:1").unwrap());
    let store = TestS3::store_with(options);
    for size in [10, LARGE] {
        let body = unknown_length(&pattern(size));
        let answer = store.put(&key("a"), body, PutOptions::default()).await;
        let Err(PutError::Store(error)) = answer else {
            panic!("{answer:?}");
        };
        assert!(error.is_retryable());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete() {
    with_each(common(), |fault| async move {
        for operation in [Operation::Delete, Operation::ListUploads] {
            delete_under(operation, fault, 1).await;
            delete_under(operation, fault, ALWAYS).await;
        }
    })
    .await;
}

async fn delete_under(operation: Operation, fault: Fault, times: usize) {
    let s3 = TestS3::start();
    let store = s3.store_under(fault);
    put(&store, &key("a"), &pattern(10)).await;
    s3.server.fail_next(operation, fault, times);
    let answer = store.delete(&key("a")).await;
    s3.server.clear_faults();
    if let Err(error) = answer {
        assert_eq!(times, ALWAYS, "{operation:?} {fault:?}: {error:?}");
        assert_eq!(error.kind(), BlobErrorKind::Unavailable, "{fault:?}");
        store.delete(&key("a")).await.unwrap();
    }
    let found = store.head(&key("a")).await.unwrap_err();
    assert_eq!(found.kind(), BlobErrorKind::NotFound, "{fault:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn looking() {
    with_each(common(), |fault| async move {
        let [head, get, list, health] = look_under(fault, 1).await;
        assert_eq!([head, get, list, health], [None; 4], "{fault:?}");
        let kinds = look_under(fault, ALWAYS).await;
        assert_eq!(kinds, [Some(BlobErrorKind::Unavailable); 4], "{fault:?}");
    })
    .await;
}

/// What the operations that change nothing fail with.
async fn look_under(fault: Fault, times: usize) -> [Option<BlobErrorKind>; 4] {
    let s3 = TestS3::start();
    let store = s3.store_under(fault);
    put(&store, &key("a"), &pattern(10)).await;
    s3.server.fail_next(Operation::Head, fault, times);
    let head = store.head(&key("a")).await;
    s3.server.fail_next(Operation::Get, fault, times);
    let get = store.read_to_end(&key("a"), 10).await;
    s3.server.fail_next(Operation::List, fault, times);
    let list = store.list("", None, 10).await;
    s3.server.fail_next(Operation::Bucket, fault, times);
    let health = store.health().await;
    s3.server.clear_faults();
    store.health().await.unwrap();
    if let (Ok(head), Ok(get), Ok(list)) = (&head, &get, &list) {
        assert_eq!(head.size_bytes, 10, "{fault:?}");
        assert_eq!(get, &pattern(10), "{fault:?}");
        assert_eq!(list.keys, [key("a")], "{fault:?}");
    }
    [
        head.err().map(|error| error.kind()),
        get.err().map(|error| error.kind()),
        list.err().map(|error| error.kind()),
        health.err().map(|error| error.kind()),
    ]
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
            let s3 = TestS3::start();
            let store = s3.store();
            let fault = Fault::Refused(status, code);
            s3.server.fail_next(operation, fault, ALWAYS);
            let body = unknown_length(&pattern(size));
            let refused = store.put(&key("a"), body, PutOptions::default()).await;
            let Err(PutError::Store(error)) = refused else {
                panic!("{operation:?} {code}: {refused:?}");
            };
            assert_eq!(error.kind(), wanted, "{operation:?} {code}");
            assert!(s3.server.open_uploads().is_empty(), "{operation:?} {code}");
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains(code), "{source}");
        }
    }
}
