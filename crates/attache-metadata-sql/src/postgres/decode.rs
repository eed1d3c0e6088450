//! Postgres's rows and the values of the model they make.

use attache_metadata::ApiKeyRecord;
use attache_model::{FileRecord, Tenant};
use sqlx::postgres::PgRow;

use super::failure::Failure;
use crate::columns;

columns::impl_columns!(PgRow);

/// Reads a record from a row that begins with the columns of one.
pub(super) fn file(row: &PgRow) -> Result<FileRecord, Failure> {
    Ok(columns::file(row)?.into_record()?)
}

/// Reads a tenant from a row of `id, slug, created_at`.
pub(super) fn tenant(row: &PgRow) -> Result<Tenant, Failure> {
    Ok(columns::tenant(row, 0)?.into_tenant()?)
}

/// Reads an API key from a row of the columns of one.
pub(super) fn key(row: &PgRow) -> Result<ApiKeyRecord, Failure> {
    Ok(columns::key(row)?.into_record()?)
}
