//! Pending uploads through the service: begun, sent by the bearer of the link, then a record.

use std::time::Duration;

use attache_model::{PersonIdentifier, PersonRef, UploadState, Visibility};
use attache_service::{Body, ServiceError, UploadRequest};
use attache_testkit::Fixture;

use super::support::{
    assert_nothing_left, begin, body, broken_body, hello, paused_body, read, request, send,
    send_as, state,
};

#[tokio::test]
async fn sent_upload_becomes_record_with_same_id() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let person = PersonIdentifier::parse("PT-1").unwrap();
    let announced = UploadRequest {
        person: Some(PersonRef::Identifier(person.clone())),
        category: Some("images".parse().unwrap()),
        name: Some("A greeting".parse().unwrap()),
        description: Some("short".parse().unwrap()),
        visibility: Visibility::Public,
        ..hello()
    };
    let pending = begin(&fixture, &cx, announced).await;
    let id = pending.upload.id;
    assert_eq!(state(&fixture, &cx, id).await, UploadState::Pending);
    let before = fixture.service.get_file(&cx, id).await;
    assert!(matches!(before, Err(ServiceError::NotFound)), "{before:?}");

    fixture.clock.advance(Duration::from_secs(40));
    let record = send(&fixture, &pending, b"hello").await.unwrap();
    assert_eq!(record.id, id);
    assert_eq!(
        record.uploaded_by,
        cx.principal_seq(),
        "the principal that began it"
    );
    assert_eq!(record.created_at, fixture.now(), "dated by its commit");
    assert_eq!(record.person.as_ref().unwrap().identifier, person);
    assert_eq!(record.category.as_ref().unwrap().as_str(), "images");
    assert_eq!(record.name.as_str(), "A greeting");
    assert_eq!(record.description.as_ref().unwrap().as_str(), "short");
    assert_eq!(record.visibility, Visibility::Public);
    assert_eq!(record.content_type.as_str(), "text/plain");

    let status = fixture.service.find_upload(&cx, id).await.unwrap();
    assert_eq!(status.state, UploadState::Completed);
    assert_eq!(status.file.as_ref(), Some(&record));
    let download = fixture.service.open_download(&cx, id, false).await.unwrap();
    assert_eq!(read(&download).await.unwrap(), b"hello");
    let again = fixture.service.complete_upload(&cx, id).await.unwrap();
    assert_eq!(again, record, "completing again returns the record");

    fixture.service.delete_file(&cx, id, None).await.unwrap();
    let gone = fixture.service.complete_upload(&cx, id).await;
    assert!(matches!(gone, Err(ServiceError::NotFound)), "{gone:?}");
    let gone = fixture.service.find_upload(&cx, id).await;
    assert!(matches!(gone, Err(ServiceError::NotFound)), "{gone:?}");
    let late = send(&fixture, &pending, b"hello").await;
    assert!(matches!(late, Err(ServiceError::NotFound)), "{late:?}");
}

#[tokio::test]
async fn refused_send_leaves_upload_pending() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let pending = begin(&fixture, &cx, hello()).await;
    let unknown_size = |bytes: &'static [u8]| {
        let chunk = Ok(bytes::Bytes::from_static(bytes));
        Body::from_stream(futures_util::stream::iter([chunk]))
    };
    for (expected, content_type, body) in [
        ("DigestMismatch", Some("text/plain"), body(b"hellO")),
        ("LengthMismatch", Some("text/plain"), body(b"hello!")),
        ("LengthMismatch", Some("text/plain"), body(b"hell")),
        (
            "LengthMismatch",
            Some("text/plain"),
            unknown_size(b"hello, world"),
        ),
        ("LengthMismatch", Some("text/plain"), unknown_size(b"he")),
        ("BodyAborted", Some("text/plain"), broken_body(b"hel")),
        ("TypeNotAccepted", Some("text/html"), body(b"hello")),
        ("Invalid", None, body(b"hello")),
    ] {
        let outcome = send_as(&fixture, &pending, content_type, body).await;
        let error = format!("{:?}", outcome.unwrap_err());
        assert!(error.starts_with(expected), "{expected}: {error}");
        assert_nothing_left(&fixture, &cx).await;
        let status = fixture.service.find_upload(&cx, pending.upload.id).await;
        assert_eq!(status.unwrap().upload, pending.upload);
    }
    let charset = Some("Text/Plain; charset=utf-8");
    let sent = send_as(&fixture, &pending, charset, body(b"hello")).await;
    assert_eq!(sent.unwrap().id, pending.upload.id);
}

#[tokio::test]
async fn announced_type_is_enforced_except_octet_stream() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for (announced, bytes, stored) in [
        (
            "application/pdf",
            &b"%PDF-1.7 x"[..],
            Some("application/pdf"),
        ),
        ("application/pdf", b"no pdf", None),
        ("text/plain", b"%PDF-1.7 x", None),
        (
            "application/octet-stream",
            b"%PDF-1.7 x",
            Some("application/pdf"),
        ),
    ] {
        let pending = begin(&fixture, &cx, request(announced)).await;
        let sent = send_as(&fixture, &pending, Some(announced), body(bytes)).await;
        match (sent, stored) {
            (Ok(record), Some(stored)) => assert_eq!(record.content_type.as_str(), stored),
            (Err(error @ ServiceError::TypeNotAccepted { .. }), None) => {
                let detail = error.to_string();
                let wanted = format!("but only {announced} is accepted");
                assert!(detail.ends_with(&wanted), "{detail}");
            }
            (outcome, _) => panic!("{announced}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn bytes_of_no_stated_type_are_verified() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let stated = Some("application/octet-stream");
    let pending = begin(&fixture, &cx, request("application/pdf")).await;
    let refused = send_as(&fixture, &pending, stated, body(b"no pdf")).await;
    let refused = refused.unwrap_err();
    assert!(
        matches!(refused, ServiceError::TypeNotAccepted { .. }),
        "{refused:?}"
    );
    let sent = send_as(&fixture, &pending, stated, body(b"%PDF-1.7 x")).await;
    assert_eq!(sent.unwrap().content_type.as_str(), "application/pdf");
}

#[tokio::test]
async fn cancelled_upload_refuses_bytes_in_flight() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let pending = begin(&fixture, &cx, hello()).await;
    let id = pending.upload.id;
    let service = fixture.service.clone();
    let cancel_cx = cx.clone();
    // Cancelled when all but the end of the body has been read.
    let chunks = paused_body([&b"hel"[..], b"lo"], async move {
        service.cancel_upload(&cancel_cx, id).await.unwrap();
    });
    let sent = send_as(&fixture, &pending, Some("text/plain"), chunks).await;
    assert!(matches!(sent, Err(ServiceError::NotFound)), "{sent:?}");
    let later = send(&fixture, &pending, b"hello").await;
    assert!(matches!(later, Err(ServiceError::NotFound)), "{later:?}");
    let again = fixture.service.cancel_upload(&cx, id).await;
    assert!(matches!(again, Err(ServiceError::NotFound)), "{again:?}");
    assert_nothing_left(&fixture, &cx).await;

    let pending = begin(&fixture, &cx, hello()).await;
    send(&fixture, &pending, b"hello").await.unwrap();
    let late = fixture.service.cancel_upload(&cx, pending.upload.id).await;
    assert!(
        matches!(late, Err(ServiceError::UploadCompleted)),
        "{late:?}"
    );
}
