//! Uploads as any SQL database answers them, and the values of the model they must make.

use attache_metadata::{LeaseToken, Refusal, StagingBlob, StoredUpload};
use attache_model::{
    BlobId, Category, Description, DisplayName, FileId, Filename, MediaType, PersonId,
    PersonIdentifier, PersonRef, PrincipalSeq, TenantId, Timestamp, Upload,
};
use uuid::Uuid;

use crate::columns::Columns;
use crate::rows::{RowError, digest, optional, size};

/// The columns of an upload, in the order in which [`read`] reads them.
pub(crate) const UPLOAD_COLUMNS: &str = "id, tenant_id, person_id, person_identifier, category, \
    name, filename, description, content_type, size_bytes, sha256, visibility, created_by, \
    offset_bytes, created_at, expires_at, completed_at, staging_blob_id, staging_key, \
    staging_lease";

/// The columns of an upload.
#[derive(Debug)]
pub(crate) struct UploadRow {
    id: Uuid,
    tenant_id: i64,
    person_id: Option<Uuid>,
    person_identifier: Option<String>,
    category: Option<String>,
    name: Option<String>,
    filename: String,
    description: Option<String>,
    content_type: String,
    size_bytes: Option<i64>,
    sha256: Option<Vec<u8>>,
    visibility: String,
    created_by: Option<i64>,
    offset_bytes: i64,
    created_at: i64,
    expires_at: i64,
    completed_at: Option<i64>,
    staging: (Option<Uuid>, Option<String>, Option<Uuid>),
}

/// Reads an upload from a row of [`UPLOAD_COLUMNS`].
pub(crate) fn read(row: &impl Columns) -> Result<UploadRow, sqlx::Error> {
    Ok(UploadRow {
        id: row.id(0)?,
        tenant_id: row.integer(1)?,
        person_id: row.maybe_id(2)?,
        person_identifier: row.maybe_text(3)?,
        category: row.maybe_text(4)?,
        name: row.maybe_text(5)?,
        filename: row.text(6)?,
        description: row.maybe_text(7)?,
        content_type: row.text(8)?,
        size_bytes: row.maybe_integer(9)?,
        sha256: row.maybe_bytes(10)?,
        visibility: row.text(11)?,
        created_by: row.maybe_integer(12)?,
        offset_bytes: row.integer(13)?,
        created_at: row.integer(14)?,
        expires_at: row.integer(15)?,
        completed_at: row.maybe_integer(16)?,
        staging: (row.maybe_id(17)?, row.maybe_text(18)?, row.maybe_id(19)?),
    })
}

impl UploadRow {
    /// Checks every column.
    pub(crate) fn into_stored(self) -> Result<StoredUpload, RowError> {
        let size_bytes = self.size_bytes.map(|bytes| size("size_bytes", bytes));
        let sha256 = self.sha256.map(|bytes| digest("sha256", &bytes));
        let upload = Upload {
            id: FileId::from_uuid(self.id),
            tenant: TenantId::new(self.tenant_id),
            person: person(self.person_id, self.person_identifier)?,
            category: optional(self.category.as_deref(), Category::parse)?,
            name: optional(self.name.as_deref(), DisplayName::parse)?,
            filename: Filename::parse(&self.filename)?,
            description: optional(self.description.as_deref(), Description::parse)?,
            content_type: MediaType::parse(&self.content_type)?,
            size_bytes: size_bytes.transpose()?,
            sha256: sha256.transpose()?,
            visibility: self.visibility.parse()?,
            created_by: self.created_by.map(PrincipalSeq::new),
            offset_bytes: size("offset_bytes", self.offset_bytes)?,
            created_at: Timestamp::from_millis(self.created_at),
            expires_at: Timestamp::from_millis(self.expires_at),
            completed_at: self.completed_at.map(Timestamp::from_millis),
        };
        let staging = match self.staging {
            (None, None, None) => None,
            (Some(id), Some(storage_key), Some(lease)) => Some(StagingBlob {
                id: BlobId::from_uuid(id),
                storage_key,
                lease: LeaseToken::from_uuid(lease),
            }),
            _ => return Err(RowError::Column("staging_blob_id")),
        };
        Ok(StoredUpload { upload, staging })
    }
}

fn person(id: Option<Uuid>, identifier: Option<String>) -> Result<Option<PersonRef>, RowError> {
    match (id, identifier) {
        (None, None) => Ok(None),
        (Some(id), None) => Ok(Some(PersonRef::Id(PersonId::from_uuid(id)))),
        (None, Some(identifier)) => Ok(Some(PersonRef::Identifier(PersonIdentifier::parse(
            &identifier,
        )?))),
        (Some(_), Some(_)) => Err(RowError::Column("person_identifier")),
    }
}

/// A person's two columns, of which at most one has a value.
pub(crate) fn person_columns(person: Option<&PersonRef>) -> (Option<Uuid>, Option<String>) {
    match person {
        None => (None, None),
        Some(PersonRef::Id(id)) => (Some(id.as_uuid()), None),
        Some(PersonRef::Identifier(identifier)) => (None, Some(identifier.as_str().to_owned())),
    }
}

/// The upload if it may be completed or cancelled.
pub(crate) fn pending(found: Option<StoredUpload>) -> Result<StoredUpload, Refusal> {
    match found {
        None => Err(Refusal::NotFound),
        Some(stored) if stored.upload.completed_at.is_some() => Err(Refusal::UploadCompleted),
        Some(stored) => Ok(stored),
    }
}

/// The moment that lies `duration` before another; 1970 at the earliest.
#[cfg(feature = "sqlite")]
pub(crate) fn earlier(at: Timestamp, duration: std::time::Duration) -> Timestamp {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(at.as_millis().saturating_sub(millis))
}
