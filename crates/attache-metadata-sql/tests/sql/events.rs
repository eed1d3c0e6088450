//! The event hook: called for every change, within its transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use attache_metadata::{
    EventHook, FileChange, FileEvent, NewFiles, OutboxEntry, RepositoryErrorKind,
};
use attache_model::{Actor, Context, DisplayName, Holder, PersonId, PersonRef};

use crate::database::{BoxError, Closing, Database, Place, on_each_database, upload};

on_each_database!(
    each_change_is_recorded_once,
    refused_change_is_not_recorded,
    panic_of_hook_undoes_its_change,
    completion_is_recorded_as_a_commit,
    outbox_is_read_and_deleted_by_number,
);

/// Writes every event down, and panics on demand.
#[derive(Debug, Default)]
struct Journal {
    panics: AtomicBool,
}

impl EventHook for Journal {
    fn outbox_entries(&self, event: &FileEvent<'_>) -> Vec<OutboxEntry> {
        assert!(!self.panics.load(Ordering::Relaxed), "on purpose");
        let actor = event.actor.map_or(0, attache_model::PrincipalSeq::get);
        let (kind, name) = (event.kind.as_str(), &event.file.name);
        let revision = event.file.revision;
        vec![OutboxEntry {
            topic: format!("{kind} {name} r{revision} by {actor}"),
            payload: b"audit".to_vec(),
        }]
    }
}

async fn open<D: Database>(
    place: &Place<D>,
) -> Result<(Arc<dyn Closing>, Context, Arc<Journal>), BoxError> {
    let journal = Arc::new(Journal::default());
    let repository = place.database.open(Some(journal.clone())).await?;
    let principal = place.tenant(&*repository, "north").await?;
    Ok((repository, place.context(&principal), journal))
}

async fn outbox<D: Database>(place: &Place<D>) -> Result<Vec<String>, BoxError> {
    let payload = "SELECT topic FROM outbox WHERE length(payload) <> 5";
    assert_eq!(place.database.texts(payload).await?, Vec::<String>::new());
    let sql = "SELECT topic FROM outbox ORDER BY seq";
    place.database.texts(sql).await
}

async fn each_change_is_recorded_once<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx, _) = open(&place).await?;
    let mut draft = place.draft(&*repository, &cx, 1).await?;
    draft.held = true;
    let id = draft.id;
    repository.commit_files(&cx, &upload(draft)).await??;
    let (holder, other) = (Holder::parse("a")?, Holder::parse("b")?);
    let rename = FileChange {
        name: Some(DisplayName::parse("New")?),
        ..FileChange::default()
    };
    for _ in 0..2 {
        repository.change_file(&cx, id, &rename, None).await??;
        repository.release_hold(&cx, id).await??;
    }
    for _ in 0..2 {
        repository.claim_file(&cx, id, &holder).await??;
        repository.claim_file(&cx, id, &other).await?.unwrap_err();
        repository.archive_file(&cx, id).await?.unwrap_err();
    }
    for _ in 0..2 {
        repository.release_claim(&cx, id, &holder).await??;
    }
    for _ in 0..2 {
        repository.archive_file(&cx, id).await??;
    }
    for _ in 0..2 {
        repository.restore_file(&cx, id).await??;
    }
    repository.delete_file(&cx, id, None).await??;
    repository.delete_file(&cx, id, None).await?.unwrap_err();
    let expected = [
        "created File 1 r1 by 1",
        "changed New r2 by 1",
        "hold-released New r3 by 1",
        "claimed New r4 by 1",
        "released New r5 by 1",
        "archived New r6 by 1",
        "restored New r7 by 1",
        "deleted New r7 by 1",
    ];
    assert_eq!(outbox(&place).await?, expected);
    Ok(())
}

async fn refused_change_is_not_recorded<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx, _) = open(&place).await?;
    let good = place.draft(&*repository, &cx, 1).await?;
    let mut bad = place.draft(&*repository, &cx, 2).await?;
    bad.person = Some(PersonRef::Id(PersonId::generate(cx.now(), &place.random)));
    let both = NewFiles {
        files: vec![good, bad],
        idempotency_key: None,
    };
    repository.commit_files(&cx, &both).await?.unwrap_err();
    assert!(outbox(&place).await?.is_empty());
    Ok(())
}

async fn panic_of_hook_undoes_its_change<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx, journal) = open(&place).await?;
    let good = place.draft(&*repository, &cx, 1).await?;
    let id = good.id;
    journal.panics.store(true, Ordering::Relaxed);
    let failed = repository.commit_files(&cx, &upload(good.clone())).await;
    assert_eq!(failed.unwrap_err().kind(), RepositoryErrorKind::Other);
    assert!(repository.find_file(&cx, id).await?.is_none());
    assert!(outbox(&place).await?.is_empty());
    journal.panics.store(false, Ordering::Relaxed);
    repository.commit_files(&cx, &upload(good)).await??;
    assert_eq!(outbox(&place).await?, ["created File 1 r1 by 1"]);
    Ok(())
}

async fn completion_is_recorded_as_a_commit<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx, _) = open(&place).await?;
    let id = repository
        .begin_upload(&cx, &place.new_upload(&cx)?)
        .await??
        .id;
    let request_id = cx.request_id().clone();
    let bearer = Context::for_bearer(cx.tenant(), Actor::LinkBearer, request_id, cx.now());
    let file = place.draft(&*repository, &bearer, 1).await?;
    repository.complete_upload(&bearer, id, &file).await??;
    let again = place.draft(&*repository, &bearer, 2).await?;
    let refused = repository.complete_upload(&bearer, id, &again).await?;
    refused.unwrap_err();
    assert_eq!(outbox(&place).await?, ["created File 1 r1 by 0"]);
    Ok(())
}

async fn outbox_is_read_and_deleted_by_number<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx, _) = open(&place).await?;
    assert!(repository.read_outbox(10).await?.is_empty());
    for content in 1..=3 {
        let draft = place.draft(&*repository, &cx, content).await?;
        repository.commit_files(&cx, &upload(draft)).await??;
    }
    let first = repository.read_outbox(2).await?;
    let topics: Vec<_> = first.iter().map(|row| row.entry.topic.as_str()).collect();
    assert_eq!(topics, ["created File 1 r1 by 1", "created File 2 r1 by 1"]);
    assert!(first.iter().all(|row| row.tenant == cx.tenant()));
    assert_eq!(first[0].entry.payload, b"audit");

    // The second of two, and a number that does not exist.
    repository
        .delete_from_outbox(&[first[1].number, i64::MAX])
        .await?;
    repository.delete_from_outbox(&[]).await?;
    let left = repository.read_outbox(10).await?;
    let topics: Vec<_> = left.iter().map(|row| row.entry.topic.as_str()).collect();
    assert_eq!(topics, ["created File 1 r1 by 1", "created File 3 r1 by 1"]);
    Ok(())
}
