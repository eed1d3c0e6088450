//! Bodies: faults of the client and of the store, limits, and early stops.

use attache_model::{Limits, MediaType};
use attache_service::{ServiceError, UploadFields};
use attache_storage::{BlobErrorKind, BlobOperation, FaultEffect};
use attache_testkit::{Fixture, FixtureOptions};
use futures_util::StreamExt;

use super::support::{assert_nothing_left, body, broken_body, file, store};

#[tokio::test]
async fn incomplete_body_leaves_nothing() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let outcome = fixture
        .service
        .upload(
            &cx,
            file("a.txt"),
            UploadFields::default(),
            broken_body(b"hel"),
        )
        .await;
    assert!(
        matches!(outcome, Err(ServiceError::BodyAborted(_))),
        "{outcome:?}"
    );
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn store_errors_map_to_service_errors() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for (kind, expected) in [
        (BlobErrorKind::OutOfSpace, "OutOfSpace"),
        (BlobErrorKind::Unavailable, "Unavailable"),
        (BlobErrorKind::Other, "Internal"),
    ] {
        fixture
            .faults
            .add_next(BlobOperation::Put, FaultEffect::FailBefore(kind));
        let outcome = fixture
            .service
            .upload(&cx, file("a"), UploadFields::default(), body(b"x"))
            .await;
        let error = format!("{:?}", outcome.unwrap_err());
        assert!(error.starts_with(expected), "{kind:?} became {error}");
    }
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn put_that_failed_after_writing_is_cleaned_up() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    fixture.faults.add_next(
        BlobOperation::Put,
        FaultEffect::FailAfter(BlobErrorKind::Unavailable),
    );
    let outcome = fixture
        .service
        .upload(&cx, file("a"), UploadFields::default(), body(b"x"))
        .await;
    assert!(outcome.is_err());
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn limits_apply_to_whole_session() {
    let limits = Limits {
        max_upload_bytes: 10,
        max_files_per_upload: 3,
        ..Limits::default()
    };
    let fixture = Fixture::with(FixtureOptions {
        limits,
        ..FixtureOptions::default()
    })
    .await;
    let cx = fixture.context("a").await;

    let declared = fixture.service.open_session(&cx, Some(11)).await;
    assert!(
        matches!(declared, Err(ServiceError::TooLarge { limit_bytes: 10 })),
        "{declared:?}"
    );

    let mut upload = fixture.service.open_session(&cx, Some(10)).await.unwrap();
    upload.add_file(file("1"), body(b"123456")).await.unwrap();
    let over = upload.add_file(file("2"), body(b"78901")).await;
    assert!(
        matches!(over, Err(ServiceError::TooLarge { limit_bytes: 10 })),
        "{over:?}"
    );
    upload.add_file(file("2"), body(b"7890")).await.unwrap();
    upload.add_file(file("3"), body(b"")).await.unwrap();
    let more = upload.add_file(file("4"), body(b"")).await;
    assert!(
        matches!(more, Err(ServiceError::TooManyFiles { limit: 3 })),
        "{more:?}"
    );
    drop(upload);
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn digest_is_verified_if_given_early_or_late() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let record = store(&fixture.service, &cx, "a", b"hello").await;
    let right = UploadFields {
        sha256: Some(record.sha256),
        ..UploadFields::default()
    };

    let early = fixture
        .service
        .upload(&cx, file("b"), right.clone(), body(b"hullo"))
        .await;
    assert!(
        matches!(early, Err(ServiceError::DigestMismatch { .. })),
        "{early:?}"
    );

    for (bytes, fits) in [(&b"hullo"[..], false), (b"hello", true)] {
        let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
        upload.add_file(file("c"), body(bytes)).await.unwrap();
        assert_eq!(upload.commit(right.clone()).await.is_ok(), fits);
    }
}

#[tokio::test]
async fn refused_type_stops_endless_body() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let mut incoming = file("a.pdf");
    incoming.accept = vec![MediaType::parse("application/pdf").unwrap()];
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    sender
        .send(bytes::Bytes::from(vec![b'x'; 16 * 1024]))
        .unwrap();
    // The sender stays: without the early stop this would wait for ever.
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|chunk| (Ok(chunk), receiver))
    });
    let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
    let outcome = upload
        .add_file(incoming, attache_service::Body::from_stream(stream))
        .await;
    assert!(
        matches!(outcome, Err(ServiceError::TypeNotAccepted { .. })),
        "{outcome:?}"
    );
    drop(sender);
}

#[tokio::test]
async fn oversized_body_is_stopped_early() {
    let limits = Limits {
        max_upload_bytes: 10,
        ..Limits::default()
    };
    let options = FixtureOptions {
        limits,
        ..FixtureOptions::default()
    };
    let fixture = Fixture::with(options).await;
    let cx = fixture.context("a").await;
    let chunks = futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"eleven byte"))]);
    let endless = attache_service::Body::from_stream(chunks.chain(futures_util::stream::pending()));
    let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
    let outcome = upload.add_file(file("a"), endless).await;
    assert!(
        matches!(outcome, Err(ServiceError::TooLarge { limit_bytes: 10 })),
        "{outcome:?}"
    );
}
