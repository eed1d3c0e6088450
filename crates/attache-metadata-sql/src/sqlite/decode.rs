//! SQLite's rows and the values of the model they make.

use attache_model::FileRecord;
use sqlx::sqlite::SqliteRow;

use super::failure::Failure;
use crate::columns;
use crate::rows::{BlobRow, KeyRow, TenantRow};

pub(super) use crate::columns::{BLOB_COLUMNS, FILE_COLUMN_COUNT, FILE_COLUMNS, KEY_COLUMNS};

columns::impl_columns!(SqliteRow);

/// Reads a record from a row that begins with [`FILE_COLUMNS`].
pub(super) fn file(row: &SqliteRow) -> Result<FileRecord, Failure> {
    Ok(columns::file(row)?.into_record()?)
}

/// Reads a blob's location from a row that holds [`BLOB_COLUMNS`] from `first` on.
pub(super) fn blob(row: &SqliteRow, first: usize) -> Result<BlobRow, Failure> {
    Ok(columns::blob(row, first)?)
}

/// Reads a tenant from a row that holds `id, slug, created_at` from `first` on.
pub(super) fn tenant(row: &SqliteRow, first: usize) -> Result<TenantRow, Failure> {
    Ok(columns::tenant(row, first)?)
}

/// Reads an API key from a row that begins with [`KEY_COLUMNS`].
pub(super) fn key(row: &SqliteRow) -> Result<KeyRow, Failure> {
    Ok(columns::key(row)?)
}
