//! Migration and opening: what is made, and what is refused.

use attache_metadata::{
    FileQuery, FileRepository as _, IdempotencyKey, MetadataRepository as _, NewFiles, PageKey,
    PageRequest, RepositoryErrorKind, SortField, TenancyRepository as _,
};
use attache_metadata_sql::{MigrationReport, OpenError, PostgresOptions, PostgresRepository};
use attache_testkit::ThrowawayPostgres;
use futures_util::future::join_all;

use crate::place::{BoxError, Place, upload};

const DONE: MigrationReport = MigrationReport {
    from_version: 3,
    to_version: 3,
};

#[tokio::test]
async fn migrating_again_does_nothing() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    place.tenant(&repository, "north").await?;
    // Even while a server runs.
    assert_eq!(PostgresRepository::migrate(&place.url).await?, DONE);
    assert!(repository.has_tenants().await?);
    repository.health().await?;
    repository.close().await;
    let closed = repository.has_tenants().await.unwrap_err();
    assert_eq!(closed.kind(), RepositoryErrorKind::Unavailable);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_migrate_at_once() -> Result<(), BoxError> {
    let url = ThrowawayPostgres::shared().create_database()?;
    let migrations = (0..6).map(|_| tokio::spawn(PostgresRepository::migrate(url.clone())));
    let mut fresh = 0;
    for report in join_all(migrations).await {
        let report = report??;
        assert_eq!(report.to_version, 3);
        fresh += usize::from(report.from_version == 0);
    }
    assert_eq!(fresh, 1, "one of them makes the schema");
    PostgresRepository::open(PostgresOptions::new(&url)).await?;
    Ok(())
}

