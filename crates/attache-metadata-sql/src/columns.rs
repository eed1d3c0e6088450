//! The columns that statements select, in the order in which their rows are read by position.

use uuid::Uuid;

use crate::rows::{BlobRow, FileRow, KeyRow, TenantRow};

/// The columns of a file record, for `SELECT` and `RETURNING` alike: the person's identifier is a
/// subquery because `RETURNING` cannot join.
pub(crate) const FILE_COLUMNS: &str = "files.seq, files.id, files.tenant_id, files.person_id, \
    (SELECT identifier FROM people WHERE people.id = files.person_id), \
    files.category, files.name, files.filename, files.description, files.content_type, \
    files.size_bytes, files.sha256, files.visibility, files.key, files.used_at, files.used_by, \
    files.uploaded_by, files.created_at, files.updated_at, files.archived_at, files.held_at, \
    files.revision";

/// How many columns [`FILE_COLUMNS`] has.
pub(crate) const FILE_COLUMN_COUNT: usize = 22;

/// The columns of a blob's location.
pub(crate) const BLOB_COLUMNS: &str = "blobs.id, blobs.storage_key, blobs.size_bytes, \
    blobs.sha256, blobs.format, blobs.stored_bytes, blobs.wrapped_key";

/// The columns of an API key, its principal and tenant.
pub(crate) const KEY_COLUMNS: &str = "api_keys.key_id, api_keys.secret_hash, principals.name, \
    principals.seq, principals.scopes, principals.created_at, api_keys.expires_at, \
    api_keys.revoked_at, tenants.id, tenants.slug, tenants.created_at";

/// The tables of [`KEY_COLUMNS`].
pub(crate) const KEY_TABLES: &str = "api_keys \
    JOIN principals ON principals.seq = api_keys.principal_seq \
    JOIN tenants ON tenants.id = principals.tenant_id";

/// A row of any database, its columns read by position.
pub(crate) trait Columns {
    fn integer(&self, at: usize) -> Result<i64, sqlx::Error>;
    fn maybe_integer(&self, at: usize) -> Result<Option<i64>, sqlx::Error>;
    fn text(&self, at: usize) -> Result<String, sqlx::Error>;
    fn maybe_text(&self, at: usize) -> Result<Option<String>, sqlx::Error>;
    fn bytes(&self, at: usize) -> Result<Vec<u8>, sqlx::Error>;
    fn maybe_bytes(&self, at: usize) -> Result<Option<Vec<u8>>, sqlx::Error>;
    fn id(&self, at: usize) -> Result<Uuid, sqlx::Error>;
    fn maybe_id(&self, at: usize) -> Result<Option<Uuid>, sqlx::Error>;
}

/// Reads the columns of a driver's row; their types are the same in every database.
macro_rules! impl_columns {
    ($row:ty) => {
        impl crate::columns::Columns for $row {
            fn integer(&self, at: usize) -> Result<i64, sqlx::Error> {
                sqlx::Row::try_get(self, at)
            }
            fn maybe_integer(&self, at: usize) -> Result<Option<i64>, sqlx::Error> {
                sqlx::Row::try_get(self, at)
            }
            fn text(&self, at: usize) -> Result<String, sqlx::Error> {
                sqlx::Row::try_get(self, at)
            }
            fn maybe_text(&self, at: usize) -> Result<Option<String>, sqlx::Error> {
                sqlx::Row::try_get(self, at)
            }
            fn bytes(&self, at: usize) -> Result<Vec<u8>, sqlx::Error> {
                sqlx::Row::try_get(self, at)
            }
            fn maybe_bytes(&self, at: usize) -> Result<Option<Vec<u8>>, sqlx::Error> {
                sqlx::Row::try_get(self, at)
            }
            fn id(&self, at: usize) -> Result<uuid::Uuid, sqlx::Error> {
                sqlx::Row::try_get(self, at)
            }
            fn maybe_id(&self, at: usize) -> Result<Option<uuid::Uuid>, sqlx::Error> {
                sqlx::Row::try_get(self, at)
            }
        }
    };
}
pub(crate) use impl_columns;

/// Reads a record from a row that begins with [`FILE_COLUMNS`].
pub(crate) fn file(row: &impl Columns) -> Result<FileRow, sqlx::Error> {
    Ok(FileRow {
        seq: row.integer(0)?,
        id: row.id(1)?,
        tenant_id: row.integer(2)?,
        person_id: row.maybe_id(3)?,
        person_identifier: row.maybe_text(4)?,
        category: row.maybe_text(5)?,
        name: row.text(6)?,
        filename: row.text(7)?,
        description: row.maybe_text(8)?,
        content_type: row.text(9)?,
        size_bytes: row.integer(10)?,
        sha256: row.bytes(11)?,
        visibility: row.text(12)?,
        key: row.text(13)?,
        used_at: row.maybe_integer(14)?,
        used_by: row.maybe_text(15)?,
        uploaded_by: row.maybe_integer(16)?,
        created_at: row.integer(17)?,
        updated_at: row.integer(18)?,
        archived_at: row.maybe_integer(19)?,
        held_at: row.maybe_integer(20)?,
        revision: row.integer(21)?,
    })
}

/// Reads a blob's location from a row that holds [`BLOB_COLUMNS`] from `first` on.
pub(crate) fn blob(row: &impl Columns, first: usize) -> Result<BlobRow, sqlx::Error> {
    Ok(BlobRow {
        id: row.id(first)?,
        storage_key: row.text(first + 1)?,
        size_bytes: row.integer(first + 2)?,
        sha256: row.bytes(first + 3)?,
        format: row.integer(first + 4)?,
        stored_bytes: row.integer(first + 5)?,
        wrapped_key: row.maybe_bytes(first + 6)?,
    })
}

/// Reads a tenant from a row that holds `id, slug, created_at` from `first` on.
pub(crate) fn tenant(row: &impl Columns, first: usize) -> Result<TenantRow, sqlx::Error> {
    Ok(TenantRow {
        id: row.integer(first)?,
        slug: row.text(first + 1)?,
        created_at: row.integer(first + 2)?,
    })
}

/// Reads an API key from a row that begins with [`KEY_COLUMNS`].
pub(crate) fn key(row: &impl Columns) -> Result<KeyRow, sqlx::Error> {
    Ok(KeyRow {
        key_id: row.text(0)?,
        secret_hash: row.bytes(1)?,
        name: row.maybe_text(2)?,
        principal_seq: row.integer(3)?,
        scopes: row.text(4)?,
        created_at: row.integer(5)?,
        expires_at: row.maybe_integer(6)?,
        revoked_at: row.maybe_integer(7)?,
        tenant: tenant(row, 8)?,
    })
}
