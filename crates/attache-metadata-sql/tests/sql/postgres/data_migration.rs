//! Copying records from SQLite: all of them, unchanged, and to a target of their own only.

use std::path::PathBuf;

use attache_metadata_sql::data_migration::{DataMigration, DataMigrationError};
use attache_metadata_sql::{OpenError, PostgresOptions, SqliteRepository};
use attache_testkit::ThrowawayPostgres;
use rusqlite::Connection;
use tempfile::TempDir;

use super::ServerDatabase;
use crate::database::{BoxError, Database as _, Place};

/// Several pages of everything, in two tenants; every column has a value somewhere and `NULL` elsewhere
/// where it may. The last of each table with numbers is gone.
const FILL: &str = "
    CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS
        (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1203) SELECT i FROM n;
    INSERT INTO tenants (slug, created_at) SELECT 'tenant-' || i, i FROM n WHERE i <= 3;
    DELETE FROM tenants WHERE id = 3;
    INSERT INTO principals (tenant_id, kind, subject, name, scopes, created_at)
        SELECT i % 2 + 1, 'api-key', 'key:' || i, iif(i % 2, 'Ä \"key\"', NULL), 'files:read', i FROM n;
    INSERT INTO api_keys SELECT 'k' || i, i, randomblob(32), iif(i % 3, i, NULL), iif(i % 5, NULL, i)
        FROM n;
    INSERT INTO people SELECT randomblob(16), i % 2 + 1, 'Z-' || i, i FROM n;
    INSERT INTO blobs (id, tenant_id, storage_key, state, size_bytes, sha256, stored_bytes, created_at)
        SELECT randomblob(16), i % 2 + 1, '1/00/' || i, 'live', i, randomblob(32), i, i FROM n;
    INSERT INTO blobs (id, tenant_id, storage_key, state, lease_token, lease_until, created_at)
        VALUES (randomblob(16), 1, 's', 'staging', randomblob(16), 9, 1);
    INSERT INTO blobs (id, tenant_id, storage_key, state, size_bytes, sha256, stored_bytes, created_at)
        VALUES (randomblob(16), 1, 'c', 'condemned', 1, randomblob(32), 1, 1);
    INSERT INTO files (id, tenant_id, blob_id, person_id, category, name, filename, description,
            content_type, size_bytes, sha256, visibility, key, used_at, used_by, uploaded_by, created_at,
            updated_at, archived_at, held_at, revision, request_key, request_index, seq)
        SELECT randomblob(16), b.tenant_id, b.id, iif(b.size_bytes % 3, p.id, NULL),
            iif(b.size_bytes % 4, 'images', NULL), 'Näme', 'f.pdf', iif(b.size_bytes % 5, 'd', NULL),
            'application/pdf', b.size_bytes, b.sha256, iif(b.size_bytes % 2, 'public', 'private'),
            'key/' || b.size_bytes, iif(b.size_bytes % 7, NULL, 5), iif(b.size_bytes % 7, NULL, 'h:1'),
            b.size_bytes, b.size_bytes, 9, iif(b.size_bytes % 7 = 1, 8, NULL),
            iif(b.size_bytes % 9, NULL, 7), b.size_bytes % 4 + 1,
            iif(b.size_bytes % 6, NULL, 'r' || b.size_bytes), iif(b.size_bytes % 6, NULL, 0),
            b.size_bytes
        FROM blobs AS b JOIN people AS p ON p.identifier = 'Z-' || b.size_bytes WHERE b.state = 'live';
    DELETE FROM files WHERE seq = 1203;
    INSERT INTO tenant_sequences VALUES (1, 1203, 1202), (2, 1207, 5000);
    INSERT INTO uploads (id, tenant_id, person_identifier, filename, content_type, size_bytes, sha256,
            visibility, created_by, created_at, expires_at, staging_blob_id, staging_key, staging_lease)
        SELECT randomblob(16), 1, iif(i % 2, 'Z-1', NULL), 'u.pdf', 'application/pdf',
            iif(i % 2, 4, NULL), iif(i % 2, randomblob(32), NULL), 'private', i % 2 + 1, i, 99,
            iif(i = 5, x'00112233445566778899aabbccddeeff', NULL), iif(i = 5, 's', NULL),
            iif(i = 5, x'00112233445566778899aabbccddeeff', NULL)
        FROM n WHERE i <= 9;
    INSERT INTO outbox (tenant_id, topic, payload, created_at)
        SELECT i % 2 + 1, 'file', CAST('event ' || i AS BLOB), i FROM n;
    DELETE FROM outbox;
    DROP TABLE n;";

struct Source {
    directory: TempDir,
}

impl Source {
    async fn filled() -> Result<Self, BoxError> {
        let source = Self::empty().await?;
        source.execute(FILL)?;
        Ok(source)
    }

    async fn empty() -> Result<Self, BoxError> {
        let directory = tempfile::tempdir()?;
        let source = Self { directory };
        SqliteRepository::migrate(source.path()).await?;
        Ok(source)
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("attache.db")
    }

