//! Migration and opening: what is made, and what is refused.

#![cfg(feature = "sqlite")]

mod common;

use attache_metadata::{
    FileQuery, FileRepository as _, MetadataRepository as _, PageKey, PageRequest,
    RepositoryErrorKind, SortField, TenancyRepository as _,
};
use attache_metadata_sql::{MigrationReport, OpenError, SqliteOptions, SqliteRepository};
use attache_model::Holder;
use common::{BoxError, Place, upload};
use futures_util::future::join_all;
use sqlx::ConnectOptions as _;

const DONE: MigrationReport = MigrationReport {
    from_version: 3,
    to_version: 3,
};

async fn execute(place: &Place, sql: &'static str) -> Result<(), BoxError> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
    let mut connection = options.connect().await?;
    sqlx::raw_sql(sql).execute(&mut connection).await?;
    Ok(())
}

#[tokio::test]
async fn migrating_again_does_nothing() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    place.tenant(&repository, "north").await?;
    // Even while a server runs.
    assert_eq!(SqliteRepository::migrate(place.path()).await?, DONE);
    assert!(repository.has_tenants().await?);
    repository.health().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_migrate_at_once() -> Result<(), BoxError> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("attache.db");
    let migrations = (0..8).map(|_| tokio::spawn(SqliteRepository::migrate(path.clone())));
    let mut fresh = 0;
    for report in join_all(migrations).await {
        let report = report??;
        assert_eq!(report.to_version, 3);
        fresh += usize::from(report.from_version == 0);
    }
    assert_eq!(fresh, 1, "one of them makes the schema");
    SqliteRepository::open(SqliteOptions::new(&path)).await?;
    Ok(())
}

#[tokio::test]
async fn a_missing_or_empty_file_is_not_opened() -> Result<(), BoxError> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("attache.db");
    let missing = SqliteRepository::open(SqliteOptions::new(&path)).await;
    assert!(
        matches!(missing, Err(OpenError::Missing { .. })),
        "{missing:?}"
    );
    assert!(!path.exists());
    std::fs::write(&path, "")?;
    let empty = SqliteRepository::open(SqliteOptions::new(&path)).await;
    let older = OpenError::SchemaOlder {
        found: 0,
        needed: 3,
    };
    assert_eq!(empty.unwrap_err().to_string(), older.to_string());
    std::fs::write(
        &path,
        "not a database, but long enough to look like a file of one".repeat(99),
    )?;
    let foreign = SqliteRepository::open(SqliteOptions::new(&path)).await;
    assert!(
        matches!(foreign, Err(OpenError::Database(_))),
        "{foreign:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_newer_or_altered_schema_is_refused() -> Result<(), BoxError> {
    let place = Place::new().await?;
    execute(
        &place,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
        VALUES (99, 'later', TRUE, x'00', 0)",
    )
    .await?;
    let opened = place.open().await.map(drop);
    assert!(
        opened
            .unwrap_err()
            .to_string()
            .contains("newer than this program")
    );
    let migrated = SqliteRepository::migrate(place.path()).await;
    let refused = matches!(
        migrated,
        Err(OpenError::SchemaNewer {
            found: 99,
            known: 3
        })
    );
    assert!(refused, "{migrated:?}");

    execute(&place, "DELETE FROM _sqlx_migrations WHERE version = 99").await?;
    place.open().await?.close().await;
    execute(&place, "UPDATE _sqlx_migrations SET checksum = x'00'").await?;
    let migrated = SqliteRepository::migrate(place.path()).await;
    let refused = matches!(migrated, Err(OpenError::SchemaAltered { version: 1 }));
    assert!(refused, "{migrated:?}");
    Ok(())
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_an_error() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let cx = place.tenant(&repository, "north").await?;
    let draft = place.draft(&repository, &cx, 1).await?;
    let id = draft.id;
    repository.commit_files(&cx, &upload(draft)).await?.unwrap();
    execute(&place, "UPDATE files SET category = 'no slug!'").await?;

    let inconsistent = RepositoryErrorKind::Inconsistent;
    let found = repository.find_file(&cx, id).await;
    assert_eq!(found.unwrap_err().kind(), inconsistent);
    let first = PageRequest {
        limit: 10,
        after: None,
    };
    let query = FileQuery::default();
    let listed = repository.list_files(&cx, &query, &first);
    assert_eq!(listed.await.unwrap_err().kind(), inconsistent);
    let claimed = repository.claim_file(&cx, id, &Holder::parse("a")?).await;
    assert_eq!(claimed.unwrap_err().kind(), inconsistent);

    execute(&place, "UPDATE files SET category = NULL").await?;
    let found = repository.find_file(&cx, id).await?.unwrap();
    assert_eq!(
        found.record.claim, None,
        "a change that failed was not made"
    );

    let position = PageKey::of(&found.record, SortField::Name);
    let other_order = PageRequest {
        limit: 10,
        after: Some(position),
    };
    let listed = repository.list_files(&cx, &query, &other_order);
    assert!(listed.await.is_err(), "a position of another order");
    Ok(())
}

