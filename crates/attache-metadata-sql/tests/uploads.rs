//! Uploads in SQLite: kept over a restart and a migration, dropped on time, told of once.

#![cfg(feature = "sqlite")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::{
    BlobIntent, BlobRepository as _, EventHook, FileEvent, FileRepository as _, LeaseToken,
    NewUpload, OutboxEntry, RepositoryErrorKind, UploadRepository as _,
};
use attache_metadata_sql::{OpenError, SqliteRepository};
use attache_model::{
    Actor, BlobId, Clock as _, Context, FileId, Filename, MediaType, PersonIdentifier, PersonRef,
    Visibility,
};
use common::{BoxError, Place, upload};
use sqlx::{ConnectOptions as _, Row as _};

const HOUR: Duration = Duration::from_hours(1);

fn promise(place: &Place, cx: &Context) -> Result<NewUpload, BoxError> {
    let blob = BlobId::generate(cx.now(), &place.random);
    Ok(NewUpload {
        id: FileId::generate(cx.now(), &place.random),
        person: Some(PersonRef::Identifier(PersonIdentifier::parse("PT-1")?)),
        category: None,
        name: None,
        filename: Filename::parse("scan.pdf")?,
        description: None,
        content_type: MediaType::parse("application/pdf")?,
        size_bytes: Some(1),
        sha256: None,
        visibility: Visibility::Private,
        expires_at: cx.now().plus(HOUR),
        staging: Some(BlobIntent {
            id: blob,
            storage_key: blob.to_string(),
            lease: LeaseToken::generate(&place.random),
            lease_for: HOUR,
        }),
    })
}

async fn connect(place: &Place) -> Result<sqlx::SqliteConnection, BoxError> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
    Ok(options.connect().await?)
}

async fn execute(place: &Place, sql: &'static str) -> Result<(), BoxError> {
    sqlx::raw_sql(sql)
        .execute(&mut connect(place).await?)
        .await?;
    Ok(())
}

#[tokio::test]
async fn an_upload_survives_a_restart() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let cx = place.tenant(&repository, "north").await?;
    let promised = promise(&place, &cx)?;
    let begun = repository.begin_upload(&cx, &promised).await??;
    let before = repository.find_upload(&cx, begun.id).await?;
    repository.close().await;

    let repository = place.open().await?;
    assert_eq!(repository.find_upload(&cx, begun.id).await?, before);
    let file = place.draft(&repository, &cx, 1).await?;
    let record = repository.complete_upload(&cx, begun.id, &file).await??;
    repository.close().await;

    let repository = place.open().await?;
    let stored = repository.find_file(&cx, begun.id).await?.unwrap();
    assert_eq!(stored.record, record);
    let after = repository.find_upload(&cx, begun.id).await?.unwrap();
    assert_eq!(after.upload.completed_at, Some(cx.now()));
    let tasks = repository.take_reapable(10, HOUR).await?;
    let reaped: Vec<_> = tasks.iter().map(|task| task.id).collect();
    assert_eq!(reaped, [promised.staging.unwrap().id]);
    Ok(())
}

#[tokio::test]
async fn uploads_are_dropped_when_they_were_kept_for_long_enough() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let cx = place.tenant(&repository, "north").await?;
    let id = repository
        .begin_upload(&cx, &promise(&place, &cx)?)
        .await??
        .id;
    let dropped = async || repository.drop_expired_uploads(2 * HOUR, 10).await;
    assert_eq!(dropped().await?, 0);
    place
        .clock
        .advance(Duration::from_millis(3 * 3_600_000 - 1));
    assert_eq!(
        dropped().await?,
        0,
        "expired for a moment less than it is kept"
    );
    assert!(repository.find_upload(&cx, id).await?.is_some());
    place.clock.advance(Duration::from_millis(1));
    assert_eq!(dropped().await?, 1);
    assert!(repository.find_upload(&cx, id).await?.is_none());
    assert_eq!(dropped().await?, 0);
    // Its staging blob went by its own lease.
    let tasks = repository.take_reapable(10, HOUR).await?;
    assert_eq!(tasks.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_database_from_before_uploads_is_migrated() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let cx = place.tenant(&repository, "north").await?;
    let draft = place.draft(&repository, &cx, 1).await?;
    let committed = repository.commit_files(&cx, &upload(draft)).await??;
    repository.close().await;
    execute(
        &place,
        "DROP INDEX files_by_seq; DROP INDEX files_of_person_by_seq; \
        DROP INDEX files_by_has_person; ALTER TABLE files DROP COLUMN has_person; \
        DROP TABLE uploads; DELETE FROM _sqlx_migrations WHERE version > 1",
    )
    .await?;

    let older = place.open().await.map(drop).unwrap_err();
    let needed = OpenError::SchemaOlder {
        found: 1,
        needed: 3,
    };
    assert_eq!(older.to_string(), needed.to_string());
    let report = SqliteRepository::migrate(place.path()).await?;
    assert_eq!((report.from_version, report.to_version), (1, 3));
    let repository = place.open().await?;
    let record = &committed[0].record;
    let stored = repository.find_file(&cx, record.id).await?.unwrap();
    assert_eq!(&stored.record, record);
    repository
        .begin_upload(&cx, &promise(&place, &cx)?)
        .await??;
    Ok(())
}