    fn connect(&self) -> Result<Connection, BoxError> {
        Ok(Connection::open(self.path())?)
    }

    fn execute(&self, sql: &str) -> Result<(), BoxError> {
        Ok(self.connect()?.execute_batch(sql)?)
    }

    async fn to(&self, place: &Place<ServerDatabase>) -> Result<DataMigration, DataMigrationError> {
        DataMigration::open(self.path(), &PostgresOptions::new(&place.database.url)).await
    }

    /// Compares a query's rows of texts in both databases.
    async fn assert_same(
        &self,
        place: &Place<ServerDatabase>,
        sql: &'static str,
    ) -> Result<usize, BoxError> {
        let connection = self.connect()?;
        let mut statement = connection.prepare(sql)?;
        let here = statement.query_map([], |row| row.get(0))?;
        let here: Vec<String> = here.collect::<Result<_, _>>()?;
        let there = place.database.texts(sql).await?;
        assert_eq!(here, there);
        Ok(here.len())
    }
}

/// Copies up to `limit` blobs and returns the number of those that existed.
async fn copy_blobs(migration: &DataMigration, limit: usize) -> Result<usize, DataMigrationError> {
    let (mut after, mut found, mut copied) = (None, 0, 0);
    loop {
        let blobs = migration.blobs_after(after).await?;
        let Some(last) = blobs.last() else {
            return Ok(found);
        };
        after = Some(last.id);
        for blob in &blobs {
            if blob.is_copied {
                found += 1;
            } else if copied < limit {
                migration.copy_blob(blob).await?;
                copied += 1;
            }
        }
    }
}

#[tokio::test]
async fn two_runs_copy_every_row_and_continue_numbers() -> Result<(), BoxError> {
    let (source, place) = (
        Source::filled().await?,
        Place::<ServerDatabase>::new().await?,
    );
    let first = source.to(&place).await?;
    let bytes = 1203 * 1204 / 2;
    assert_eq!(first.check().await?, (1203, bytes));
    first.begin().await?;
    assert_eq!(copy_blobs(&first, 700).await?, 0);
    // What is not all there cannot be finished: no record without its bytes.
    let early = first.finish(&|_, _| {}).await.unwrap_err();
    assert!(matches!(early, DataMigrationError::Target(_)), "{early}");
    first.close().await;

    let second = source.to(&place).await?;
    assert_eq!(second.check().await?, (1203, bytes));
    second.begin().await?;
    assert_eq!(copy_blobs(&second, usize::MAX).await?, 700);
    let copied = second.finish(&|_, _| {}).await?;
    second.close().await;
    let rows: Vec<_> = copied
        .iter()
        .map(|it| (it.table, it.rows, it.left))
        .collect();
    let expected = [
        ("tenants", 2, 0),
        ("tenant_sequences", 2, 0),
        ("principals", 1203, 0),
        ("people", 1203, 0),
        ("blobs", 1203, 2),
        ("files", 1202, 0),
        ("uploads", 8, 1),
        ("outbox", 0, 0),
        ("api_keys", 1203, 0),
    ];
    assert_eq!(rows, expected);
    assert_equal_content(&source, &place).await?;
    for (sql, next) in [
        (
            "INSERT INTO tenants (slug, created_at) VALUES ('new', 0) RETURNING id",
            4,
        ),
        (
            "INSERT INTO outbox (tenant_id, topic, payload, created_at) VALUES (1, 't', '', 0) \
             RETURNING seq",
            1204,
        ),
    ] {
        assert_eq!(place.count(sql).await?, next);
    }
    Ok(())
}

/// Compares with statements that both databases know, apart from the code under test.
async fn assert_equal_content(
    source: &Source,
    place: &Place<ServerDatabase>,
) -> Result<(), BoxError> {
    let files = "SELECT seq || ' ' || tenant_id || ' ' || coalesce(category, '-') || ' ' || name \
        || ' ' || coalesce(description, '-') || ' ' || key || ' ' || size_bytes || ' ' || visibility \
        || ' ' || coalesce(used_at, -1) || ' ' || coalesce(used_by, '-') || ' ' || uploaded_by || ' ' \
        || created_at || ' ' || updated_at || ' ' || coalesce(archived_at, -1) || ' ' \
        || coalesce(held_at, -1) || ' ' || revision || ' ' || coalesce(request_key, '-') FROM files \
        ORDER BY seq";
    assert_eq!(source.assert_same(place, files).await?, 1202);
    let sequences = "SELECT tenant_id || ' ' || last_seq || ' ' || last_created_at \
        FROM tenant_sequences ORDER BY tenant_id";
    assert_eq!(source.assert_same(place, sequences).await?, 2);
    let people = "SELECT p.identifier || ' ' || f.key FROM files AS f JOIN people AS p \
        ON p.id = f.person_id JOIN blobs AS b ON b.id = f.blob_id AND b.sha256 = f.sha256 \
        ORDER BY f.seq";
    assert_eq!(source.assert_same(place, people).await?, 802);
    let keys = "SELECT p.seq || ' ' || p.subject || ' ' || coalesce(p.name, '-') || ' ' || k.key_id \
        || ' ' || coalesce(k.expires_at, -1) || ' ' || coalesce(k.revoked_at, -1) FROM principals AS p \
        JOIN api_keys AS k ON k.principal_seq = p.seq ORDER BY p.seq";
    assert_eq!(source.assert_same(place, keys).await?, 1203);
    Ok(())
}

