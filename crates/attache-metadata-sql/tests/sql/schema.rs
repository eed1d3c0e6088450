//! Migration and opening: what is created, and what is refused.

use attache_metadata::{
    FileQuery, IdempotencyKey, NewFiles, PageKey, PageRequest, RepositoryErrorKind, SortField,
};
use attache_metadata_sql::{MigrationReport, OpenError};
use attache_model::{Holder, PersonIdentifier, PersonRef};
use futures_util::future::join_all;

use crate::database::{BoxError, Database, NEWEST, Place, on_each_database, upload};

on_each_database!(
    second_migration_changes_nothing,
    one_of_many_migrations_creates_the_schema,
    older_newer_and_altered_schemas_are_refused,
    inconsistent_row_is_an_error,
    text_with_nul_is_never_sent,
    schema_keeps_records_and_bytes_together,
    schema_keeps_uploads_whole,
);

const FIRST: PageRequest = PageRequest {
    limit: 10,
    after: None,
};

async fn second_migration_changes_nothing<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let repository = place.open().await?;
    place.tenant(&*repository, "north").await?;
    // Even while a server runs.
    let done = MigrationReport {
        from_version: NEWEST,
        to_version: NEWEST,
    };
    assert_eq!(D::migrate(place.database.address()).await?, done);
    assert!(repository.has_tenants().await?);
    repository.health().await?;
    repository.close_it().await;
    let closed = repository.has_tenants().await.unwrap_err();
    assert_eq!(closed.kind(), RepositoryErrorKind::Unavailable);
    Ok(())
}

async fn one_of_many_migrations_creates_the_schema<D: Database>() -> Result<(), BoxError> {
    let database = D::create().await?;
    let migrations = (0..8).map(|_| D::migrate(database.address()));
    let mut fresh = 0;
    for report in join_all(migrations).await {
        let report = report?;
        assert_eq!(report.to_version, NEWEST);
        fresh += usize::from(report.from_version == 0);
    }
    assert_eq!(fresh, 1);
    database.open(None).await?;
    Ok(())
}

async fn older_newer_and_altered_schemas_are_refused<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let database = &place.database;
    database
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
            execution_time) SELECT 99, 'later', TRUE, checksum, 0 FROM _sqlx_migrations \
            WHERE version = 1",
        )
        .await?;
    let is_newer = |error: OpenError| {
        let (found, known) = (99, NEWEST);
        assert_eq!(
            error.to_string(),
            OpenError::SchemaNewer { found, known }.to_string()
        );
    };
    is_newer(place.open().await.map(drop).unwrap_err());
    is_newer(D::migrate(database.address()).await.unwrap_err());

    let sql = "DELETE FROM _sqlx_migrations WHERE version = 99";
    database.execute(sql).await?;
    place.open().await?.close_it().await;
    let sql = "UPDATE _sqlx_migrations SET checksum = \
        (SELECT checksum FROM _sqlx_migrations WHERE version = 2) WHERE version = 1";
    database.execute(sql).await?;
    let altered = D::migrate(database.address()).await;
    let is_altered = matches!(altered, Err(OpenError::SchemaAltered { version: 1 }));
    assert!(is_altered, "{altered:?}");

    let sql = "DELETE FROM _sqlx_migrations";
    database.execute(sql).await?;
    let older = place.open().await.map(drop).unwrap_err();
    let (found, needed) = (0, NEWEST);
    let expected = OpenError::SchemaOlder { found, needed };
    assert_eq!(older.to_string(), expected.to_string());
    Ok(())
}

async fn inconsistent_row_is_an_error<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    let draft = place.draft(&*repository, &cx, 1).await?;
    let id = draft.id;
    repository.commit_files(&cx, &upload(draft)).await??;
    let begun = place.new_upload(&cx)?;
    let pending = repository.begin_upload(&cx, &begun).await??.id;
    let sql = "UPDATE files SET category = 'no slug!'; UPDATE uploads SET category = 'no slug!'";
    place.database.execute(sql).await?;

    let inconsistent = RepositoryErrorKind::Inconsistent;
    let found = repository.find_file(&cx, id).await;
    assert_eq!(found.unwrap_err().kind(), inconsistent);
    let found = repository.find_upload(&cx, pending).await;
    assert_eq!(found.unwrap_err().kind(), inconsistent);
    let query = FileQuery::default();
    let listed = repository.list_files(&cx, &query, &FIRST).await;
    assert_eq!(listed.unwrap_err().kind(), inconsistent);
    let claimed = repository.claim_file(&cx, id, &Holder::parse("a")?).await;
    assert_eq!(claimed.unwrap_err().kind(), inconsistent);

    let sql = "UPDATE files SET category = NULL";
    place.database.execute(sql).await?;
    let found = repository.find_file(&cx, id).await?.unwrap();
    assert_eq!(found.record.claim, None, "the failed change was not made");
    let other_order = PageRequest {
        limit: 10,
        after: Some(PageKey::of(&found.record, SortField::Name)),
    };
    let listed = repository.list_files(&cx, &query, &other_order).await;
    assert!(listed.is_err(), "a position of another order");
    Ok(())
}

