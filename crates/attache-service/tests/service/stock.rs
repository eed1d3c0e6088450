//! Many small uploads at once, for which intents are written ahead.

use std::time::Duration;

use attache_service::UploadFields;
use attache_testkit::Fixture;
use futures_util::future::join_all;

use super::support::{assert_nothing_left, body, broken_body, file, read};

const UPLOADS: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn uploads_at_once_leave_no_spare_intents() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for round in 0..3 {
        let uploads = (0..UPLOADS).map(|number| {
            let (service, cx) = (fixture.service.clone(), cx.clone());
            let content = format!("{round}: {number}").into_bytes();
            async move {
                let fields = UploadFields::default();
                let stored = service
                    .upload(&cx, file("a.txt"), fields, body(&content))
                    .await;
                let record = stored.unwrap().record;
                let download = service.open_download(&cx, record.id, false).await.unwrap();
                assert_eq!(read(&download).await.unwrap(), content);
            }
        });
        join_all(uploads).await;
    }
    fixture.service.finish_tasks().await;
    fixture.service.reap_once().await.unwrap();
    let usage = fixture.repository.storage_usage().await.unwrap();
    assert_eq!(usage.live_blobs, 3 * UPLOADS as u64);
    assert_eq!(fixture.blob_count().await, 3 * UPLOADS);
    // What nobody took was given up, and does not wait for the end of its lease.
    fixture.clock.advance(Duration::from_hours(1));
    assert_eq!(
        fixture
            .repository
            .storage_usage()
            .await
            .unwrap()
            .reapable_blobs,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_uploads_at_once_leave_nothing() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let uploads = (0..UPLOADS).map(|_| {
        let fields = UploadFields::default();
        let upload = fixture
            .service
            .upload(&cx, file("a.txt"), fields, broken_body(b"cut"));
        async { assert!(upload.await.is_err()) }
    });
    join_all(uploads).await;
    assert_nothing_left(&fixture, &cx).await;
}
