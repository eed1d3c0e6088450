//! Stored bytes that are missing or wrong: they are never served as if they were right, and the next
//! upload of the same bytes repairs them.

use attache_metadata::BlobFault;
use attache_model::{Context, FileRecord, Holder};
use attache_service::{ByteRange, ServiceError, UploadFields};
use attache_storage::{BlobErrorKind, BlobKey, BlobOperation, BlobStoreExt, FaultEffect};
use attache_testkit::{Fixture, FixtureOptions};
use bytes::Bytes;
use futures_util::TryStreamExt;

use super::support::{begin, body, file, hello, read, send, store};

/// Larger than what is verified before it is sent.
const LARGE: usize = 300_000;

async fn key_of(fixture: &Fixture, cx: &Context, record: &FileRecord) -> BlobKey {
    let found = fixture.repository.find_file(cx, record.id).await.unwrap();
    BlobKey::parse(found.unwrap().blob.storage_key).unwrap()
}

/// Replaces the stored bytes of a file behind the service's back; `None` removes them.
async fn damage(fixture: &Fixture, cx: &Context, record: &FileRecord, bytes: Option<&[u8]>) {
    let key = key_of(fixture, cx, record).await;
    fixture.store.delete(&key).await.unwrap();
    if let Some(bytes) = bytes {
        let bytes = Bytes::copy_from_slice(bytes);
        fixture.store.put_bytes(&key, bytes).await.unwrap();
    }
}

async fn marks(fixture: &Fixture) -> Vec<Option<BlobFault>> {
    let listed = fixture.repository.list_live_blobs(None, None, 100).await;
    listed.unwrap().iter().map(|blob| blob.fault).collect()
}

async fn content(
    fixture: &Fixture,
    cx: &Context,
    record: &FileRecord,
) -> Result<Vec<u8>, ServiceError> {
    let opened = fixture.service.open_download(cx, record.id, false).await;
    read(&opened.unwrap()).await
}

const DAMAGES: [(Option<&[u8]>, BlobFault); 4] = [
    (None, BlobFault::Missing),
    (Some(b"hell"), BlobFault::WrongSize),
    (Some(b"hello!"), BlobFault::WrongSize),
    (Some(b"jello"), BlobFault::WrongDigest),
];

#[tokio::test]
async fn equal_upload_repairs_every_sharing_file() {
    for (damaged, fault) in DAMAGES {
        let fixture = Fixture::new().await;
        let cx = fixture.context("a").await;
        let other = fixture.context("b").await;
        let first = store(&fixture.service, &cx, "1", b"hello").await;
        let claimed = store(&fixture.service, &cx, "2", b"hello").await;
        let theirs = store(&fixture.service, &other, "3", b"hello").await;
        let holder = Holder::parse("order:1").unwrap();
        let claim = fixture.service.claim_file(&cx, claimed.id, &holder);
        claim.await.unwrap();
        damage(&fixture, &cx, &first, damaged).await;

        let again = store(&fixture.service, &cx, "4", b"hello").await;
        fixture.service.reap_once().await.unwrap();
        for record in [&first, &claimed, &again] {
            let read = content(&fixture, &cx, record).await;
            assert_eq!(read.unwrap(), b"hello", "{fault}");
        }
        assert_eq!(content(&fixture, &other, &theirs).await.unwrap(), b"hello");
        assert_eq!(marks(&fixture).await, [None, None]);
        assert_eq!(fixture.blob_count().await, 2, "the wrong bytes are kept");
    }
}

#[tokio::test]
async fn right_copy_is_kept_and_new_one_is_not() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let first = store(&fixture.service, &cx, "1", b"hello").await;
    let key = key_of(&fixture, &cx, &first).await;
    let again = store(&fixture.service, &cx, "2", b"hello").await;
    assert_eq!(key_of(&fixture, &cx, &again).await, key);
    fixture.service.reap_once().await.unwrap();
    assert_eq!(fixture.blob_count().await, 1);
}

#[tokio::test]
async fn dedup_upload_repairs_the_record_it_returns() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let first = store(&fixture.service, &cx, "1", b"hello").await;
    damage(&fixture, &cx, &first, Some(b"jello")).await;
    let fields = UploadFields {
        dedup: true,
        ..UploadFields::default()
    };
    let uploaded = fixture
        .service
        .upload(&cx, file("1"), fields, body(b"hello"));
    let committed = uploaded.await.unwrap();
    assert!(committed.deduplicated);
    assert_eq!(content(&fixture, &cx, &first).await.unwrap(), b"hello");
}

#[tokio::test]
async fn pending_upload_repairs_a_lost_copy() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let first = store(&fixture.service, &cx, "1", b"hello").await;
    damage(&fixture, &cx, &first, None).await;
    let pending = begin(&fixture, &cx, hello()).await;
    send(&fixture, &pending, b"hello").await.unwrap();
    assert_eq!(content(&fixture, &cx, &first).await.unwrap(), b"hello");
}

