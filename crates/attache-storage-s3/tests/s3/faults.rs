//! Every operation with every fault: a single fault is survived, and persistent ones end in the
//! right result or in an `Unavailable` after which everything can be repeated.

use attache_storage::{BlobErrorKind, BlobStore, BlobStoreExt, PutError, PutOptions};
use attache_storage_s3::S3BlobStore;
use bytes::Bytes;

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

/// More than all attempts of all rounds.
const ALWAYS: usize = 1000;

/// The faults that every operation can meet. S3 reports an error under status 200 only for
/// operations that take it long.
fn common_faults() -> impl Iterator<Item = Fault> {
    let is_200 = |fault: &Fault| {
        matches!(
            fault,
            Fault::Refused(200, _) | Fault::AppliedThenRejected(200, _)
        )
    };
    FAULTS.into_iter().filter(move |fault| !is_200(fault))
}

fn start() -> TestS3 {
    let s3 = TestS3::start();
    s3.skip_waits();
    s3
}

/// Puts while an operation fails, and checks that the result is true and can be built upon.
/// Returns `true` if the put succeeded.
async fn put_under(operation: Operation, fault: Fault, times: usize, size: usize) -> bool {
    let case = format!("{operation:?} {fault:?} {times} times");
    let s3 = start();
    let store = s3.store();
    let (first, second) = (key("a/first"), key("a/second"));
    let bytes = pattern(size);
    s3.server.fail_next(operation, fault, times);
    let result = store
        .put(&first, unknown_length(&bytes), PutOptions::default())
        .await;
    s3.server.clear_faults();
    if result.is_ok() {
        let open = s3.server.open_uploads();
        assert!(open.is_empty(), "{case} succeeded and left an upload");
    }
    match &result {
        Ok(_) => assert_holds(&store, "a/first", &bytes, &case).await,
        Err(PutError::Store(error)) => {
            assert_eq!(
                error.kind(),
                BlobErrorKind::Unavailable,
                "{case}: {error:?}"
            );
            let found = store.head(&first).await.unwrap_err();
            assert_eq!(found.kind(), BlobErrorKind::NotFound, "{case}");
        }
        Err(PutError::Body(error)) => panic!("{case}: {error:?}"),
    }
    // The contract asks this of a caller that does not know the outcome.
    store.delete(&first).await.unwrap();
    assert!(s3.server.open_uploads().is_empty(), "{case} left an upload");
    let found = store.head(&first).await.unwrap_err();
    assert_eq!(found.kind(), BlobErrorKind::NotFound, "{case}");
    put(&store, &second, &bytes).await;
    assert_holds(&store, "a/second", &bytes, &case).await;
    result.is_ok()
}

async fn assert_holds(store: &S3BlobStore, name: &str, wanted: &Bytes, case: &str) {
    let found = store.read_to_end(&key(name), LARGE).await.unwrap();
    assert!(found == *wanted, "{case}: {name} holds other bytes");
}

#[tokio::test]
async fn small_put_survives_faults() {
    for fault in common_faults() {
        let is_ok = put_under(Operation::Put, fault, 1, 1000).await;
        assert!(is_ok, "{fault:?}");
        let is_ok = put_under(Operation::Put, fault, ALWAYS, 1000).await;
        assert_eq!(is_ok, fault.has_effect(), "{fault:?}");
    }
}

#[tokio::test]
async fn upload_creation_survives_faults() {
    for fault in FAULTS {
        let is_ok = put_under(Operation::Create, fault, 1, LARGE).await;
        assert!(is_ok, "{fault:?}");
        let is_ok = put_under(Operation::Create, fault, ALWAYS, LARGE).await;
        assert!(!is_ok, "{fault:?}");
    }
}

#[tokio::test]
async fn part_upload_survives_faults() {
    for fault in common_faults() {
        let is_ok = put_under(Operation::Part, fault, 1, LARGE).await;
        assert!(is_ok, "{fault:?}");
        let is_ok = put_under(Operation::Part, fault, ALWAYS, LARGE).await;
        assert!(!is_ok, "{fault:?}");
    }
}

#[tokio::test]
async fn upload_completion_survives_faults() {
    for fault in FAULTS {
        let is_ok = put_under(Operation::Complete, fault, 1, LARGE).await;
        assert!(is_ok, "{fault:?}");
        let is_ok = put_under(Operation::Complete, fault, ALWAYS, LARGE).await;
        assert_eq!(is_ok, fault.has_effect(), "{fault:?}");
    }
}

#[tokio::test]
async fn put_does_not_depend_on_its_fallbacks() {
    for operation in [Operation::Head, Operation::Abort, Operation::ListUploads] {
        let fault = Fault::Refused(500, "InternalError");
        let is_ok = put_under(operation, fault, ALWAYS, LARGE).await;
        assert!(is_ok, "{operation:?}");
    }
}

#[tokio::test]
async fn put_with_unknown_outcome_is_retryable() {
    let s3 = start();
    let mut options = s3.options();
    options.endpoint = Some(url::Url::parse("http://127.0.0.1:1").unwrap());
    let store = TestS3::store_with(options);
    for size in [10, LARGE] {
        let body = unknown_length(&pattern(size));
        let result = store.put(&key("a"), body, PutOptions::default()).await;
        let Err(PutError::Store(error)) = result else {
            panic!("{result:?}");
        };
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn delete_survives_faults() {
    for fault in common_faults() {
        for operation in [Operation::Delete, Operation::ListUploads] {
            delete_under(operation, fault, 1).await;
            delete_under(operation, fault, ALWAYS).await;
        }
    }
}

async fn delete_under(operation: Operation, fault: Fault, times: usize) {
    let s3 = start();
    let store = s3.store();
    put(&store, &key("a"), &pattern(10)).await;
    s3.server.fail_next(operation, fault, times);
    let result = store.delete(&key("a")).await;
    s3.server.clear_faults();
    if let Err(error) = result {
        assert_eq!(times, ALWAYS, "{operation:?} {fault:?}: {error:?}");
        assert_eq!(error.kind(), BlobErrorKind::Unavailable, "{fault:?}");
        store.delete(&key("a")).await.unwrap();
    }
    let found = store.head(&key("a")).await.unwrap_err();
    assert_eq!(found.kind(), BlobErrorKind::NotFound, "{fault:?}");
}

#[tokio::test]
async fn reads_survive_faults() {
    for fault in common_faults() {
        let kinds = read_under(fault, 1).await;
        assert_eq!(kinds, [None; 4], "{fault:?}");
        let kinds = read_under(fault, ALWAYS).await;
        assert_eq!(kinds, [Some(BlobErrorKind::Unavailable); 4], "{fault:?}");
    }
}

/// Returns the failures of the operations that change nothing: head, get, list and health.
async fn read_under(fault: Fault, times: usize) -> [Option<BlobErrorKind>; 4] {
    let s3 = start();
    let store = s3.store();
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
async fn error_codes_map_to_kinds() {
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
            let result = store.put(&key("a"), body, PutOptions::default()).await;
            let Err(PutError::Store(error)) = result else {
                panic!("{operation:?} {code}: {result:?}");
            };
            assert_eq!(error.kind(), wanted, "{operation:?} {code}");
            assert!(s3.server.open_uploads().is_empty(), "{operation:?} {code}");
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains(code), "{source}");
        }
    }
}
