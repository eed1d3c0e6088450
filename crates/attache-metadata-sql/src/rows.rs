//! The values of the model that rows make. Every column is checked.

use attache_metadata::{
    ApiKeyRecord, BlobFacts, BlobLocation, LeaseToken, StagingBlob, StoredUpload,
};
use attache_model::{
    BlobId, Category, Claim, Description, DisplayName, FileId, FileRecord, FileSeq, Filename,
    Holder, InvalidValue, MediaType, ObjectKey, Person, PersonId, PersonIdentifier, PersonRef,
    Principal, PrincipalSeq, Revision, Scopes, Sha256Digest, Tenant, TenantId, TenantSlug,
    Timestamp, Upload,
};
use uuid::Uuid;

use crate::columns::Columns;
use crate::failure::{Failure, RowError};

/// Reads a record from a row that begins with [`FILE_COLUMNS`](crate::columns::FILE_COLUMNS).
pub(crate) fn file(row: &dyn Columns) -> Result<FileRecord, Failure> {
    Ok(FileRecord {
        seq: FileSeq::new(row.integer(0)?),
        id: FileId::from_uuid(row.id(1)?),
        tenant: TenantId::new(row.integer(2)?),
        person: person(row.id_or_null(3)?, row.text_or_null(4)?)?,
        category: optional(row.text_or_null(5)?, Category::parse)?,
        name: DisplayName::parse(row.text(6)?)?,
        filename: Filename::parse(row.text(7)?)?,
        description: optional(row.text_or_null(8)?, Description::parse)?,
        content_type: MediaType::from_stored(row.text(9)?),
        size_bytes: size("size_bytes", row.integer(10)?)?,
        sha256: digest("sha256", row.bytes(11)?)?,
        visibility: row.text(12)?.parse()?,
        key: ObjectKey::from_text(row.text(13)?.to_owned()),
        claim: claim(row.integer_or_null(14)?, row.text_or_null(15)?)?,
        uploaded_by: row.integer_or_null(16)?.map(PrincipalSeq::new),
        created_at: Timestamp::from_millis(row.integer(17)?),
        updated_at: Timestamp::from_millis(row.integer(18)?),
        archived_at: row.integer_or_null(19)?.map(Timestamp::from_millis),
        held_at: row.integer_or_null(20)?.map(Timestamp::from_millis),
        revision: Revision::new(row.integer(21)?),
    })
}

/// Reads a blob's location from a row that holds [`BLOB_COLUMNS`](crate::columns::BLOB_COLUMNS) from
/// `first` on.
pub(crate) fn blob(row: &dyn Columns, first: usize) -> Result<BlobLocation, Failure> {
    let format = u8::try_from(row.integer(first + 4)?);
    Ok(BlobLocation {
        id: BlobId::from_uuid(row.id(first)?),
        storage_key: row.text(first + 1)?.to_owned(),
        facts: BlobFacts {
            size_bytes: size("size_bytes", row.integer(first + 2)?)?,
            sha256: digest("sha256", row.bytes(first + 3)?)?,
            format: format.map_err(|_| RowError::Column("format"))?,
            stored_bytes: size("stored_bytes", row.integer(first + 5)?)?,
            wrapped_key: row.bytes_or_null(first + 6)?.map(<[u8]>::to_vec),
        },
    })
}

/// Reads a tenant from a row of [`TENANT_COLUMNS`](crate::columns::TENANT_COLUMNS).
pub(crate) fn tenant(row: &dyn Columns) -> Result<Tenant, Failure> {
    tenant_at(row, 0)
}

fn tenant_at(row: &dyn Columns, first: usize) -> Result<Tenant, Failure> {
    Ok(Tenant {
        id: TenantId::new(row.integer(first)?),
        slug: TenantSlug::parse(row.text(first + 1)?)?,
        created_at: Timestamp::from_millis(row.integer(first + 2)?),
    })
}

/// Reads an API key from a row of [`KEY_COLUMNS`](crate::columns::KEY_COLUMNS).
pub(crate) fn key(row: &dyn Columns) -> Result<ApiKeyRecord, Failure> {
    let secret_hash = <[u8; 32]>::try_from(row.bytes(1)?);
    Ok(ApiKeyRecord {
        key_id: row.text(0)?.to_owned(),
        secret_hash: secret_hash.map_err(|_| RowError::Column("secret_hash"))?,
        name: row.text_or_null(2)?.map(str::to_owned),
        principal: Principal {
            seq: PrincipalSeq::new(row.integer(3)?),
            tenant: tenant_at(row, 8)?,
            scopes: row.text(4)?.parse::<Scopes>()?,
        },
        created_at: Timestamp::from_millis(row.integer(5)?),
        expires_at: row.integer_or_null(6)?.map(Timestamp::from_millis),
        revoked_at: row.integer_or_null(7)?.map(Timestamp::from_millis),
    })
}

