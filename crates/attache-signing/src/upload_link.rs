//! Upload links: permission to send the bytes of one upload until the link expires.
//!
//! Constraints on the bytes (type, size, digest) are stored with the upload, not in the link.

use std::time::Duration;

use attache_model::{FileId, TenantId, Timestamp};

use crate::canonical::CanonicalForm;
use crate::error::LinkError;
use crate::key_ring::KeyRing;
use crate::link::{check_expiry, check_signature, signature};
use crate::upload_link_query::UploadLinkQuery;

/// The fields of an upload link, all of which its signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadLinkFields {
    /// The tenant of the upload; a positive number, as databases assign them.
    pub tenant: TenantId,
    /// The upload. Its record will have the same id.
    pub upload: FileId,
    /// The first second in which the link is no longer valid, in seconds since 1970; not negative.
    pub expires_at: i64,
}

/// A verified upload link. Only [`verify_upload_link`] returns one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedUploadLink(UploadLinkFields);

impl VerifiedUploadLink {
    /// Returns the tenant of the upload.
    pub fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    /// Returns the upload.
    pub fn upload(&self) -> FileId {
        self.0.upload
    }

    /// Returns the first second in which the link is no longer valid, in seconds since 1970.
    pub fn expires_at(&self) -> i64 {
        self.0.expires_at
    }

    /// Returns all fields.
    pub fn into_fields(self) -> UploadLinkFields {
        self.0
    }
}

/// Returns the bytes that an upload link's signature covers. Its label differs from a read link's, so
/// neither is ever accepted as the other.
pub fn canonical_upload_link(fields: &UploadLinkFields) -> Vec<u8> {
    CanonicalForm::new("attache/v1/upload")
        .field("tenant", fields.tenant.to_string())
        .field("upload", fields.upload.to_string())
        .field("expires", fields.expires_at.to_string())
        .into_bytes()
}

/// Signs an upload link with the first key of the ring.
pub fn sign_upload_link(ring: &KeyRing, fields: &UploadLinkFields) -> UploadLinkQuery {
    UploadLinkQuery {
        tenant: fields.tenant,
        expires_at: fields.expires_at,
        key_id: ring.signing_key().id().clone(),
        signature: signature(ring, &canonical_upload_link(fields)),
    }
}

/// Verifies an upload link: `upload` comes from the path, `query` from the query (decoded pairs in any
/// order).
///
/// As in [`verify_link`](crate::verify_link), the signature is verified, in constant time, before the
/// expiry, and `max_lifetime` bounds the remaining lifetime.
///
/// # Errors
///
/// Returns [`LinkError::Expired`] for a genuine link from its expiry on, and [`LinkError::Invalid`] for
/// anything else, without details.
pub fn verify_upload_link<N: AsRef<str>, V: AsRef<str>>(
    ring: &KeyRing,
    upload: FileId,
    query: impl IntoIterator<Item = (N, V)>,
    now: Timestamp,
    max_lifetime: Duration,
) -> Result<VerifiedUploadLink, LinkError> {
    let query = UploadLinkQuery::parse(query)?;
    let fields = UploadLinkFields {
        tenant: query.tenant,
        upload,
        expires_at: query.expires_at,
    };
    let canonical = canonical_upload_link(&fields);
    check_signature(ring, &query.key_id, &canonical, &query.signature)?;
    check_expiry(fields.expires_at, now, max_lifetime)?;
    Ok(VerifiedUploadLink(fields))
}