#[tokio::test]
async fn older_newer_and_altered_schemas_are_refused() -> Result<(), BoxError> {
    let empty = ThrowawayPostgres::shared().create_database()?;
    let opened = PostgresRepository::open(PostgresOptions::new(empty)).await;
    let (found, needed) = (0, 3);
    let older = OpenError::SchemaOlder { found, needed };
    assert_eq!(opened.unwrap_err().to_string(), older.to_string());

    let place = Place::new().await?;
    place
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
            execution_time) VALUES (99, 'later', TRUE, '', 0)",
        )
        .await?;
    let refused = |outcome| {
        matches!(
            outcome,
            Err(OpenError::SchemaNewer {
                found: 99,
                known: 3
            })
        )
    };
    let options = PostgresOptions::new(&place.url);
    assert!(refused(PostgresRepository::open(options).await.map(drop)));
    assert!(refused(
        PostgresRepository::migrate(&place.url).await.map(drop)
    ));

    place
        .execute("DELETE FROM _sqlx_migrations WHERE version = 99")
        .await?;
    place.open().await?.close().await;
    place
        .execute("UPDATE _sqlx_migrations SET checksum = ''")
        .await?;
    let migrated = PostgresRepository::migrate(&place.url).await;
    assert!(
        matches!(migrated, Err(OpenError::SchemaAltered { version: 1 })),
        "{migrated:?}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_an_address_is_told_without_it() -> Result<(), BoxError> {
    let mut refused = Vec::new();
    for url in [
        "mysql://user:hunter2@127.0.0.1/files",
        "postgres://user:hunter2@127.0.0.1:port/files",
        "postgres://user:hunter2@127.0.0.1:1/files",
    ] {
        let mut options = PostgresOptions::new(url);
        options.acquire_for = std::time::Duration::from_secs(2);
        refused.push(PostgresRepository::open(options).await.unwrap_err());
        refused.push(PostgresRepository::migrate(url).await.unwrap_err());
    }
    let mut all_told = Vec::new();
    for error in refused {
        let mut told = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            told.push_str(&error.to_string());
            source = error.source();
        }
        assert!(!told.contains("hunter2"), "{told}");
        all_told.push(told);
    }
    // Nobody listens at the last: that is the reason, not that a pool waited for it.
    for told in &all_told[4..] {
        assert!(told.to_lowercase().contains("refused"), "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_database_cannot_hold_is_never_sent() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let principal = place.tenant(&repository, "north").await?;
    let cx = place.context(&principal);
    let draft = place.draft(&repository, &cx, 1).await?;
    let keyed = NewFiles {
        files: vec![draft.clone()],
        idempotency_key: Some(IdempotencyKey::parse("a\0b")?),
    };
    let refused = repository.commit_files(&cx, &keyed).await.unwrap_err();
    assert_eq!(refused.kind(), RepositoryErrorKind::Other);
    let record = repository.commit_files(&cx, &upload(draft)).await??[0]
        .record
        .clone();
    assert!(repository.find_api_key("a\0b").await?.is_none());
    assert!(repository.revoke_api_key("a\0b", cx.now()).await?.is_none());
    let mut first = PageRequest {
        limit: 10,
        after: None,
    };
    let nothing = FileQuery {
        name_prefix: Some("F\0".to_owned()),
        ..FileQuery::default()
    };
    assert!(
        repository
            .list_files(&cx, &nothing, &first)
            .await?
            .files
            .is_empty()
    );
    first.after = Some(PageKey::of(&record, SortField::Name));
    let listed = repository
        .list_files(&cx, &FileQuery::default(), &first)
        .await;
    assert!(listed.is_err(), "a position of another order");
    Ok(())
}

/// What no program can write, whatever its bugs.
#[tokio::test]
async fn the_schema_keeps_records_and_bytes_together() -> Result<(), BoxError> {
    let place = Place::new().await?;
    let repository = place.open().await?;
    let principal = place.tenant(&repository, "north").await?;
    place.tenant(&repository, "south").await?;
    let cx = place.context(&principal);
    let draft = place.draft(&repository, &cx, 1).await?;
    repository.commit_files(&cx, &upload(draft)).await??;
    place.draft(&repository, &cx, 2).await?;
    for sql in [
        "DELETE FROM blobs WHERE state = 'live'",
        "UPDATE blobs SET state = 'deleting', reap_at = 1 WHERE state = 'live'",
        "UPDATE files SET tenant_id = 2",
        "UPDATE files SET used_at = 1",
        "UPDATE files SET used_at = 1, used_by = 'a', archived_at = 1",
        "UPDATE blobs SET state = 'live', lease_token = NULL, lease_until = NULL \
            WHERE state = 'staging'",
        "UPDATE files SET blob_id = (SELECT id FROM blobs WHERE state = 'staging')",
        "INSERT INTO files (id, tenant_id, blob_id, name, filename, content_type, size_bytes, \
            sha256, visibility, key, created_at, updated_at) \
            SELECT gen_random_uuid(), 1, id, 'a', 'a', 'a/b', 1, '', 'private', 'k', 1, 1 \
            FROM blobs WHERE state = 'staging'",
    ] {
        let error = place.execute(sql).await.expect_err(sql).to_string();
        let refused = ["constraint", "cannot be deleted", "not live"];
        assert!(
            refused.iter().any(|part| error.contains(part)),
            "{sql}: {error}"
        );
    }
    Ok(())
}

/// A session that the server would let answer before it wrote is made to wait.
#[tokio::test]
async fn a_standby_or_read_only_server_is_not_healthy() -> Result<(), BoxError> {
    let place = Place::new().await?;
    place
        .execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', \
            current_database()); END $$",
        )
        .await?;
    let repository = place.open().await?;
    let unhealthy = repository.health().await.unwrap_err();
    assert_eq!(unhealthy.kind(), RepositoryErrorKind::Unavailable);
    let refused = place.tenant(&repository, "north").await;
    assert!(refused.is_err(), "nothing is written");
    Ok(())
}

/// What other crates need: the futures of the whole life of a repository can be spawned.
#[test]
fn futures_can_be_sent() {
    fn sendable<T: Send>(_: T) {}
    let options = PostgresOptions::new("nowhere");
    sendable(PostgresRepository::migrate("nowhere"));
    sendable(async {
        let repository = PostgresRepository::open(options).await?;
        repository.close().await;
        Ok::<_, OpenError>(())
    });
}
