//! One context for many operations: each happens at its own time.

use std::time::Duration;

use attache_model::{Holder, PersonIdentifier, PersonRef, Visibility};
use attache_service::{FilePatch, LinkAction, LinkRequest, UploadFields};
use attache_testkit::Fixture;

use super::support::{body, file, store};

const STEP: Duration = Duration::from_mins(7);

#[tokio::test]
async fn operations_of_one_context_go_by_the_clock() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let service = &fixture.service;
    let holder = Holder::parse("h:1").unwrap();
    fixture.clock.advance(STEP);
    let record = store(service, &cx, "1", b"x").await;
    assert_eq!(record.created_at, fixture.now());
    fixture.clock.advance(STEP);
    let change = FilePatch {
        visibility: Some(Visibility::Public),
        ..FilePatch::default()
    };
    let changed = service.change_file(&cx, record.id, change, None).await;
    assert_eq!(changed.unwrap().updated_at, fixture.now());
    fixture.clock.advance(STEP);
    let claimed = service.claim_file(&cx, record.id, &holder).await.unwrap();
    assert_eq!(claimed.claim.unwrap().used_at, fixture.now());
    fixture.clock.advance(STEP);
    let released = service.release_claim(&cx, record.id, &holder).await;
    assert_eq!(released.unwrap().updated_at, fixture.now());
    fixture.clock.advance(STEP);
    let archived = service.archive_file(&cx, record.id).await.unwrap();
    assert_eq!(archived.archived_at, Some(fixture.now()));
    fixture.clock.advance(STEP);
    let restored = service.restore_file(&cx, record.id).await.unwrap();
    assert_eq!(restored.updated_at, fixture.now());
}

#[tokio::test]
async fn link_of_an_old_context_lives_as_long() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let record = store(&fixture.service, &cx, "1", b"x").await;
    fixture.clock.advance(STEP);
    let request = LinkRequest {
        action: LinkAction::Download,
        expires_in: Some(STEP),
    };
    let link = fixture.service.create_link(&cx, record.id, request).await;
    assert_eq!(link.unwrap().expires_at, fixture.now().plus(STEP));
}

#[tokio::test]
async fn person_is_registered_at_the_commit() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    fixture.clock.advance(STEP);
    let fields = UploadFields {
        person: Some(PersonRef::Identifier(
            PersonIdentifier::parse("PT-1").unwrap(),
        )),
        ..UploadFields::default()
    };
    let upload = fixture.service.upload(&cx, file("1"), fields, body(b"x"));
    let record = upload.await.unwrap().record;
    assert_eq!(record.created_at, fixture.now());
}
