//! Direct uploads straight to the store, and downloads from it.

use std::sync::Arc;
use std::time::Duration;

use attache_model::{Context, FileRecord, UploadState};
use attache_service::{
    Downloads, PendingUpload, PresignedRequest, ServiceError, UploadRequest, UploadTarget,
};
use attache_storage::{BlobErrorKind, BlobOperation, FaultEffect};
use attache_testkit::{Fixture, FixtureOptions, STORE_URL};
use bytes::Bytes;

use super::direct::{hello, request, state};
use super::support::{ByContent, assert_nothing_left, read, store};

async fn presigning() -> Fixture {
    Fixture::with(FixtureOptions {
        presigns: true,
        downloads: Downloads::Redirect,
        ..FixtureOptions::default()
    })
    .await
}

async fn begin(fixture: &Fixture, cx: &Context) -> (PendingUpload, PresignedRequest) {
    let promised = fixture.service.begin_upload(cx, hello()).await.unwrap();
    match &promised.target {
        UploadTarget::Store(signed) => {
            let signed = signed.clone();
            (promised, signed)
        }
        UploadTarget::Service(_) => panic!("the store signs"),
    }
}

async fn complete(
    fixture: &Fixture,
    cx: &Context,
    promised: &PendingUpload,
) -> Result<FileRecord, ServiceError> {
    fixture
        .service
        .complete_upload(cx, promised.upload.id)
        .await
}

fn bytes(text: &'static [u8]) -> Bytes {
    Bytes::from_static(text)
}

#[tokio::test]
async fn only_what_is_promised_down_to_its_digest_goes_to_the_store() {
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
        let promised = fixture.service.begin_upload(&cx, other).await.unwrap();
        assert!(
            matches!(promised.target, UploadTarget::Service(_)),
            "{promised:?}"
        );
    }
    // What the store cannot hold its client to comes through the service.
    let unsupported = FaultEffect::FailBefore(BlobErrorKind::Unsupported);
    fixture.faults.add_next(BlobOperation::Presign, unsupported);
    let promised = fixture.service.begin_upload(&cx, hello()).await.unwrap();
    assert!(
        matches!(promised.target, UploadTarget::Service(_)),
        "{promised:?}"
    );
}

#[tokio::test]
async fn what_was_sent_to_the_store_is_copied_and_its_first_place_cleared() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (promised, signed) = begin(&fixture, &cx).await;
    let early = complete(&fixture, &cx, &promised).await;
    assert!(
        matches!(early, Err(ServiceError::UploadIncomplete)),
        "{early:?}"
    );
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    let record = complete(&fixture, &cx, &promised).await.unwrap();
    assert_eq!(record.id, promised.upload.id);
    assert_eq!(record.uploaded_by, cx.principal_seq());
    assert_eq!(
        state(&fixture, &cx, record.id).await,
        UploadState::Completed
    );
    assert_eq!(complete(&fixture, &cx, &promised).await.unwrap(), record);

    fixture.service.reap_once().await.unwrap();
    assert_eq!(fixture.blob_count().await, 1, "the copy");
    // The request is good until it expires: what it writes now is nobody's, and goes in the end.
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
async fn what_is_not_as_promised_is_not_taken_and_can_be_sent_again() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (promised, signed) = begin(&fixture, &cx).await;
    for (sent, expected) in [
        (&b"hellO"[..], "DigestMismatch"),
        (b"hello!", "LengthMismatch"),
        (b"hell", "LengthMismatch"),
        (b"", "LengthMismatch"),
    ] {
        fixture.send_to_store(&signed, bytes(sent)).await;
        let error = complete(&fixture, &cx, &promised).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
        fixture.service.finish_tasks().await;
        fixture.service.reap_once().await.unwrap();
        assert_eq!(fixture.blob_count().await, 1, "what was sent, and no copy");
        assert_eq!(
            state(&fixture, &cx, promised.upload.id).await,
            UploadState::Pending
        );
    }
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    complete(&fixture, &cx, &promised).await.unwrap();
}

#[tokio::test]
async fn a_store_that_fails_meanwhile_is_not_the_callers_fault() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (promised, signed) = begin(&fixture, &cx).await;
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    for effect in [
        FaultEffect::FailBefore(BlobErrorKind::Unavailable),
        FaultEffect::Cut {
            after_bytes: 2,
            kind: BlobErrorKind::Unavailable,
        },
    ] {
        fixture.faults.add_next(BlobOperation::Get, effect);
        let outcome = complete(&fixture, &cx, &promised).await;
        assert!(
            matches!(outcome, Err(ServiceError::Unavailable(_))),
            "{outcome:?}"
        );
    }
    complete(&fixture, &cx, &promised).await.unwrap();
}

#[tokio::test]
async fn of_many_completions_all_answer_the_same_record() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    for _ in 0..8 {
        let (promised, signed) = begin(&fixture, &cx).await;
        fixture.send_to_store(&signed, bytes(b"hello")).await;
        let (first, second, ()) = tokio::join!(
            complete(&fixture, &cx, &promised),
            complete(&fixture, &cx, &promised),
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
async fn what_is_cancelled_or_never_completed_is_cleared() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (promised, signed) = begin(&fixture, &cx).await;
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    fixture
        .service
        .cancel_upload(&cx, promised.upload.id)
        .await
        .unwrap();
    assert_nothing_left(&fixture, &cx).await;

    let (promised, signed) = begin(&fixture, &cx).await;
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    fixture.clock.advance(Duration::from_mins(70));
    fixture.service.reap_once().await.unwrap();
    assert_eq!(fixture.blob_count().await, 1, "it may still be completed");
    let late = complete(&fixture, &cx, &promised).await;
    assert!(matches!(late, Err(ServiceError::UploadExpired)), "{late:?}");
    fixture.clock.advance(Duration::from_mins(6));
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn what_was_sent_in_time_can_be_completed_a_little_later() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (promised, signed) = begin(&fixture, &cx).await;
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    fixture.clock.advance(Duration::from_mins(69));
    fixture.service.reap_once().await.unwrap();
    assert_eq!(
        state(&fixture, &cx, promised.upload.id).await,
        UploadState::Expired
    );
    complete(&fixture, &cx, &promised).await.unwrap();
}

#[tokio::test]
async fn a_refused_completion_leaves_the_upload_its_time() {
    let fixture = presigning().await;
    let cx = fixture.context("a").await;
    let (promised, signed) = begin(&fixture, &cx).await;
    fixture.send_to_store(&signed, bytes(b"hellO")).await;
    complete(&fixture, &cx, &promised).await.unwrap_err();
    // Longer than the lease of bytes that come through the service.
    fixture.clock.advance(Duration::from_mins(30));
    fixture.service.reap_once().await.unwrap();
    fixture.send_to_store(&signed, bytes(b"hello")).await;
    complete(&fixture, &cx, &promised).await.unwrap();
}

#[tokio::test]
async fn an_inspector_sees_what_was_sent_to_the_store() {
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
    let promised = fixture.service.begin_upload(&cx, bad).await.unwrap();
    let UploadTarget::Store(signed) = &promised.target else {
        panic!("the store signs")
    };
    fixture.send_to_store(signed, bytes(b"bad")).await;
    let refused = complete(&fixture, &cx, &promised).await;
    assert!(
        matches!(refused, Err(ServiceError::Refused { .. })),
        "{refused:?}"
    );
    assert_eq!(
        state(&fixture, &cx, promised.upload.id).await,
        UploadState::Pending
    );
}

#[tokio::test]
async fn a_download_is_redirected_where_that_is_chosen_possible_and_safe() {
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