async fn text_with_nul_is_never_sent<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    let draft = place.draft(&*repository, &cx, 1).await?;
    let keyed = NewFiles {
        files: vec![draft.clone()],
        idempotency_key: Some(IdempotencyKey::parse("a\0b")?),
    };
    let refused = repository.commit_files(&cx, &keyed).await.unwrap_err();
    assert_eq!(refused.kind(), RepositoryErrorKind::Other);
    repository.commit_files(&cx, &upload(draft)).await??;
    assert!(repository.find_api_key("a\0b").await?.is_none());
    assert!(repository.revoke_api_key("a\0b", cx.now()).await?.is_none());
    assert!(!repository.knows_storage_key("a\0b").await?);
    let nothing = FileQuery {
        name_prefix: Some("F\0".to_owned()),
        ..FileQuery::default()
    };
    let page = repository.list_files(&cx, &nothing, &FIRST).await?;
    assert!(page.files.is_empty());
    Ok(())
}

/// Checks that no program can write any of these, whatever its bugs.
async fn expect_refused<D: Database>(
    database: &D,
    statements: &[&'static str],
) -> Result<(), BoxError> {
    for sql in statements {
        let error = database.execute(sql).await.expect_err(sql).to_string();
        let refused = ["constraint", "cannot be deleted", "not live"];
        assert!(
            refused.iter().any(|part| error.contains(part)),
            "{sql}: {error}"
        );
    }
    Ok(())
}

async fn schema_keeps_records_and_bytes_together<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    place.tenant(&*repository, "south").await?;
    let draft = place.draft(&*repository, &cx, 1).await?;
    repository.commit_files(&cx, &upload(draft)).await??;
    place.draft(&*repository, &cx, 2).await?;
    let statements = [
        "DELETE FROM blobs WHERE state = 'live'",
        "UPDATE blobs SET fault = 'missing' WHERE state = 'live'",
        "UPDATE blobs SET fault = 'other', fault_seen_at = 1 WHERE state = 'live'",
        "UPDATE blobs SET state = 'deleting', reap_at = 1 WHERE state = 'live'",
        "UPDATE files SET tenant_id = 2",
        "UPDATE files SET used_at = 1",
        "UPDATE files SET used_at = 1, used_by = 'a', archived_at = 1",
        "UPDATE blobs SET state = 'live', lease_token = NULL, lease_until = NULL \
            WHERE state = 'staging'",
        "INSERT INTO files (id, tenant_id, blob_id, name, filename, content_type, size_bytes, \
            sha256, visibility, key, created_at, updated_at) \
            SELECT b.id, 1, b.id, 'a', 'a', 'a/b', 1, f.sha256, 'private', 'k', 1, 1 \
            FROM blobs AS b JOIN files AS f ON b.state = 'staging'",
    ];
    expect_refused(&place.database, &statements).await
}

async fn schema_keeps_uploads_whole<D: Database>() -> Result<(), BoxError> {
    let place = Place::<D>::new().await?;
    let (repository, cx) = place.open_with_tenant().await?;
    place.tenant(&*repository, "south").await?;
    let begun = place.new_upload(&cx)?;
    let id = repository.begin_upload(&cx, &begun).await??.id;
    let mut file = place.draft(&*repository, &cx, 1).await?;
    file.person = Some(PersonRef::Identifier(PersonIdentifier::parse("PT-1")?));
    repository.complete_upload(&cx, id, &file).await??;
    let statements = [
        "UPDATE uploads SET person_identifier = 'PT-1', person_id = (SELECT id FROM people)",
        "UPDATE uploads SET person_identifier = NULL, tenant_id = 2, \
            person_id = (SELECT id FROM people)",
        "UPDATE uploads SET tenant_id = 3",
        "UPDATE uploads SET created_by = 99",
        "UPDATE uploads SET staging_lease = NULL",
        "UPDATE uploads SET staging_key = NULL",
        "UPDATE uploads SET staging_blob_id = NULL",
        "UPDATE uploads SET size_bytes = -1",
        "UPDATE uploads SET visibility = 'secret'",
    ];
    expect_refused(&place.database, &statements).await
}