/// What no program can write, whatever its bugs.
#[tokio::test]
async fn the_schema_keeps_records_and_bytes_together() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let cx = place.tenant(&repository, "north").await?;
    place.tenant(&repository, "south").await?;
    let draft = place.draft(&repository, &cx, 1).await?;
    repository.commit_files(&cx, &upload(draft)).await?.unwrap();
    place.draft(&repository, &cx, 2).await?;
    for sql in [
        "DELETE FROM blobs WHERE state = 'live'",
        "UPDATE blobs SET state = 'deleting', reap_at = 1 WHERE state = 'live'",
        "UPDATE files SET tenant_id = 2",
        "UPDATE files SET used_at = 1",
        "UPDATE files SET used_at = 1, used_by = 'a', archived_at = 1",
        "UPDATE blobs SET state = 'live', lease_token = NULL, lease_until = NULL \
            WHERE state = 'staging'",
        "INSERT INTO files (id, tenant_id, blob_id, name, filename, content_type, size_bytes, \
            sha256, visibility, key, created_at, updated_at) \
            SELECT randomblob(16), 1, id, 'a', 'a', 'a/b', 1, zeroblob(32), 'private', 'k', 1, 1 \
            FROM blobs WHERE state = 'staging'",
    ] {
        let written = execute(&place, sql).await;
        let error = written.expect_err(sql).to_string();
        let refused = ["constraint failed", "cannot be deleted", "not live"];
        assert!(
            refused.iter().any(|part| error.contains(part)),
            "{sql}: {error}"
        );
    }
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_only() -> Result<(), BoxError> {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new().await?;
    let repository = place.open().await?;
    place.tenant(&repository, "north").await?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(place.directory.path())? {
        let entry = entry?;
        let mode = entry.metadata()?.permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
        names.push(entry.file_name());
    }
    assert_eq!(names.len(), 3, "file, log and index of the log: {names:?}");
    Ok(())
}

#[tokio::test]
async fn a_file_that_lost_its_log_mode_is_not_opened() -> Result<(), BoxError> {
    let place = Place::new().await?;
    execute(&place, "PRAGMA journal_mode = DELETE").await?;
    let opened = place.open().await.map(drop);
    let error = opened.unwrap_err();
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("journal_mode is delete"), "{cause}");
    Ok(())
}

/// What other crates need: the futures of the whole life of a repository can be spawned.
#[test]
fn futures_can_be_sent() {
    fn sendable<T: Send>(_: T) {}
    let place = SqliteOptions::new("nowhere");
    sendable(SqliteRepository::migrate("nowhere"));
    sendable(async {
        let repository = SqliteRepository::open(place).await?;
        repository.close().await;
        Ok::<_, OpenError>(())
    });
}
