//! Requests that send one upload at the same time: their bound, and the events that end them.

use std::time::Duration;

use attache_model::{FileRecord, RequestId, Timestamp};
use attache_service::{Body, FileService, PendingUpload, ServiceError};
use attache_signing::KeyRing;
use attache_testkit::Fixture;
use tokio::sync::oneshot;

use super::support::{
    assert_nothing_left, begin, body, hello, pairs, paused_body, request, send, send_as, state,
};

/// The time after an upload expires until which bytes in flight are accepted.
const GRACE: Duration = Duration::from_mins(15);

/// A body that falls silent after `event`.
fn silent_after(event: impl Future<Output = ()> + Send + 'static) -> Body {
    paused_body([&b"hel"[..], b"lo"], async move {
        event.await;
        std::future::pending::<()>().await;
    })
}

/// A service on the same parts with another lease, which polls every third of it.
fn with_lease(fixture: &Fixture, lease: Duration) -> FileService {
    let ring = KeyRing::generate(fixture.now(), fixture.service.entropy());
    FileService::builder(fixture.repository.clone(), fixture.store.clone(), ring)
        .clock(fixture.clock.clone())
        .lease(lease)
        .build()
}

async fn receive(
    service: &FileService,
    pending: &PendingUpload,
    body: Body,
) -> Result<FileRecord, ServiceError> {
    let plain = attache_model::MediaType::parse("text/plain").unwrap();
    let request = RequestId::parse("bearer").unwrap();
    let id = pending.upload.id;
    let pairs = pairs(pending);
    service
        .receive_upload(id, &pairs, Some(&plain), body, request)
        .await
}

#[tokio::test]
async fn send_begun_in_time_may_end_15_minutes_late() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    // A lease that is longer than the time that the test advances.
    let service = with_lease(&fixture, Duration::from_hours(2));
    for (early_by, in_time) in [(Duration::ZERO, false), (Duration::from_millis(1), true)] {
        let pending = service.begin_upload(&cx, hello()).await.unwrap();
        let end = pending.upload.expires_at.plus(GRACE);
        let passing = millis_between(fixture.now(), end).saturating_sub(early_by);
        let clock = fixture.clock.clone();
        let body = paused_body([&b"hel"[..], b"lo"], async move { clock.advance(passing) });
        let sent = receive(&service, &pending, body).await;
        if in_time {
            sent.unwrap();
        } else {
            assert!(matches!(sent, Err(ServiceError::LinkExpired)), "{sent:?}");
            service.finish_tasks().await;
            assert_nothing_left(&fixture, &cx).await;
        }
    }
}

fn millis_between(from: Timestamp, until: Timestamp) -> Duration {
    let millis = until.as_millis() - from.as_millis();
    Duration::from_millis(millis.try_into().unwrap())
}

#[tokio::test]
async fn silent_body_ends_with_link_expired() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let pending = begin(&fixture, &cx, hello()).await;
    // From the middle of the body on, time passes whenever nothing else happens.
    let body = silent_after(async { tokio::time::pause() });
    let sent = send_as(&fixture, &pending, Some("text/plain"), body).await;
    tokio::time::resume();
    assert!(matches!(sent, Err(ServiceError::LinkExpired)), "{sent:?}");
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn send_ends_when_upload_is_cancelled_or_completed() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let service = with_lease(&fixture, Duration::from_millis(60));
    let sized = |size_bytes| attache_service::UploadRequest {
        size_bytes,
        ..request("text/plain")
    };

    let pending = service.begin_upload(&cx, sized(None)).await.unwrap();
    let (other, other_cx, id) = (service.clone(), cx.clone(), pending.upload.id);
    let body = silent_after(async move { other.cancel_upload(&other_cx, id).await.unwrap() });
    let sent = receive(&service, &pending, body).await;
    assert!(matches!(sent, Err(ServiceError::NotFound)), "{sent:?}");
    service.finish_tasks().await;
    assert_nothing_left(&fixture, &cx).await;

    let pending = service.begin_upload(&cx, sized(Some(5))).await.unwrap();
    let (other, again) = (service.clone(), pending.clone());
    let body = silent_after(async move {
        let body = super::support::body(b"hello");
        receive(&other, &again, body).await.unwrap();
    });
    let sent = receive(&service, &pending, body).await;
    assert!(
        matches!(sent, Err(ServiceError::UploadCompleted)),
        "{sent:?}"
    );
    let kept = service.get_file(&cx, pending.upload.id).await.unwrap();
    assert_eq!(kept.size_bytes, 5);
}

#[tokio::test]
async fn third_concurrent_send_is_refused() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let pending = begin(&fixture, &cx, hello()).await;
    let mut requests = Vec::new();
    for _ in 0..2 {
        let (service, pending) = (fixture.service.clone(), pending.clone());
        let (started, has_started) = oneshot::channel();
        let body = silent_after(async move { started.send(()).unwrap() });
        requests.push(tokio::spawn(async move {
            receive(&service, &pending, body).await
        }));
        has_started.await.unwrap();
    }
    let third = send(&fixture, &pending, b"hello").await;
    assert!(matches!(third, Err(ServiceError::UploadBusy)), "{third:?}");
    let id = pending.upload.id;
    assert_eq!(
        state(&fixture, &cx, id).await,
        attache_model::UploadState::Pending
    );
    let elsewhere = begin(&fixture, &cx, hello()).await;
    send(&fixture, &elsewhere, b"hello").await.unwrap();

    let ended = requests.pop().unwrap();
    ended.abort();
    ended.await.unwrap_err();
    let sent = send_as(&fixture, &pending, Some("text/plain"), body(b"hello")).await;
    assert_eq!(sent.unwrap().id, id);
    requests.pop().unwrap().abort();
}

#[tokio::test]
async fn concurrent_sends_complete_once() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for _ in 0..8 {
        let pending = begin(&fixture, &cx, request("text/plain")).await;
        let (first, second) = tokio::join!(
            send(&fixture, &pending, b"one"),
            send(&fixture, &pending, b"other"),
        );
        let (winner, loser) = match (first, second) {
            (Ok(record), Err(error)) | (Err(error), Ok(record)) => (record, error),
            both => panic!("{both:?}"),
        };
        assert!(matches!(loser, ServiceError::UploadCompleted), "{loser:?}");
        let third = send(&fixture, &pending, b"third").await;
        assert!(matches!(third, Err(ServiceError::UploadCompleted)));
        let record = fixture.service.get_file(&cx, winner.id).await.unwrap();
        assert_eq!(record, winner, "unchanged");
        fixture
            .service
            .delete_file(&cx, winner.id, None)
            .await
            .unwrap();
    }
    assert_nothing_left(&fixture, &cx).await;
}
