//! Intent, bytes, commit, answer: all files of an upload or none, whatever goes wrong.

use std::sync::Arc;

use attache_model::{Limits, MediaType, PersonIdentifier, PersonRef};
use attache_service::{IdempotencyKey, Inspector, ListRequest, ServiceError, UploadFields};
use attache_storage::{BlobErrorKind, BlobOperation, FaultEffect};
use attache_testkit::{Fixture, FixtureOptions};
use futures_util::StreamExt;

use super::support::{ByContent, assert_nothing_left, body, broken_body, file, read, store};

#[tokio::test]
async fn what_was_stored_is_read_back() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let record = store(&fixture.service, &cx, "a.txt", b"hello").await;
    assert_eq!(record.content_type.as_str(), "text/plain");
    assert_eq!(record.size_bytes, 5);
    let download = fixture
        .service
        .open_download(&cx, record.id, false)
        .await
        .unwrap();
    assert_eq!(read(&download).await.unwrap(), b"hello");
}

#[tokio::test]
async fn the_files_of_an_upload_come_together_or_not_at_all() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let pdf = vec![MediaType::parse("application/pdf").unwrap()];
    for third in [&b"%PDF-1.7 three"[..], b"not a pdf"] {
        let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
        upload
            .add_file(file("1.pdf"), body(b"%PDF-1.7 one"))
            .await
            .unwrap();
        upload
            .add_file(file("2.pdf"), body(b"%PDF-1.7 two"))
            .await
            .unwrap();
        upload.add_file(file("3.pdf"), body(third)).await.unwrap();
        let fields = UploadFields {
            accept: pdf.clone(),
            ..UploadFields::default()
        };
        let outcome = upload.commit(fields).await;
        if third.starts_with(b"%PDF") {
            let names: Vec<_> = outcome
                .unwrap()
                .iter()
                .map(|file| file.record.filename.to_string())
                .collect();
            assert_eq!(names, ["1.pdf", "2.pdf", "3.pdf"]);
            let list = fixture
                .service
                .list_files(&cx, ListRequest::default())
                .await
                .unwrap();
            for record in list.files {
                fixture
                    .service
                    .delete_file(&cx, record.id, None)
                    .await
                    .unwrap();
            }
        } else {
            assert!(
                matches!(outcome, Err(ServiceError::TypeNotAccepted { .. })),
                "{outcome:?}"
            );
        }
    }
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
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
async fn an_upload_that_is_dropped_leaves_nothing() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
    upload
        .add_file(file("a.txt"), body(b"hello"))
        .await
        .unwrap();
    assert_eq!(fixture.blob_count().await, 1);
    drop(upload);
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn a_commit_goes_on_when_its_caller_goes_away() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
    upload
        .add_file(file("a.txt"), body(b"hello"))
        .await
        .unwrap();
    // Polled once, as a server does before it learns that the client hung up.
    let mut committing = Box::pin(upload.commit(UploadFields::default()));
    assert!(futures_util::poll!(&mut committing).is_pending());
    drop(committing);
    fixture.service.finish_tasks().await;
    let list = fixture
        .service
        .list_files(&cx, ListRequest::default())
        .await
        .unwrap();
    assert_eq!(list.files.len(), 1);
}

#[tokio::test]
async fn a_store_that_fails_is_told_apart_from_a_body_that_does() {
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
async fn a_put_that_failed_after_its_effect_is_cleaned_up() {
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
async fn limits_are_kept_across_the_files_of_an_upload() {
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
async fn a_promised_digest_is_verified_before_and_after_the_bytes() {
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
async fn the_wrong_type_is_stopped_long_before_the_end() {
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
async fn too_many_bytes_are_refused_without_waiting_for_the_rest() {
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
    let begun = futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"eleven byte"))]);
    let endless = attache_service::Body::from_stream(begun.chain(futures_util::stream::pending()));
    let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
    let outcome = upload.add_file(file("a"), endless).await;
    assert!(
        matches!(outcome, Err(ServiceError::TooLarge { limit_bytes: 10 })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_record_is_as_old_as_its_commit() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
    upload.add_file(file("a"), body(b"slow")).await.unwrap();
    fixture.clock.advance(std::time::Duration::from_secs(40));
    let committed = upload.commit(UploadFields::default()).await.unwrap();
    assert_eq!(committed[0].record.created_at, fixture.now());
}

#[tokio::test]
async fn a_request_key_commits_once() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let fields = UploadFields {
        idempotency_key: Some(IdempotencyKey::parse("once").unwrap()),
        ..UploadFields::default()
    };
    fixture
        .service
        .upload(&cx, file("a"), fields.clone(), body(b"x"))
        .await
        .unwrap();
    let again = fixture
        .service
        .upload(&cx, file("a"), fields, body(b"x"))
        .await;
    assert!(
        matches!(again, Err(ServiceError::RequestRepeated)),
        "{again:?}"
    );
}

#[tokio::test]
async fn an_unknown_person_id_stores_nothing() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let person = PersonRef::Id("0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap());
    let fields = UploadFields {
        person: Some(person),
        ..UploadFields::default()
    };
    let outcome = fixture
        .service
        .upload(&cx, file("a"), fields, body(b"x"))
        .await;
    assert!(
        matches!(outcome, Err(ServiceError::UnknownPerson)),
        "{outcome:?}"
    );
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn a_person_is_registered_by_a_write_and_by_no_filter() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let person = || PersonRef::Identifier(PersonIdentifier::parse("PT-1").unwrap());
    let about = || ListRequest {
        person: Some(person()),
        ..ListRequest::default()
    };
    assert!(
        fixture
            .service
            .list_files(&cx, about())
            .await
            .unwrap()
            .files
            .is_empty()
    );
    assert_eq!(
        fixture
            .repository
            .find_person(&cx, &person())
            .await
            .unwrap(),
        None
    );

    let fields = UploadFields {
        person: Some(person()),
        ..UploadFields::default()
    };
    fixture
        .service
        .upload(&cx, file("a"), fields, body(b"x"))
        .await
        .unwrap();
    assert_eq!(
        fixture
            .service
            .list_files(&cx, about())
            .await
            .unwrap()
            .files
            .len(),
        1
    );
}

#[tokio::test]
async fn an_inspector_accepts_refuses_holds_or_fails() {
    let inspector: Arc<dyn Inspector> = Arc::new(ByContent);
    let options = FixtureOptions {
        inspector: Some(inspector),
        ..FixtureOptions::default()
    };
    let fixture = Fixture::with(options).await;
    let cx = fixture.context("a").await;
    let service = &fixture.service;
    let send =
        |bytes: &'static [u8]| service.upload(&cx, file("a"), UploadFields::default(), body(bytes));

    let refused = send(b"bad").await;
    assert!(matches!(&refused, Err(ServiceError::Refused { reason, .. }) if reason == "it is bad"));
    assert!(matches!(
        send(b"unclear").await,
        Err(ServiceError::Unavailable(_))
    ));
    assert_nothing_left(&fixture, &cx).await;

    let good = send(b"good").await.unwrap().record;
    assert!(service.open_download(&cx, good.id, false).await.is_ok());
    let held = send(b"odd").await.unwrap().record;
    let withheld = service.open_download(&cx, held.id, false).await;
    assert!(matches!(withheld, Err(ServiceError::Held)), "{withheld:?}");
    service.release_hold(&cx, held.id).await.unwrap();
    assert!(service.open_download(&cx, held.id, false).await.is_ok());
}
