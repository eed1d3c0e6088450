//! Finding one record: by its id, its number or its key, and whose a public one is.

use attache_metadata::StoredFile;
use attache_model::{Context, FileId, FileSeq, ObjectKey, TenantId};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use super::decode::{self, BLOB_COLUMNS, FILE_COLUMN_COUNT, FILE_COLUMNS};
use super::failure::Failure;

pub(super) async fn by_id(
    connection: &mut SqliteConnection,
    cx: &Context,
    id: FileId,
) -> Result<Option<StoredFile>, Failure> {
    let query = sqlx::query(AssertSqlSafe(statement("id")))
        .bind(cx.tenant().get())
        .bind(id.as_uuid());
    let row = query.fetch_optional(connection).await?;
    row.as_ref().map(stored_file).transpose()
}

pub(super) async fn by_seq(
    connection: &mut SqliteConnection,
    cx: &Context,
    seq: FileSeq,
) -> Result<Option<StoredFile>, Failure> {
    let query = sqlx::query(AssertSqlSafe(statement("seq")))
        .bind(cx.tenant().get())
        .bind(seq.get());
    let row = query.fetch_optional(connection).await?;
    row.as_ref().map(stored_file).transpose()
}

pub(super) async fn by_key(
    connection: &mut SqliteConnection,
    cx: &Context,
    key: &ObjectKey,
) -> Result<Option<StoredFile>, Failure> {
    let query = sqlx::query(AssertSqlSafe(statement("key")))
        .bind(cx.tenant().get())
        .bind(key.as_str());
    let row = query.fetch_optional(connection).await?;
    row.as_ref().map(stored_file).transpose()
}

/// Finds a record and its bytes by a column that is unique in its tenant.
fn statement(column: &str) -> String {
    format!(
        "SELECT {FILE_COLUMNS}, {BLOB_COLUMNS} FROM files \
        JOIN blobs ON blobs.tenant_id = files.tenant_id AND blobs.id = files.blob_id \
        WHERE files.tenant_id = ?1 AND files.{column} = ?2"
    )
}

fn stored_file(row: &SqliteRow) -> Result<StoredFile, Failure> {
    Ok(StoredFile {
        record: decode::file(row)?,
        blob: decode::blob(row, FILE_COLUMN_COUNT)?.into_location()?,
    })
}

pub(super) async fn whose_public(
    connection: &mut SqliteConnection,
    id: FileId,
) -> Result<Option<TenantId>, Failure> {
    let sql = "SELECT tenant_id FROM files WHERE id = ?1 AND visibility = 'public'";
    let query = sqlx::query(sql).bind(id.as_uuid());
    let row = query.fetch_optional(connection).await?;
    row.map(|row| Ok(TenantId::new(row.try_get(0)?)))
        .transpose()
}
