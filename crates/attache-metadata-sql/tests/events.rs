//! The event hook: told of every change, within its transaction.

#![cfg(feature = "sqlite")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use attache_metadata::{
    EventHook, FileChange, FileEvent, FileRepository as _, NewFiles, OutboxEntry,
};
use attache_metadata_sql::SqliteRepository;
use attache_model::{DisplayName, Holder, PersonId, PersonRef};
use common::{BoxError, Place, upload};
use sqlx::{ConnectOptions as _, Row as _};

/// Writes every event down, and panics when told to.
#[derive(Debug, Default)]
struct Journal {
    panics: AtomicBool,
}

impl EventHook for Journal {
    fn outbox_entries(&self, event: &FileEvent<'_>) -> Vec<OutboxEntry> {
        assert!(!self.panics.load(Ordering::Relaxed), "on purpose");
        let actor = event.actor.map_or(0, attache_model::PrincipalSeq::get);
        let text = format!(
            "{} {} r{} by {actor} in {} at {}",
            event.kind.as_str(),
            event.file.name,
            event.file.revision,
            event.request_id,
            event.at.as_millis(),
        );
        vec![OutboxEntry {
            topic: "audit".to_owned(),
            payload: text.into_bytes(),
        }]
    }
}

async fn open(place: &Place) -> Result<(SqliteRepository, Arc<Journal>), BoxError> {
    let journal = Arc::new(Journal::default());
    let options = place.options().with_event_hook(journal.clone());
    Ok((SqliteRepository::open(options).await?, journal))
}

async fn outbox(place: &Place) -> Result<Vec<String>, BoxError> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
    let mut connection = options.connect().await?;
    let sql = "SELECT topic, payload FROM outbox ORDER BY seq";
    let rows = sqlx::query(sql).fetch_all(&mut connection).await?;
    rows.iter()
        .map(|row| {
            let topic: String = row.try_get(0)?;
            let text = String::from_utf8(row.try_get(1)?)?;
            Ok(format!(
                "{topic}: {}",
                text.split(" in ").next().unwrap_or_default()
            ))
        })
        .collect()
}

#[tokio::test]
async fn every_change_is_told_once_and_repetitions_never() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let (repository, _) = open(&place).await?;
    let cx = place.tenant(&repository, "north").await?;
    let mut draft = place.draft(&repository, &cx, 1).await?;
    draft.held = true;
    let id = draft.id;
    repository.commit_files(&cx, &upload(draft)).await?.unwrap();
    let (holder, other) = (Holder::parse("a")?, Holder::parse("b")?);
    let rename = FileChange {
        name: Some(DisplayName::parse("New")?),
        ..FileChange::default()
    };
    for _ in 0..2 {
        repository
            .change_file(&cx, id, &rename, None)
            .await?
            .unwrap();
        repository.release_hold(&cx, id).await?.unwrap();
    }
    for _ in 0..2 {
        repository.claim_file(&cx, id, &holder).await?.unwrap();
        repository.claim_file(&cx, id, &other).await?.unwrap_err();
        repository.archive_file(&cx, id).await?.unwrap_err();
    }
    for _ in 0..2 {
        repository.release_claim(&cx, id, &holder).await?.unwrap();
    }
    for _ in 0..2 {
        repository.archive_file(&cx, id).await?.unwrap();
    }
    for _ in 0..2 {
        repository.restore_file(&cx, id).await?.unwrap();
    }
    repository.delete_file(&cx, id, None).await?.unwrap();
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
    let (repository, _) = open(&place).await?;
    let cx = place.tenant(&repository, "north").await?;
    let good = place.draft(&repository, &cx, 1).await?;
    let mut bad = place.draft(&repository, &cx, 2).await?;
    bad.person = Some(PersonRef::Id(PersonId::generate(cx.now(), &place.random)));
    let both = NewFiles {
        files: vec![good, bad],
        idempotency_key: None,
    };
    repository.commit_files(&cx, &both).await?.unwrap_err();
    assert!(outbox(&place).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_hook_that_panics_undoes_its_change() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let (repository, journal) = open(&place).await?;
    let cx = place.tenant(&repository, "north").await?;
    let draft = place.draft(&repository, &cx, 1).await?;
    let id = draft.id;
    journal.panics.store(true, Ordering::Relaxed);
    let failed = repository.commit_files(&cx, &upload(draft.clone())).await;
    assert!(failed.is_err());
    assert!(repository.find_file(&cx, id).await?.is_none());
    assert!(outbox(&place).await?.is_empty());
    journal.panics.store(false, Ordering::Relaxed);
    repository.commit_files(&cx, &upload(draft)).await?.unwrap();
    assert_eq!(outbox(&place).await?, ["audit: created File 1 r1 by 1"]);
    Ok(())
}
