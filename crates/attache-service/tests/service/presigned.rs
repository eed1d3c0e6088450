//! Uploads sent straight to the store, and downloads redirected to it.

use std::sync::Arc;
use std::time::Duration;

use attache_model::{Context, FileRecord, UploadState};
use attache_service::{
    Downloads, PendingUpload, PresignedRequest, ServiceError, UploadRequest, UploadTarget,
};
use attache_storage::{BlobErrorKind, BlobOperation, FaultEffect};
use attache_testkit::{Fixture, FixtureOptions, STORE_URL};
use bytes::Bytes;

use super::support::{ByContent, assert_nothing_left, hello, read, request, state, store};

async fn presigning() -> Fixture {
    Fixture::with(FixtureOptions {
        presigns: true,
        downloads: Downloads::Redirect,
        ..FixtureOptions::default()
    })
    .await
}

async fn begin(fixture: &Fixture, cx: &Context) -> (PendingUpload, PresignedRequest) {
    let pending = fixture.service.begin_upload(cx, hello()).await.unwrap();
    match &pending.target {
        UploadTarget::Store(signed) => {
            let signed = signed.clone();
            (pending, signed)
        }
        UploadTarget::Service(_) => panic!("the store signs"),
    }
}

async fn complete(
    fixture: &Fixture,
    cx: &Context,
    pending: &PendingUpload,
) -> Result<FileRecord, ServiceError> {
    fixture.service.complete_upload(cx, pending.upload.id).await
}

fn bytes(text: &'static [u8]) -> Bytes {
    Bytes::from_static(text)
}

#[tokio::test]
async fn store_target_requires_size_and_digest() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (_, signed) = begin(&fixture, &cx).await;
    assert!(signed.url.starts_with(STORE_URL), "{}", signed.url);
    let without_size = UploadRequest {
        size_bytes: None,
        ..hello()
    };
    let without_digest = UploadRequest {
        sha256: None,
        ..hello()
    };
    let through_service = UploadRequest {
        through_service: true,
        ..hello()
    };
    for other in [
        request("text/plain"),
        without_size,
        without_digest,
        through_service,
    ] {
        let pending = fixture.service.begin_upload(&cx, other).await.unwrap();
        assert!(
            matches!(pending.target, UploadTarget::Service(_)),
            "{pending:?}"
        );
    }
    // A store that cannot presign the request leaves the upload to the service.
    let unsupported = FaultEffect::FailBefore(BlobErrorKind::Unsupported);
    fixture.faults.add_next(BlobOperation::Presign, unsupported);
    let pending = fixture.service.begin_upload(&cx, hello()).await.unwrap();
    assert!(
        matches!(pending.target, UploadTarget::Service(_)),
        "{pending:?}"
    );
}

#[tokio::test]
async fn completion_copies_and_clears_staged_bytes() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (pending, signed) = begin(&fixture, &cx).await;
    let early = complete(&fixture, &cx, &pending).await;
    assert!(
        matches!(early, Err(ServiceError::UploadIncomplete)),
        "{early:?}"
    );
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    let record = complete(&fixture, &cx, &pending).await.unwrap();
    assert_eq!(record.id, pending.upload.id);
    assert_eq!(record.uploaded_by, cx.principal_seq());
    assert_eq!(
        state(&fixture, &cx, record.id).await,
        UploadState::Completed
    );
    assert_eq!(complete(&fixture, &cx, &pending).await.unwrap(), record);

    fixture.service.reap_once().await.unwrap();
    assert_eq!(fixture.blob_count().await, 1, "the copy");
    // The request is valid until it expires: later bytes belong to no record and are purged.
    fixture.send_to_store(&signed, bytes(b"other")).await;
    let download = fixture
        .service
        .open_download(&cx, record.id, false)
        .await
        .unwrap();
    assert_eq!(read(&download).await.unwrap(), b"hello");
    fixture.clock.advance(Duration::from_hours(49));
    fixture.service.reap_once().await.unwrap();
    assert_eq!(fixture.blob_count().await, 1);
}

#[tokio::test]
async fn mismatched_bytes_are_refused_and_can_be_resent() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (pending, signed) = begin(&fixture, &cx).await;
    for (sent, expected) in [
        (&b"hellO"[..], "DigestMismatch"),
        (b"hello!", "LengthMismatch"),
        (b"hell", "LengthMismatch"),
        (b"", "LengthMismatch"),
    ] {
        fixture.send_to_store(&signed, bytes(sent)).await;
        let error = complete(&fixture, &cx, &pending).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
        fixture.service.finish_tasks().await;
        fixture.service.reap_once().await.unwrap();
        assert_eq!(fixture.blob_count().await, 1, "what was sent, and no copy");
        assert_eq!(
            state(&fixture, &cx, pending.upload.id).await,
            UploadState::Pending
        );
    }
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    complete(&fixture, &cx, &pending).await.unwrap();
}

#[tokio::test]
async fn store_failure_while_copying_is_unavailable() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (pending, signed) = begin(&fixture, &cx).await;
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    for effect in [
        FaultEffect::FailBefore(BlobErrorKind::Unavailable),
        FaultEffect::Cut {
            after_bytes: 2,
            kind: BlobErrorKind::Unavailable,
        },
    ] {
        fixture.faults.add_next(BlobOperation::Get, effect);
        let outcome = complete(&fixture, &cx, &pending).await;
        assert!(
            matches!(outcome, Err(ServiceError::Unavailable(_))),
            "{outcome:?}"
        );
    }
    complete(&fixture, &cx, &pending).await.unwrap();
}