#[tokio::test]
async fn direct_upload_repairs_a_lost_copy() {
    let options = FixtureOptions {
        presigns: true,
        ..FixtureOptions::default()
    };
    let fixture = Fixture::with(options).await;
    let cx = fixture.context("a").await;
    let first = store(&fixture.service, &cx, "1", b"hello").await;
    damage(&fixture, &cx, &first, Some(b"jello")).await;
    let pending = begin(&fixture, &cx, hello()).await;
    let attache_service::UploadTarget::Store(request) = &pending.target else {
        panic!("the bytes go through the service")
    };
    fixture
        .send_to_store(request, Bytes::from_static(b"hello"))
        .await;
    let completed = fixture.service.complete_upload(&cx, pending.upload.id);
    completed.await.unwrap();
    assert_eq!(content(&fixture, &cx, &first).await.unwrap(), b"hello");
}

#[tokio::test]
async fn unreachable_store_marks_nothing() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let first = store(&fixture.service, &cx, "1", b"hello").await;
    let unavailable = FaultEffect::FailBefore(BlobErrorKind::Unavailable);
    fixture.faults.add_next(BlobOperation::Get, unavailable);
    let fields = UploadFields::default();
    let refused = fixture
        .service
        .upload(&cx, file("2"), fields, body(b"hello"));
    let refused = refused.await;
    assert!(
        matches!(refused, Err(ServiceError::Unavailable(_))),
        "{refused:?}"
    );
    assert_eq!(marks(&fixture).await, [None]);
    assert_eq!(content(&fixture, &cx, &first).await.unwrap(), b"hello");
}

#[tokio::test]
async fn lost_content_has_an_error_of_its_own() {
    for (damaged, expected) in DAMAGES {
        let fixture = Fixture::new().await;
        let cx = fixture.context("a").await;
        let record = store(&fixture.service, &cx, "1", b"hello").await;
        damage(&fixture, &cx, &record, damaged).await;
        match content(&fixture, &cx, &record).await {
            Err(ServiceError::ContentLost { file, fault, .. }) => {
                assert_eq!((file, fault), (record.id, expected));
            }
            other => panic!("{expected}: {other:?}"),
        }
        assert_eq!(marks(&fixture).await, [Some(expected)]);
    }
}

#[tokio::test]
async fn large_file_with_wrong_byte_ends_with_error() {
    for position in [0, LARGE / 2, LARGE - 1] {
        let fixture = Fixture::new().await;
        let cx = fixture.context("a").await;
        let mut bytes = vec![7; LARGE];
        let record = store(&fixture.service, &cx, "1", &bytes).await;
        bytes[position] ^= 1;
        damage(&fixture, &cx, &record, Some(&bytes)).await;

        let whole = ByteRange {
            offset_bytes: 0,
            length_bytes: LARGE as u64,
        };
        for range in [None, Some(whole)] {
            let download = fixture.service.open_download(&cx, record.id, false);
            let reader = download.await.unwrap().content.open(range).await.unwrap();
            let mut stream = reader.stream;
            let mut received = 0;
            let error = loop {
                match stream.try_next().await {
                    Ok(Some(chunk)) => received += chunk.len(),
                    Ok(None) => panic!("wrong bytes end well"),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), BlobErrorKind::Corrupt);
            assert!(received < LARGE, "all {received} bytes were sent");
        }
        fixture.service.finish_tasks().await;
        assert_eq!(marks(&fixture).await, [Some(BlobFault::WrongDigest)]);
    }
}

#[tokio::test]
async fn range_of_wrong_size_is_lost_content() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let record = store(&fixture.service, &cx, "1", b"hello").await;
    damage(&fixture, &cx, &record, Some(b"hel")).await;
    for offset_bytes in [0, 3] {
        let range = ByteRange {
            offset_bytes,
            length_bytes: 2,
        };
        let download = fixture.service.open_download(&cx, record.id, false);
        let opened = download.await.unwrap().content.open(Some(range)).await;
        let is_lost = matches!(
            opened,
            Err(ServiceError::ContentLost {
                fault: BlobFault::WrongSize,
                ..
            })
        );
        assert!(is_lost, "{offset_bytes}: {opened:?}");
    }
}

#[tokio::test]
async fn download_follows_repaired_bytes() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let record = store(&fixture.service, &cx, "1", b"hello").await;
    let download = fixture.service.open_download(&cx, record.id, false);
    let download = download.await.unwrap();
    damage(&fixture, &cx, &record, None).await;
    store(&fixture.service, &cx, "2", b"hello").await;
    assert_eq!(read(&download).await.unwrap(), b"hello");
}