/// What no program can write, whatever its bugs.
#[tokio::test]
async fn the_schema_keeps_uploads_whole() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let cx = place.tenant(&repository, "north").await?;
    place.tenant(&repository, "south").await?;
    let id = repository
        .begin_upload(&cx, &promise(&place, &cx)?)
        .await??
        .id;
    let file = place.draft(&repository, &cx, 1).await?;
    repository.complete_upload(&cx, id, &file).await??;
    let about = place.draft(&repository, &cx, 2).await?;
    let about = attache_metadata::NewFile {
        person: Some(PersonRef::Identifier(PersonIdentifier::parse("PT-2")?)),
        ..about
    };
    repository.commit_files(&cx, &upload(about)).await??;
    for sql in [
        "UPDATE uploads SET person_id = (SELECT id FROM people)",
        "UPDATE uploads SET person_identifier = NULL, tenant_id = 2, \
            person_id = (SELECT id FROM people)",
        "UPDATE uploads SET tenant_id = 3",
        "UPDATE uploads SET created_by = 99",
        "UPDATE uploads SET staging_lease = NULL",
        "UPDATE uploads SET staging_key = NULL",
        "UPDATE uploads SET staging_blob_id = NULL",
        "UPDATE uploads SET size_bytes = -1",
        "UPDATE uploads SET sha256 = x'00'",
        "UPDATE uploads SET visibility = 'secret'",
    ] {
        let error = execute(&place, sql).await.expect_err(sql).to_string();
        assert!(error.contains("constraint failed"), "{sql}: {error}");
    }
    // What a type of the model refuses is an error, not a value.
    execute(&place, "UPDATE uploads SET category = 'no slug!'").await?;
    let found = repository.find_upload(&cx, id).await.unwrap_err();
    assert_eq!(found.kind(), RepositoryErrorKind::Inconsistent);
    Ok(())
}

/// Writes down who did what.
#[derive(Debug)]
struct Journal;

impl EventHook for Journal {
    fn outbox_entries(&self, event: &FileEvent<'_>) -> Vec<OutboxEntry> {
        let text = format!("{} by {:?}", event.kind.as_str(), event.actor);
        vec![OutboxEntry {
            topic: "audit".to_owned(),
            payload: text.into_bytes(),
        }]
    }
}

#[tokio::test]
async fn a_completion_is_told_as_the_commit_it_is() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let options = place.options().with_event_hook(Arc::new(Journal));
    let repository = SqliteRepository::open(options).await?;
    let cx = place.tenant(&repository, "north").await?;
    let promised = promise(&place, &cx)?;
    let id = repository.begin_upload(&cx, &promised).await??.id;
    let request_id = cx.request_id().clone();
    let now = place.clock.now();
    let bearer = Context::for_bearer(cx.tenant(), Actor::LinkBearer, request_id, now);
    let file = place.draft(&repository, &bearer, 1).await?;
    repository.complete_upload(&bearer, id, &file).await??;
    let again = place.draft(&repository, &bearer, 2).await?;
    let refused = repository.complete_upload(&bearer, id, &again).await?;
    refused.unwrap_err();

    let sql = "SELECT payload FROM outbox ORDER BY seq";
    let mut connection = connect(&place).await?;
    let rows = sqlx::query(sql).fetch_all(&mut connection).await?;
    let told: Result<Vec<Vec<u8>>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    assert_eq!(told?, [b"created by None".to_vec()]);
    Ok(())
}