#[tokio::test]
async fn target_with_other_content_is_refused() -> Result<(), BoxError> {
    let (source, place) = (
        Source::filled().await?,
        Place::<ServerDatabase>::new().await?,
    );
    let migration = source.to(&place).await?;
    migration.begin().await?;
    for (change, back, table) in [
        (
            "UPDATE tenants SET slug = 'other' WHERE id = 2",
            "UPDATE tenants SET slug = 'tenant-2' WHERE id = 2",
            "tenants",
        ),
        (
            "INSERT INTO tenants (slug, created_at) VALUES ('theirs', 0)",
            "DELETE FROM tenants WHERE slug = 'theirs'",
            "tenants",
        ),
        (
            "INSERT INTO people SELECT gen_random_uuid(), 1, 'x', 0",
            "DELETE FROM people WHERE identifier = 'x'",
            "people",
        ),
        (
            "INSERT INTO outbox (tenant_id, topic, payload, created_at) VALUES (1, 't', '', 0)",
            "DELETE FROM outbox",
            "outbox",
        ),
        (
            "UPDATE principals SET name = NULL WHERE seq = 1201",
            "UPDATE principals SET name = 'Ä \"key\"' WHERE seq = 1201",
            "principals",
        ),
    ] {
        place.database.execute(change).await?;
        let refused = migration.check().await;
        assert!(
            matches!(refused, Err(DataMigrationError::OtherContent { table: found }) if found == table),
            "{change}: {refused:?}"
        );
        place.database.execute(back).await?;
        migration.check().await?;
    }
    migration.close().await;
    Ok(())
}

#[tokio::test]
async fn second_migration_and_second_writer_are_refused() -> Result<(), BoxError> {
    let (source, place) = (
        Source::empty().await?,
        Place::<ServerDatabase>::new().await?,
    );
    let migration = source.to(&place).await?;
    let other = Source::empty().await?;
    let refused = other.to(&place).await.unwrap_err();
    assert!(
        matches!(refused, DataMigrationError::TargetInUse),
        "{refused}"
    );
    let elsewhere = Place::<ServerDatabase>::new().await?;
    let refused = source.to(&elsewhere).await.unwrap_err();
    assert!(
        matches!(refused, DataMigrationError::SourceInUse),
        "{refused}"
    );
    let writer = source.connect()?;
    writer.busy_timeout(std::time::Duration::from_millis(1))?;
    let write = "INSERT INTO tenants (slug, created_at) VALUES ('a', 0)";
    assert!(writer.execute_batch(write).is_err());
    // Both are free again.
    migration.close().await;
    other.to(&place).await?.close().await;
    source.to(&elsewhere).await?.close().await;
    Ok(())
}

#[tokio::test]
async fn other_schemas_and_formats_are_refused() -> Result<(), BoxError> {
    let (source, place) = (
        Source::empty().await?,
        Place::<ServerDatabase>::new().await?,
    );
    let url = ThrowawayPostgres::shared().create_database()?;
    let refused = DataMigration::open(source.path(), &PostgresOptions::new(url)).await;
    let older = |error: &OpenError| matches!(error, OpenError::SchemaOlder { .. });
    assert!(matches!(refused, Err(DataMigrationError::OpenTarget(ref error)) if older(error)));

    let missing = source.directory.path().join("missing.db");
    let refused = DataMigration::open(&missing, &PostgresOptions::new(&place.database.url)).await;
    let error = refused.unwrap_err();
    assert!(
        matches!(
            error,
            DataMigrationError::OpenSource(OpenError::Missing { .. })
        ),
        "{error}"
    );
    assert!(!missing.exists());

    source
        .execute(
            "INSERT INTO tenants VALUES (1, 'a', 0); INSERT INTO blobs (id, tenant_id, storage_key, \
             state, size_bytes, sha256, format, stored_bytes, created_at) VALUES (randomblob(16), 1, \
             'k', 'live', 1, randomblob(32), 1, 17, 0)",
        )?;
    let migration = source.to(&place).await?;
    let refused = migration.check().await;
    assert!(matches!(refused, Err(DataMigrationError::UnknownFormat)));
    migration.close().await;

    source.execute("DELETE FROM _sqlx_migrations WHERE version > 1")?;
    let refused = source.to(&place).await;
    assert!(matches!(refused, Err(DataMigrationError::OpenSource(ref error)) if older(error)));
    Ok(())
}
