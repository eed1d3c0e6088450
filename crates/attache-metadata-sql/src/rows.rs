//! Rows as any SQL database answers them, and the values of the model they must make.

use attache_metadata::{ApiKeyRecord, BlobFacts, BlobLocation};
use attache_model::{
    BlobId, Category, Claim, Description, DisplayName, FileId, FileRecord, FileSeq, Filename,
    Holder, InvalidValue, MediaType, ObjectKey, Person, PersonId, PersonIdentifier, Principal,
    PrincipalSeq, Revision, Scopes, Sha256Digest, Tenant, TenantId, TenantSlug, Timestamp,
};
use uuid::Uuid;

/// A row that no version of this program would have written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    /// A text or number does not fit its type.
    #[error("a stored value does not fit its type")]
    Value(#[from] InvalidValue),
    /// Two columns contradict each other, or a number is out of range.
    #[error("the column {0} makes no sense")]
    Column(&'static str),
}

/// The columns of a file record.
#[derive(Debug)]
pub(crate) struct FileRow {
    pub(crate) seq: i64,
    pub(crate) id: Uuid,
    pub(crate) tenant_id: i64,
    pub(crate) person_id: Option<Uuid>,
    pub(crate) person_identifier: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) name: String,
    pub(crate) filename: String,
    pub(crate) description: Option<String>,
    pub(crate) content_type: String,
    pub(crate) size_bytes: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) visibility: String,
    pub(crate) key: String,
    pub(crate) used_at: Option<i64>,
    pub(crate) used_by: Option<String>,
    pub(crate) uploaded_by: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) archived_at: Option<i64>,
    pub(crate) held_at: Option<i64>,
    pub(crate) revision: i64,
}

impl FileRow {
    /// Checks every column.
    pub(crate) fn into_record(self) -> Result<FileRecord, RowError> {
        Ok(FileRecord {
            id: FileId::from_uuid(self.id),
            seq: FileSeq::new(self.seq),
            tenant: TenantId::new(self.tenant_id),
            person: person(self.person_id, self.person_identifier)?,
            category: optional(self.category.as_deref(), Category::parse)?,
            name: DisplayName::parse(&self.name)?,
            filename: Filename::parse(&self.filename)?,
            description: optional(self.description.as_deref(), Description::parse)?,
            content_type: MediaType::parse(&self.content_type)?,
            size_bytes: size("size_bytes", self.size_bytes)?,
            sha256: digest("sha256", &self.sha256)?,
            visibility: self.visibility.parse()?,
            key: ObjectKey::from_text(self.key),
            claim: claim(self.used_at, self.used_by)?,
            uploaded_by: self.uploaded_by.map(PrincipalSeq::new),
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
            archived_at: self.archived_at.map(Timestamp::from_millis),
            held_at: self.held_at.map(Timestamp::from_millis),
            revision: Revision::new(self.revision),
        })
    }
}

/// The columns that say where a blob lies.
#[derive(Debug)]
pub(crate) struct BlobRow {
    pub(crate) id: Uuid,
    pub(crate) storage_key: String,
    pub(crate) size_bytes: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) format: i64,
    pub(crate) stored_bytes: i64,
    pub(crate) wrapped_key: Option<Vec<u8>>,
}

impl BlobRow {
    /// Checks every column.
    pub(crate) fn into_location(self) -> Result<BlobLocation, RowError> {
        Ok(BlobLocation {
            id: BlobId::from_uuid(self.id),
            storage_key: self.storage_key,
            facts: BlobFacts {
                size_bytes: size("size_bytes", self.size_bytes)?,
                sha256: digest("sha256", &self.sha256)?,
                format: u8::try_from(self.format).map_err(|_| RowError::Column("format"))?,
                stored_bytes: size("stored_bytes", self.stored_bytes)?,
                wrapped_key: self.wrapped_key,
            },
        })
    }
}

/// The columns of a tenant.
#[derive(Debug)]
pub(crate) struct TenantRow {
    pub(crate) id: i64,
    pub(crate) slug: String,
    pub(crate) created_at: i64,
}

impl TenantRow {
    /// Checks every column.
    pub(crate) fn into_tenant(self) -> Result<Tenant, RowError> {
        Ok(Tenant {
            id: TenantId::new(self.id),
            slug: TenantSlug::parse(&self.slug)?,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

/// The columns of an API key with its principal and tenant.
pub(crate) struct KeyRow {
    pub(crate) key_id: String,
    pub(crate) secret_hash: Vec<u8>,
    pub(crate) name: Option<String>,
    pub(crate) principal_seq: i64,
    pub(crate) scopes: String,
    pub(crate) created_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) revoked_at: Option<i64>,
    pub(crate) tenant: TenantRow,
}

impl KeyRow {
    /// Checks every column.
    pub(crate) fn into_record(self) -> Result<ApiKeyRecord, RowError> {
        let secret_hash =
            <[u8; 32]>::try_from(self.secret_hash).map_err(|_| RowError::Column("secret_hash"))?;
        Ok(ApiKeyRecord {
            key_id: self.key_id,
            secret_hash,
            name: self.name,
            principal: Principal {
                seq: PrincipalSeq::new(self.principal_seq),
                tenant: self.tenant.into_tenant()?,
                scopes: self.scopes.parse::<Scopes>()?,
            },
            created_at: Timestamp::from_millis(self.created_at),
            expires_at: self.expires_at.map(Timestamp::from_millis),
            revoked_at: self.revoked_at.map(Timestamp::from_millis),
        })
    }
}

/// A person of two columns that are both there or both not.
pub(crate) fn person(
    id: Option<Uuid>,
    identifier: Option<String>,
) -> Result<Option<Person>, RowError> {
    match (id, identifier) {
        (None, None) => Ok(None),
        (Some(id), Some(identifier)) => Ok(Some(Person {
            id: PersonId::from_uuid(id),
            identifier: PersonIdentifier::parse(&identifier)?,
        })),
        _ => Err(RowError::Column("person_id")),
    }
}

fn claim(used_at: Option<i64>, used_by: Option<String>) -> Result<Option<Claim>, RowError> {
    match (used_at, used_by) {
        (None, None) => Ok(None),
        (Some(at), Some(by)) => Ok(Some(Claim {
            used_by: Holder::parse(&by)?,
            used_at: Timestamp::from_millis(at),
        })),
        _ => Err(RowError::Column("used_at")),
    }
}

pub(crate) fn optional<T>(
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, InvalidValue>,
) -> Result<Option<T>, InvalidValue> {
    text.map(parse).transpose()
}

pub(crate) fn size(column: &'static str, value: i64) -> Result<u64, RowError> {
    u64::try_from(value).map_err(|_| RowError::Column(column))
}

pub(crate) fn digest(column: &'static str, bytes: &[u8]) -> Result<Sha256Digest, RowError> {
    <[u8; 32]>::try_from(bytes)
        .map(Sha256Digest::from_bytes)
        .map_err(|_| RowError::Column(column))
}
