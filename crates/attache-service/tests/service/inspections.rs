//! Inspection: its verdicts, on every way in, and its effect on leases.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::MetadataRepository;
use attache_model::{Clock as _, Context, TenantSlug};
use attache_service::{
    FileService, Inspector, ListRequest, ServiceError, StagedFile, UploadFields, Verdict,
};
use attache_signing::KeyRing;
use attache_testkit::{Fixture, FixtureOptions, ManualClock};
use tokio::sync::Notify;

use super::support::{ByContent, assert_nothing_left, begin, body, file, request, send};

#[tokio::test]
async fn inspector_accepts_refuses_holds_or_fails() {
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

#[tokio::test]
async fn inspector_sees_bytes_sent_by_link() {
    let fixture = Fixture::with(FixtureOptions {
        inspector: Some(Arc::new(ByContent)),
        ..FixtureOptions::default()
    })
    .await;
    let cx = fixture.context("a").await;
    let pending = begin(&fixture, &cx, request("text/plain")).await;
    let refused = send(&fixture, &pending, b"bad").await;
    assert!(
        matches!(refused, Err(ServiceError::Refused { .. })),
        "{refused:?}"
    );
    let unclear = send(&fixture, &pending, b"unclear").await;
    assert!(
        matches!(unclear, Err(ServiceError::Unavailable(_))),
        "{unclear:?}"
    );
    assert_nothing_left(&fixture, &cx).await;

    let held = send(&fixture, &pending, b"odd").await.unwrap();
    let withheld = fixture.service.open_download(&cx, held.id, false).await;
    assert!(matches!(withheld, Err(ServiceError::Held)), "{withheld:?}");
}

/// An inspector that outlasts the lease: its clock advances by half of it, three times.
#[derive(Debug)]
struct Slow {
    clock: Arc<ManualClock>,
    repository: Arc<dyn MetadataRepository>,
    /// True if it lets the renewal of the lease run in between.
    yields: bool,
}

const LEASE: Duration = Duration::from_millis(60);

#[async_trait]
impl Inspector for Slow {
    async fn inspect(&self, _: &Context, _: &StagedFile) -> Result<Verdict, ServiceError> {
        for step in 0..3 {
            self.clock.advance(LEASE / 2);
            if self.yields {
                // Renewals are due before this ends, and writes are served in order.
                tokio::time::sleep(LEASE * 3).await;
                let slug = TenantSlug::parse(&format!("step-{step}"))?;
                self.repository
                    .create_tenant(&slug, self.clock.now())
                    .await?;
            }
        }
        Ok(Verdict::Accept)
    }
}

async fn upload_inspected_slowly(yields: bool) -> (Fixture, Result<(), ServiceError>) {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let ring = KeyRing::generate(fixture.now(), fixture.service.entropy());
    let service = FileService::builder(fixture.repository.clone(), fixture.store.clone(), ring)
        .clock(fixture.clock.clone())
        .lease(LEASE)
        .inspector(Arc::new(Slow {
            clock: fixture.clock.clone(),
            repository: fixture.repository.clone(),
            yields,
        }))
        .build();
    let uploaded = service
        .upload(&cx, file("a"), UploadFields::default(), body(b"bytes"))
        .await;
    service.finish_tasks().await;
    (fixture, uploaded.map(|_| ()))
}

#[tokio::test]
async fn slow_inspection_keeps_the_lease() {
    let (fixture, uploaded) = upload_inspected_slowly(true).await;
    uploaded.unwrap();
    fixture.service.reap_once().await.unwrap();
    assert_eq!(fixture.blob_count().await, 1);
}

#[tokio::test]
async fn lease_lost_during_inspection_is_unavailable() {
    let (fixture, uploaded) = upload_inspected_slowly(false).await;
    assert!(
        matches!(uploaded, Err(ServiceError::Unavailable(_))),
        "{uploaded:?}"
    );
    let cx = fixture.context("a").await;
    assert_nothing_left(&fixture, &cx).await;
}

/// An inspector that waits until it is told to go on.
#[derive(Debug, Default)]
struct Waiting {
    go_on: Notify,
}

#[async_trait]
impl Inspector for Waiting {
    async fn inspect(&self, _: &Context, _: &StagedFile) -> Result<Verdict, ServiceError> {
        self.go_on.notified().await;
        Ok(Verdict::Accept)
    }
}

#[tokio::test]
async fn commit_survives_cancelled_caller() {
    let inspector = Arc::new(Waiting::default());
    let options = FixtureOptions {
        inspector: Some(inspector.clone()),
        ..FixtureOptions::default()
    };
    let fixture = Fixture::with(options).await;
    let cx = fixture.context("a").await;
    let mut session = fixture.service.open_session(&cx, None).await.unwrap();
    session.add_file(file("a"), body(b"hello")).await.unwrap();
    // The client disconnects while the inspection runs, before the repository knows of the commit.
    let mut committing = Box::pin(session.commit(UploadFields::default()));
    assert!(futures_util::poll!(&mut committing).is_pending());
    drop(committing);
    inspector.go_on.notify_one();
    fixture.service.finish_tasks().await;
    let list = fixture
        .service
        .list_files(&cx, ListRequest::default())
        .await
        .unwrap();
    assert_eq!(list.files.len(), 1);
}