/// Reads an upload from a row of [`UPLOAD_COLUMNS`](crate::columns::UPLOAD_COLUMNS).
pub(crate) fn upload(row: &dyn Columns) -> Result<StoredUpload, Failure> {
    let size_bytes = row.integer_or_null(9)?;
    let sha256 = row.bytes_or_null(10)?;
    let upload = Upload {
        id: FileId::from_uuid(row.id(0)?),
        tenant: TenantId::new(row.integer(1)?),
        person: person_ref(row.id_or_null(2)?, row.text_or_null(3)?)?,
        category: optional(row.text_or_null(4)?, Category::parse)?,
        name: optional(row.text_or_null(5)?, DisplayName::parse)?,
        filename: Filename::parse(row.text(6)?)?,
        description: optional(row.text_or_null(7)?, Description::parse)?,
        content_type: MediaType::from_stored(row.text(8)?),
        size_bytes: size_bytes.map(|it| size("size_bytes", it)).transpose()?,
        sha256: sha256.map(|it| digest("sha256", it)).transpose()?,
        visibility: row.text(11)?.parse()?,
        created_by: row.integer_or_null(12)?.map(PrincipalSeq::new),
        offset_bytes: size("offset_bytes", row.integer(13)?)?,
        created_at: Timestamp::from_millis(row.integer(14)?),
        expires_at: Timestamp::from_millis(row.integer(15)?),
        completed_at: row.integer_or_null(16)?.map(Timestamp::from_millis),
    };
    let staging = (
        row.id_or_null(17)?,
        row.text_or_null(18)?,
        row.id_or_null(19)?,
    );
    let staging = match staging {
        (None, None, None) => None,
        (Some(id), Some(storage_key), Some(lease)) => Some(StagingBlob {
            id: BlobId::from_uuid(id),
            storage_key: storage_key.to_owned(),
            lease: LeaseToken::from_uuid(lease),
        }),
        _ => return Err(RowError::Column("staging_blob_id").into()),
    };
    Ok(StoredUpload { upload, staging })
}

/// Makes a person of two columns, which both have a value or both have none.
pub(crate) fn person(
    id: Option<Uuid>,
    identifier: Option<&str>,
) -> Result<Option<Person>, RowError> {
    match (id, identifier) {
        (None, None) => Ok(None),
        (Some(id), Some(identifier)) => Ok(Some(Person {
            id: PersonId::from_uuid(id),
            identifier: PersonIdentifier::parse(identifier)?,
        })),
        _ => Err(RowError::Column("person_id")),
    }
}

/// Makes the person of an upload of two columns, of which at most one has a value.
fn person_ref(id: Option<Uuid>, identifier: Option<&str>) -> Result<Option<PersonRef>, RowError> {
    match (id, identifier) {
        (None, None) => Ok(None),
        (Some(id), None) => Ok(Some(PersonRef::Id(PersonId::from_uuid(id)))),
        (None, Some(identifier)) => {
            let identifier = PersonIdentifier::parse(identifier)?;
            Ok(Some(PersonRef::Identifier(identifier)))
        }
        (Some(_), Some(_)) => Err(RowError::Column("person_identifier")),
    }
}

fn claim(used_at: Option<i64>, used_by: Option<&str>) -> Result<Option<Claim>, RowError> {
    match (used_at, used_by) {
        (None, None) => Ok(None),
        (Some(at), Some(by)) => Ok(Some(Claim {
            used_by: Holder::parse(by)?,
            used_at: Timestamp::from_millis(at),
        })),
        _ => Err(RowError::Column("used_at")),
    }
}

fn optional<T>(
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, InvalidValue>,
) -> Result<Option<T>, InvalidValue> {
    text.map(parse).transpose()
}

fn size(column: &'static str, value: i64) -> Result<u64, RowError> {
    u64::try_from(value).map_err(|_| RowError::Column(column))
}

fn digest(column: &'static str, bytes: &[u8]) -> Result<Sha256Digest, RowError> {
    <[u8; 32]>::try_from(bytes)
        .map(Sha256Digest::from_bytes)
        .map_err(|_| RowError::Column(column))
}
