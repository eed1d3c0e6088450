//! The bounds of pending uploads: lifetime, size, scope and tenant.

use std::time::Duration;

use attache_model::{PersonRef, RequestId, Scope, UploadState, Visibility};
use attache_service::{PendingUpload, ServiceError, UploadRequest};
use attache_testkit::Fixture;

use super::support::{assert_nothing_left, begin, body, hello, send, send_as, state};

#[tokio::test]
async fn upload_expires_and_is_dropped_a_day_later() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let announced = UploadRequest {
        expires_in: Some(Duration::from_mins(1)),
        ..hello()
    };
    let pending = begin(&fixture, &cx, announced).await;
    let id = pending.upload.id;
    let early = fixture.service.complete_upload(&cx, id).await;
    assert!(
        matches!(early, Err(ServiceError::UploadIncomplete)),
        "{early:?}"
    );
    fixture.clock.advance(Duration::from_secs(59));
    assert_eq!(state(&fixture, &cx, id).await, UploadState::Pending);
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(state(&fixture, &cx, id).await, UploadState::Expired);
    let sent = send(&fixture, &pending, b"hello").await;
    assert!(matches!(sent, Err(ServiceError::LinkExpired)), "{sent:?}");
    let late = fixture.service.complete_upload(&cx, id).await;
    assert!(matches!(late, Err(ServiceError::UploadExpired)), "{late:?}");

    fixture.clock.advance(Duration::from_hours(23));
    assert_eq!(
        fixture.service.reap_once().await.unwrap().dropped_uploads,
        0
    );
    assert_eq!(state(&fixture, &cx, id).await, UploadState::Expired);
    fixture.clock.advance(Duration::from_hours(1));
    assert_eq!(
        fixture.service.reap_once().await.unwrap().dropped_uploads,
        1
    );
    let gone = fixture.service.find_upload(&cx, id).await;
    assert!(matches!(gone, Err(ServiceError::NotFound)), "{gone:?}");
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn record_outlives_its_dropped_upload() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let pending = begin(&fixture, &cx, hello()).await;
    let record = send(&fixture, &pending, b"hello").await.unwrap();
    fixture.clock.advance(Duration::from_hours(26));
    assert_eq!(
        fixture.service.reap_once().await.unwrap().dropped_uploads,
        1
    );
    let kept = fixture.service.get_file(&cx, record.id).await.unwrap();
    assert_eq!(kept, record);
    assert_eq!(fixture.blob_count().await, 1);
}

#[tokio::test]
async fn begin_upload_checks_lifetime_size_and_person() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let lasting = |seconds| UploadRequest {
        expires_in: Some(Duration::from_secs(seconds)),
        ..hello()
    };
    for (refused, expected) in [
        (lasting(0), "Invalid"),
        (lasting(86_401), "Invalid"),
        (
            UploadRequest {
                size_bytes: Some((5 << 30) + 1),
                ..hello()
            },
            "TooLarge",
        ),
        (
            UploadRequest {
                person: Some(PersonRef::Id(
                    "0190163d-8694-739b-aea5-966c26f8ad91".parse().unwrap(),
                )),
                ..hello()
            },
            "UnknownPerson",
        ),
    ] {
        let error = fixture
            .service
            .begin_upload(&cx, refused)
            .await
            .unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
    }
    for seconds in [1, 86_400] {
        let pending = begin(&fixture, &cx, lasting(seconds)).await;
        let expected = fixture.now().plus(Duration::from_secs(seconds));
        assert_eq!(pending.upload.expires_at, expected);
        assert!(send(&fixture, &pending, b"hello").await.is_ok());
    }
}

#[tokio::test]
async fn uploads_require_scope_and_tenant() {
    let fixture = Fixture::new().await;
    let writer = fixture
        .token("a", [Scope::FilesWrite].into_iter().collect())
        .await;
    let request_id = RequestId::parse("r").unwrap();
    let cx = fixture
        .service
        .authenticate(&writer, request_id)
        .await
        .unwrap();
    let public = UploadRequest {
        visibility: Visibility::Public,
        ..hello()
    };
    let refused = fixture.service.begin_upload(&cx, public).await;
    assert!(matches!(
        refused,
        Err(ServiceError::MissingScope(Scope::LinksCreate))
    ));

    let pending = begin(&fixture, &cx, hello()).await;
    let id = pending.upload.id;
    let foreign = fixture.context("b").await;
    let service = &fixture.service;
    assert!(matches!(
        service.find_upload(&foreign, id).await,
        Err(ServiceError::NotFound)
    ));
    assert!(matches!(
        service.complete_upload(&foreign, id).await,
        Err(ServiceError::NotFound)
    ));
    assert!(matches!(
        service.cancel_upload(&foreign, id).await,
        Err(ServiceError::NotFound)
    ));
    let other = begin(&fixture, &foreign, hello()).await;
    let stolen = PendingUpload {
        target: other.target,
        ..pending
    };
    let sent = send_as(&fixture, &stolen, Some("text/plain"), body(b"hello")).await;
    assert!(matches!(sent, Err(ServiceError::InvalidLink)), "{sent:?}");

    let reader = fixture
        .token("a", [Scope::FilesRead].into_iter().collect())
        .await;
    let request_id = RequestId::parse("r").unwrap();
    let reader = service.authenticate(&reader, request_id).await.unwrap();
    for refused in [
        service.begin_upload(&reader, hello()).await.map(|_| ()),
        service.find_upload(&reader, id).await.map(|_| ()),
        service.complete_upload(&reader, id).await.map(|_| ()),
        service.cancel_upload(&reader, id).await,
    ] {
        assert!(matches!(
            refused,
            Err(ServiceError::MissingScope(Scope::FilesWrite))
        ));
    }
}