#[tokio::test]
async fn concurrent_completions_return_same_record() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    for _ in 0..8 {
        let (pending, signed) = begin(&fixture, &cx).await;
        fixture.send_to_store(&signed, bytes(b"hello")).await;
        let (first, second, ()) = tokio::join!(
            complete(&fixture, &cx, &pending),
            complete(&fixture, &cx, &pending),
            async { fixture.service.reap_once().await.map(|_| ()).unwrap() },
        );
        let record = first.unwrap();
        assert_eq!(second.unwrap(), record);
        fixture
            .service
            .delete_file(&cx, record.id, None)
            .await
            .unwrap();
    }
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn staged_bytes_of_dead_uploads_are_deleted() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (pending, signed) = begin(&fixture, &cx).await;
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    fixture
        .service
        .cancel_upload(&cx, pending.upload.id)
        .await
        .unwrap();
    assert_nothing_left(&fixture, &cx).await;

    let (pending, signed) = begin(&fixture, &cx).await;
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    fixture.clock.advance(Duration::from_mins(70));
    fixture.service.reap_once().await.unwrap();
    assert_eq!(fixture.blob_count().await, 1, "it may still be completed");
    let late = complete(&fixture, &cx, &pending).await;
    assert!(matches!(late, Err(ServiceError::UploadExpired)), "{late:?}");
    fixture.clock.advance(Duration::from_mins(6));
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn completion_is_accepted_within_grace() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (pending, signed) = begin(&fixture, &cx).await;
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    fixture.clock.advance(Duration::from_mins(69));
    fixture.service.reap_once().await.unwrap();
    assert_eq!(
        state(&fixture, &cx, pending.upload.id).await,
        UploadState::Expired
    );
    complete(&fixture, &cx, &pending).await.unwrap();
}

#[tokio::test]
async fn refused_completion_keeps_staging_lease() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (pending, signed) = begin(&fixture, &cx).await;
    fixture.send_to_store(&signed, bytes(b"hellO")).await;
    complete(&fixture, &cx, &pending).await.unwrap_err();
    // Longer than the lease of bytes that come through the service.
    fixture.clock.advance(Duration::from_mins(30));
    fixture.service.reap_once().await.unwrap();
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    complete(&fixture, &cx, &pending).await.unwrap();
}

#[tokio::test]
async fn inspector_sees_bytes_sent_to_store() {
    let fixture = Fixture::with(FixtureOptions {
        inspector: Some(Arc::new(ByContent)),
        presigns: true,
        ..FixtureOptions::default()
    })
    .await;
    let cx = fixture.context("a").await;
    let digest = "2f05d4b689d270cafb02285f35f44866f7dc8a2d368a3f9d1124373eeab31fb1";
    let bad = UploadRequest {
        size_bytes: Some(3),
        sha256: Some(digest.parse().unwrap()),
        ..request("text/plain")
    };
    let pending = fixture.service.begin_upload(&cx, bad).await.unwrap();
    let UploadTarget::Store(signed) = &pending.target else {
        panic!("the store signs")
    };
    fixture.send_to_store(signed, bytes(b"bad")).await;
    let refused = complete(&fixture, &cx, &pending).await;
    assert!(
        matches!(refused, Err(ServiceError::Refused { .. })),
        "{refused:?}"
    );
    assert_eq!(
        state(&fixture, &cx, pending.upload.id).await,
        UploadState::Pending
    );
}

#[tokio::test]
async fn redirect_requires_choice_capability_attachment() {
    for (presigns, downloads, expected) in [
        (true, Downloads::Redirect, true),
        (true, Downloads::Stream, false),
        (false, Downloads::Redirect, false),
    ] {
        let fixture = Fixture::with(FixtureOptions {
            presigns,
            downloads,
            ..FixtureOptions::default()
        })
        .await;
        let cx = fixture.context("a").await;
        let record = store(&fixture.service, &cx, "a.txt", b"hello").await;
        let open = async |inline| fixture.service.open_download(&cx, record.id, inline).await;
        let redirect = open(false)
            .await
            .unwrap()
            .redirect("text/plain", "attachment")
            .await;
        let redirect = redirect.unwrap();
        assert_eq!(redirect.is_some(), expected, "{presigns} {downloads:?}");
        if let Some(request) = redirect {
            assert!(request.url.starts_with(STORE_URL), "{}", request.url);
            assert!(request.url.contains("expires=60"), "{}", request.url);
        }
        let inline = open(true)
            .await
            .unwrap()
            .redirect("text/plain", "inline")
            .await;
        assert_eq!(inline.unwrap(), None);
        let unsupported = FaultEffect::FailBefore(BlobErrorKind::Unsupported);
        fixture.faults.add_next(BlobOperation::Presign, unsupported);
        let streamed = open(false)
            .await
            .unwrap()
            .redirect("text/plain", "attachment")
            .await;
        assert_eq!(streamed.unwrap(), None);
    }
}
