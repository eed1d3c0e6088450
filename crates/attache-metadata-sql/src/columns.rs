//! The columns that statements select, and a row of any database, read by position.

use uuid::Uuid;

use crate::failure::{Failure, RowError};

/// The columns of a file record, for `SELECT` and `RETURNING` alike: the person's identifier is a
/// subquery because `RETURNING` cannot join.
pub(crate) const FILE_COLUMNS: &str = "files.seq, files.id, files.tenant_id, files.person_id, \
    (SELECT identifier FROM people WHERE people.id = files.person_id), \
    files.category, files.name, files.filename, files.description, files.content_type, \
    files.size_bytes, files.sha256, files.visibility, files.key, files.used_at, files.used_by, \
    files.uploaded_by, files.created_at, files.updated_at, files.archived_at, files.held_at, \
    files.revision";

/// The number of [`FILE_COLUMNS`].
pub(crate) const FILE_COLUMN_COUNT: usize = 22;

/// Orders files by their number where other conditions have an index. As a sum, so that the index of numbers
/// is not walked instead, in search of the first match.
pub(crate) const BY_SEQ: &str = "files.seq + 0";

/// The columns of a blob's location.
pub(crate) const BLOB_COLUMNS: &str = "blobs.id, blobs.storage_key, blobs.size_bytes, \
    blobs.sha256, blobs.format, blobs.stored_bytes, blobs.wrapped_key";

/// The columns of a tenant.
pub(crate) const TENANT_COLUMNS: &str = "id, slug, created_at";

/// The columns of an API key, its principal and tenant.
pub(crate) const KEY_COLUMNS: &str = "api_keys.key_id, api_keys.secret_hash, principals.name, \
    principals.seq, principals.scopes, principals.created_at, api_keys.expires_at, \
    api_keys.revoked_at, tenants.id, tenants.slug, tenants.created_at";

/// The tables of [`KEY_COLUMNS`].
pub(crate) const KEY_TABLES: &str = "api_keys \
    JOIN principals ON principals.seq = api_keys.principal_seq \
    JOIN tenants ON tenants.id = principals.tenant_id";

/// The columns of an upload.
pub(crate) const UPLOAD_COLUMNS: &str = "id, tenant_id, person_id, person_identifier, category, \
    name, filename, description, content_type, size_bytes, sha256, visibility, created_by, \
    offset_bytes, created_at, expires_at, completed_at, staging_blob_id, staging_key, \
    staging_lease";

/// A row of any database, its columns read by position.
pub(crate) trait Columns {
    fn integer_or_null(&self, at: usize) -> Result<Option<i64>, Failure>;
    fn text_or_null(&self, at: usize) -> Result<Option<&str>, Failure>;
    fn bytes_or_null(&self, at: usize) -> Result<Option<&[u8]>, Failure>;
    fn id_or_null(&self, at: usize) -> Result<Option<Uuid>, Failure>;

    fn integer(&self, at: usize) -> Result<i64, Failure> {
        required(self.integer_or_null(at)?, at)
    }

    fn text(&self, at: usize) -> Result<&str, Failure> {
        required(self.text_or_null(at)?, at)
    }

    fn bytes(&self, at: usize) -> Result<&[u8], Failure> {
        required(self.bytes_or_null(at)?, at)
    }

    fn id(&self, at: usize) -> Result<Uuid, Failure> {
        required(self.id_or_null(at)?, at)
    }
}

fn required<T>(value: Option<T>, at: usize) -> Result<T, Failure> {
    value.ok_or(Failure::Row(RowError::Null(at)))
}
