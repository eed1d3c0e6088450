//! Attempts at an upload: how many there may be at once, and what ends them.

use std::future::pending;
use std::time::Duration;

use attache_model::{FileRecord, RequestId, Timestamp};
use attache_service::{Body, FileService, PendingUpload, ServiceError};
use attache_signing::KeyRing;
use attache_testkit::Fixture;
use tokio::sync::oneshot;

use super::direct::{async_stream_of, begin, hello, pairs, request, send, send_as, state};
use super::support::{assert_nothing_left, body};

/// How much longer than its upload an attempt may last.
const GRACE: Duration = Duration::from_mins(15);

/// A body of which nothing comes any more after something happened.
fn silent_after(happens: impl Future<Output = ()> + Send + 'static) -> Body {
    async_stream_of([&b"hel"[..], b"lo"], async move {
        happens.await;
        pending::<()>().await;
    })
}

/// A service on the same parts that looks after its uploads every third of this.
fn with_lease(fixture: &Fixture, lease: Duration) -> FileService {
    let ring = KeyRing::generate(fixture.now(), fixture.service.entropy());
    FileService::builder(fixture.repository.clone(), fixture.store.clone(), ring)
        .clock(fixture.clock.clone())
        .lease(lease)
        .build()
}

async fn receive(
    service: &FileService,
    promised: &PendingUpload,
    body: Body,
) -> Result<FileRecord, ServiceError> {
    let plain = attache_model::MediaType::parse("text/plain").unwrap();
    let request = RequestId::parse("bearer").unwrap();
    let id = promised.upload.id;
    let pairs = pairs(promised);
    service
        .receive_upload(id, &pairs, Some(&plain), body, request)
        .await
}

#[tokio::test]
async fn bytes_that_began_in_time_have_a_quarter_of_an_hour_more() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    // The clock runs ahead of the leases' renewal here.
    let service = with_lease(&fixture, Duration::from_hours(2));
    for (early_by, in_time) in [(Duration::ZERO, false), (Duration::from_millis(1), true)] {
        let promised = service.begin_upload(&cx, hello()).await.unwrap();
        let end = promised.upload.expires_at.plus(GRACE);
        let passing = millis_between(fixture.now(), end).saturating_sub(early_by);
        let clock = fixture.clock.clone();
        let body = async_stream_of([&b"hel"[..], b"lo"], async move { clock.advance(passing) });
        let sent = receive(&service, &promised, body).await;
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
async fn bytes_that_do_not_end_are_cut_off() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let promised = begin(&fixture, &cx, hello()).await;
    // From the middle of the body on, time passes whenever nothing else happens.
    let body = silent_after(async { tokio::time::pause() });
    let sent = send_as(&fixture, &promised, Some("text/plain"), body).await;
    tokio::time::resume();
    assert!(matches!(sent, Err(ServiceError::LinkExpired)), "{sent:?}");
    assert_nothing_left(&fixture, &cx).await;
}

#[tokio::test]
async fn an_attempt_at_what_was_cancelled_or_completed_is_cut_off() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let service = with_lease(&fixture, Duration::from_millis(60));
    let asked = |size_bytes| attache_service::UploadRequest {
        size_bytes,
        ..request("text/plain")
    };

    let promised = service.begin_upload(&cx, asked(None)).await.unwrap();
    let (other, other_cx, id) = (service.clone(), cx.clone(), promised.upload.id);
    let body = silent_after(async move { other.cancel_upload(&other_cx, id).await.unwrap() });
    let sent = receive(&service, &promised, body).await;
    assert!(matches!(sent, Err(ServiceError::NotFound)), "{sent:?}");
    service.finish_tasks().await;
    assert_nothing_left(&fixture, &cx).await;

    let promised = service.begin_upload(&cx, asked(Some(5))).await.unwrap();
    let (other, again) = (service.clone(), promised.clone());
    let body = silent_after(async move {
        let body = super::support::body(b"hello");
        receive(&other, &again, body).await.unwrap();
    });
    let sent = receive(&service, &promised, body).await;
    assert!(
        matches!(sent, Err(ServiceError::UploadCompleted)),
        "{sent:?}"
    );
    let kept = service.get_file(&cx, promised.upload.id).await.unwrap();
    assert_eq!(kept.size_bytes, 5);
}

#[tokio::test]
async fn two_attempts_at_an_upload_run_at_once() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let promised = begin(&fixture, &cx, hello()).await;
    let mut attempts = Vec::new();
    for _ in 0..2 {
        let (service, promised) = (fixture.service.clone(), promised.clone());
        let (started, has_started) = oneshot::channel();
        let body = silent_after(async move { started.send(()).unwrap() });
        attempts.push(tokio::spawn(async move {
            receive(&service, &promised, body).await
        }));
        has_started.await.unwrap();
    }
    let third = send(&fixture, &promised, b"hello").await;
    assert!(matches!(third, Err(ServiceError::UploadBusy)), "{third:?}");
    let id = promised.upload.id;
    assert_eq!(
        state(&fixture, &cx, id).await,
        attache_model::UploadState::Pending
    );
    let elsewhere = begin(&fixture, &cx, hello()).await;
    send(&fixture, &elsewhere, b"hello").await.unwrap();

    let ended = attempts.pop().unwrap();
    ended.abort();
    ended.await.unwrap_err();
    let sent = send_as(&fixture, &promised, Some("text/plain"), body(b"hello")).await;
    assert_eq!(sent.unwrap().id, id);
    attempts.pop().unwrap().abort();
}

#[tokio::test]
async fn of_two_that_send_at_once_one_has_sent_it() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for _ in 0..8 {
        let promised = begin(&fixture, &cx, request("text/plain")).await;
        let (first, second) = tokio::join!(
            send(&fixture, &promised, b"one"),
            send(&fixture, &promised, b"other"),
        );
        let (winner, loser) = match (first, second) {
            (Ok(record), Err(error)) | (Err(error), Ok(record)) => (record, error),
            both => panic!("{both:?}"),
        };
        assert!(matches!(loser, ServiceError::UploadCompleted), "{loser:?}");
        let third = send(&fixture, &promised, b"third").await;
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
