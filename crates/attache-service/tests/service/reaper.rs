//! The reaper deletes bytes that nothing refers to, and no others.

use std::time::Duration;

use attache_service::{ReapReport, ServiceError, UploadFields};
use attache_storage::{BlobErrorKind, BlobOperation, FaultEffect};
use attache_testkit::Fixture;

use super::support::{body, file, paused_body, read, store};

#[tokio::test]
async fn shared_bytes_are_deleted_with_last_record() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let other = fixture.context("b").await;
    let first = store(&fixture.service, &cx, "1", b"same").await;
    let second = store(&fixture.service, &cx, "2", b"same").await;
    let foreign = store(&fixture.service, &other, "3", b"same").await;
    fixture.service.reap_once().await.unwrap();
    assert_eq!(fixture.blob_count().await, 2, "one per tenant");

    fixture
        .service
        .delete_file(&cx, first.id, None)
        .await
        .unwrap();
    fixture.service.reap_once().await.unwrap();
    let download = fixture
        .service
        .open_download(&cx, second.id, false)
        .await
        .unwrap();
    assert_eq!(read(&download).await.unwrap(), b"same");

    fixture
        .service
        .delete_file(&cx, second.id, None)
        .await
        .unwrap();
    fixture.service.reap_once().await.unwrap();
    assert_eq!(fixture.blob_count().await, 1);
    assert!(
        fixture
            .service
            .open_download(&other, foreign.id, false)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn open_download_of_deleted_file_is_not_found() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let record = store(&fixture.service, &cx, "1", b"bytes").await;
    let download = fixture
        .service
        .open_download(&cx, record.id, false)
        .await
        .unwrap();
    fixture
        .service
        .delete_file(&cx, record.id, None)
        .await
        .unwrap();
    fixture.service.reap_once().await.unwrap();
    let outcome = read(&download).await;
    assert!(
        matches!(outcome, Err(ServiceError::NotFound)),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn upload_cancelled_at_its_intent_leaves_nothing() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
    {
        let mut adding = std::pin::pin!(upload.add_file(file("a"), body(b"bytes")));
        // The row is being written when the client goes away.
        assert!(futures_util::poll!(adding.as_mut()).is_pending());
    }
    drop(upload);
    fixture.service.finish_tasks().await;
    let report = fixture.service.reap_once().await.unwrap();
    assert_eq!(report.deleted, 1, "the row keeps its lease");
}

#[tokio::test]
async fn bytes_published_after_reaping_are_deleted() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let (clock, service) = (fixture.clock.clone(), fixture.service.clone());
    let late = paused_body([b"slow ", b"bytes"], async move {
        clock.advance(Duration::from_mins(10));
        assert_eq!(service.reap_once().await.unwrap().deleted, 1);
    });
    let fields = UploadFields::default();
    let refused = fixture.service.upload(&cx, file("a"), fields, late).await;
    assert!(
        matches!(refused, Err(ServiceError::Unavailable(_))),
        "{refused:?}"
    );
    fixture.service.finish_tasks().await;
    fixture.service.reap_once().await.unwrap();
    assert_eq!(fixture.blob_count().await, 0);
}

#[tokio::test]
async fn leaked_reservation_is_reaped_after_lease() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
    upload.add_file(file("a"), body(b"bytes")).await.unwrap();
    // As after a crash: the reservation is not given up.
    std::mem::forget(upload);
    fixture.service.reap_once().await.unwrap();
    assert_eq!(fixture.blob_count().await, 1, "the lease still holds");
    fixture.clock.advance(Duration::from_secs(91));
    assert_eq!(fixture.service.reap_once().await.unwrap().deleted, 1);
    assert_eq!(fixture.blob_count().await, 0);
}

#[tokio::test]
async fn commit_after_lease_ended_is_unavailable() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let mut upload = fixture.service.open_session(&cx, None).await.unwrap();
    upload.add_file(file("a"), body(b"bytes")).await.unwrap();
    fixture.clock.advance(Duration::from_secs(91));
    fixture.service.reap_once().await.unwrap();
    let outcome = upload.commit(UploadFields::default()).await;
    assert!(
        matches!(outcome, Err(ServiceError::Unavailable(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn failed_delete_is_retried_and_late_write_purged() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let record = store(&fixture.service, &cx, "1", b"bytes").await;
    let key = fixture
        .store
        .list("", None, 10)
        .await
        .unwrap()
        .keys
        .remove(0);
    fixture
        .service
        .delete_file(&cx, record.id, None)
        .await
        .unwrap();

    let unavailable = FaultEffect::FailBefore(BlobErrorKind::Unavailable);
    fixture.faults.add_next(BlobOperation::Delete, unavailable);
    assert_eq!(fixture.service.reap_once().await.unwrap().failed, 1);
    assert_eq!(
        fixture.service.reap_once().await.unwrap(),
        ReapReport::default(),
        "not at once"
    );
    fixture.clock.advance(Duration::from_mins(2));
    assert_eq!(fixture.service.reap_once().await.unwrap().deleted, 1);

    // A write that was in flight all the time arrives now.
    fixture
        .store
        .put(&key, body(b"bytes"), attache_storage::PutOptions::default())
        .await
        .unwrap();
    fixture.clock.advance(Duration::from_hours(49));
    assert_eq!(fixture.service.reap_once().await.unwrap().purged, 1);
    assert_eq!(fixture.blob_count().await, 0);
    assert!(
        !fixture
            .repository
            .knows_storage_key(key.as_str())
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn uploads_racing_deletes_and_reaper_keep_bytes() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let service = &fixture.service;
    let churn = async {
        for _ in 0..40 {
            let record = store(service, &cx, "churn", b"contended").await;
            let download = service.open_download(&cx, record.id, false).await.unwrap();
            assert_eq!(read(&download).await.unwrap(), b"contended");
            service.delete_file(&cx, record.id, None).await.unwrap();
        }
    };
    let keep = async {
        let mut kept = Vec::new();
        for _ in 0..40 {
            kept.push(store(service, &cx, "kept", b"contended").await);
        }
        kept
    };
    let reap = async {
        for _ in 0..80 {
            service.reap_once().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let ((), kept, ()) = tokio::join!(churn, keep, reap);
    service.reap_once().await.unwrap();
    for record in kept {
        let download = service.open_download(&cx, record.id, false).await.unwrap();
        assert_eq!(read(&download).await.unwrap(), b"contended");
    }
    assert_eq!(fixture.blob_count().await, 1);
}
