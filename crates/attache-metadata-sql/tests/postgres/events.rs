//! The event hook: told of every change, within its transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use attache_metadata::{
    EventHook, FileChange, FileEvent, FileRepository as _, NewFiles, OutboxEntry,
    RepositoryErrorKind,
};
use attache_metadata_sql::{PostgresOptions, PostgresRepository};
use attache_model::{DisplayName, Holder, PersonId, PersonRef};
use sqlx::Row as _;

use crate::place::{BoxError, Place, upload};

/// Writes every event down, and panics when told to.
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
            topic: "audit".to_owned(),
            payload: format!("{kind} {name} r{revision} by {actor}").into_bytes(),
        }]
    }
}

async fn open(place: &Place) -> Result<(PostgresRepository, Arc<Journal>), BoxError> {
    let journal = Arc::new(Journal::default());
    let options = PostgresOptions::new(&place.url).with_event_hook(journal.clone());
    Ok((PostgresRepository::open(options).await?, journal))
}

async fn outbox(place: &Place) -> Result<Vec<String>, BoxError> {
    let sql = "SELECT topic || ': ' || convert_from(payload, 'UTF8') FROM outbox ORDER BY seq";
    let rows = sqlx::query(sql)
        .fetch_all(&mut place.connect().await?)
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

#[tokio::test]
async fn every_change_is_told_once_and_repetitions_never() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let (repository, _) = open(&place).await?;
    let principal = place.tenant(&repository, "north").await?;
    let cx = place.context(&principal);
    let mut draft = place.draft(&repository, &cx, 1).await?;
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
        "audit: created File 1 r1 by 1",
        "audit: changed New r2 by 1",
        "audit: hold-released New r3 by 1",
        "audit: claimed New r4 by 1",
        "audit: released New r5 by 1",
        "audit: archived New r6 by 1",
        "audit: restored New r7 by 1",
        "audit: deleted New r7 by 1",
    ];
    assert_eq!(outbox(&place).await?, expected);
    Ok(())
}

#[tokio::test]
async fn what_is_undone_was_never_told() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let (repository, journal) = open(&place).await?;
    let principal = place.tenant(&repository, "north").await?;
    let cx = place.context(&principal);
    let good = place.draft(&repository, &cx, 1).await?;
    let mut bad = place.draft(&repository, &cx, 2).await?;
    bad.person = Some(PersonRef::Id(PersonId::generate(cx.now(), &place.random)));
    let both = NewFiles {
        files: vec![good.clone(), bad],
        idempotency_key: None,
    };
    repository.commit_files(&cx, &both).await?.unwrap_err();
    assert!(outbox(&place).await?.is_empty());

    // A hook that panics undoes its change, and no more than that.
    let id = good.id;
    journal.panics.store(true, Ordering::Relaxed);
    let failed = repository.commit_files(&cx, &upload(good.clone())).await;
    assert_eq!(failed.unwrap_err().kind(), RepositoryErrorKind::Other);
    assert!(repository.find_file(&cx, id).await?.is_none());
    assert!(outbox(&place).await?.is_empty());
    journal.panics.store(false, Ordering::Relaxed);
    repository.commit_files(&cx, &upload(good)).await??;
    assert_eq!(outbox(&place).await?, ["audit: created File 1 r1 by 1"]);
    Ok(())
}
