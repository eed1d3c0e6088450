//! SQLite's rows, read by position, in the order of the column lists here.

use attache_model::FileRecord;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::failure::Failure;
use crate::rows::{BlobRow, FileRow, KeyRow, TenantRow};

/// The columns of a file record, for `SELECT` and `RETURNING` alike: the person's identifier is a
/// subquery because `RETURNING` cannot join.
pub(super) const FILE_COLUMNS: &str = "files.seq, files.id, files.tenant_id, files.person_id, \
    (SELECT identifier FROM people WHERE people.id = files.person_id), \
    files.category, files.name, files.filename, files.description, files.content_type, \
    files.size_bytes, files.sha256, files.visibility, files.key, files.used_at, files.used_by, \
    files.uploaded_by, files.created_at, files.updated_at, files.archived_at, files.held_at, \
    files.revision";

/// How many columns [`FILE_COLUMNS`] has.
pub(super) const FILE_COLUMN_COUNT: usize = 22;

/// The columns of a blob's location.
pub(super) const BLOB_COLUMNS: &str = "blobs.id, blobs.storage_key, blobs.size_bytes, \
    blobs.sha256, blobs.format, blobs.stored_bytes, blobs.wrapped_key";

/// Reads a record from a row that begins with [`FILE_COLUMNS`].
pub(super) fn file(row: &SqliteRow) -> Result<FileRecord, Failure> {
    let row = FileRow {
        seq: row.try_get(0)?,
        id: row.try_get(1)?,
        tenant_id: row.try_get(2)?,
        person_id: row.try_get(3)?,
        person_identifier: row.try_get(4)?,
        category: row.try_get(5)?,
        name: row.try_get(6)?,
        filename: row.try_get(7)?,
        description: row.try_get(8)?,
        content_type: row.try_get(9)?,
        size_bytes: row.try_get(10)?,
        sha256: row.try_get(11)?,
        visibility: row.try_get(12)?,
        key: row.try_get(13)?,
        used_at: row.try_get(14)?,
        used_by: row.try_get(15)?,
        uploaded_by: row.try_get(16)?,
        created_at: row.try_get(17)?,
        updated_at: row.try_get(18)?,
        archived_at: row.try_get(19)?,
        held_at: row.try_get(20)?,
        revision: row.try_get(21)?,
    };
    Ok(row.into_record()?)
}

/// Reads a blob's location from a row that holds [`BLOB_COLUMNS`] from `first` on.
pub(super) fn blob(row: &SqliteRow, first: usize) -> Result<BlobRow, Failure> {
    Ok(BlobRow {
        id: row.try_get(first)?,
        storage_key: row.try_get(first + 1)?,
        size_bytes: row.try_get(first + 2)?,
        sha256: row.try_get(first + 3)?,
        format: row.try_get(first + 4)?,
        stored_bytes: row.try_get(first + 5)?,
        wrapped_key: row.try_get(first + 6)?,
    })
}

/// Reads a tenant from a row that holds `id, slug, created_at` from `first` on.
pub(super) fn tenant(row: &SqliteRow, first: usize) -> Result<TenantRow, Failure> {
    Ok(TenantRow {
        id: row.try_get(first)?,
        slug: row.try_get(first + 1)?,
        created_at: row.try_get(first + 2)?,
    })
}

/// The columns of an API key, its principal and tenant.
pub(super) const KEY_COLUMNS: &str = "api_keys.key_id, api_keys.secret_hash, principals.name, \
    principals.seq, principals.scopes, principals.created_at, api_keys.expires_at, \
    api_keys.revoked_at, tenants.id, tenants.slug, tenants.created_at";

/// Reads an API key from a row that begins with [`KEY_COLUMNS`].
pub(super) fn key(row: &SqliteRow) -> Result<KeyRow, Failure> {
    Ok(KeyRow {
        key_id: row.try_get(0)?,
        secret_hash: row.try_get(1)?,
        name: row.try_get(2)?,
        principal_seq: row.try_get(3)?,
        scopes: row.try_get(4)?,
        created_at: row.try_get(5)?,
        expires_at: row.try_get(6)?,
        revoked_at: row.try_get(7)?,
        tenant: tenant(row, 8)?,
    })
}
