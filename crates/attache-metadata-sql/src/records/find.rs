//! Finding one record: by its id, its number or its key; and the tenant of a public one.

use attache_metadata::StoredFile;
use attache_model::{BlobId, FileId, FileSeq, ObjectKey, TenantId};

use crate::columns::{BLOB_COLUMNS, BY_SEQ, Columns, FILE_COLUMN_COUNT, FILE_COLUMNS};
use crate::failure::Failure;
use crate::rows;
use crate::session::{Session, Statement};

pub(super) async fn by_id<S: Session>(
    session: &mut S,
    tenant: TenantId,
    id: FileId,
) -> Result<Option<StoredFile>, Failure> {
    let statement = by_column("id", tenant).bind(id.as_uuid());
    session.optional(statement, stored_file).await
}

pub(super) async fn by_seq<S: Session>(
    session: &mut S,
    tenant: TenantId,
    seq: FileSeq,
) -> Result<Option<StoredFile>, Failure> {
    let statement = by_column("seq", tenant).bind(seq.get());
    session.optional(statement, stored_file).await
}

pub(super) async fn by_key<S: Session>(
    session: &mut S,
    tenant: TenantId,
    key: &ObjectKey,
) -> Result<Option<StoredFile>, Failure> {
    let statement = by_column("key", tenant).bind(key.as_str());
    session.optional(statement, stored_file).await
}

/// Lists the records of a blob in the order of their numbers.
pub(crate) async fn by_blob<S: Session>(
    session: &mut S,
    tenant: TenantId,
    blob: BlobId,
    after: Option<FileSeq>,
    limit: u32,
) -> Result<Vec<StoredFile>, Failure> {
    let mut statement = by_column("blob_id", tenant).bind(blob.as_uuid());
    if let Some(after) = after {
        let after = statement.parameter(after.get());
        statement.push(&format!(" AND files.seq > {after}"));
    }
    let limit = statement.parameter(i64::from(limit));
    statement.push(&format!(" ORDER BY {BY_SEQ} LIMIT {limit}"));
    session.rows(statement, stored_file).await
}

/// Makes the statement that finds records and their bytes by a column.
fn by_column<'v>(column: &str, tenant: TenantId) -> Statement<'v> {
    let sql = format!(
        "SELECT {FILE_COLUMNS}, {BLOB_COLUMNS} FROM files \
        JOIN blobs ON blobs.tenant_id = files.tenant_id AND blobs.id = files.blob_id \
        WHERE files.tenant_id = $1 AND files.{column} = $2"
    );
    Statement::new(sql).bind(tenant.get())
}

fn stored_file(row: &dyn Columns) -> Result<StoredFile, Failure> {
    Ok(StoredFile {
        record: rows::file(row)?,
        blob: rows::blob(row, FILE_COLUMN_COUNT)?,
    })
}

pub(super) async fn tenant_of_public<S: Session>(
    session: &mut S,
    id: FileId,
) -> Result<Option<TenantId>, Failure> {
    let sql = "SELECT tenant_id FROM files WHERE id = $1 AND visibility = 'public'";
    let statement = Statement::new(sql).bind(id.as_uuid());
    let read = |row: &dyn Columns| Ok(TenantId::new(row.integer(0)?));
    session.optional(statement, read).await
}
