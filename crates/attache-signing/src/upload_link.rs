//! Upload links: permission to send the bytes of one upload, until it expires.
//!
//! What the bytes must be (type, size, digest) stands with the upload itself, not in the link.

use std::time::Duration;

use attache_model::{FileId, TenantId, Timestamp};

use crate::link::{check_signature, check_time, signature};
use crate::{CanonicalForm, KeyRing, LinkError, UploadLinkQuery};

/// Everything an upload link says, and so everything its signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadLinkFields {
    /// Whose upload it is; a positive number, as databases assign them.
    pub tenant: TenantId,
    /// The upload, whose id its record will have.
    pub upload: FileId,
    /// The first second in which the link is no longer valid, in seconds since 1970; not negative.
    pub expires_at: i64,
}

/// An upload link that was verified; only [`verify_upload_link`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedUploadLink(UploadLinkFields);

impl VerifiedUploadLink {
    /// Whose upload it is.
    pub fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    /// The upload.
    pub fn upload(&self) -> FileId {
        self.0.upload
    }

    /// The first second in which the link is no longer valid, in seconds since 1970.
    pub fn expires_at(&self) -> i64 {
        self.0.expires_at
    }

    /// All of it.
    pub fn into_fields(self) -> UploadLinkFields {
        self.0
    }
}

/// The bytes that an upload link's signature covers. Its label is another than a read link's, so that
/// neither ever passes for the other.
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

/// Verifies an upload link: `upload` comes from its path, `query` from its query (decoded pairs, in
/// any order).
///
/// As with [`verify_link`](crate::verify_link), the signature is checked, in constant time, before the
/// time is looked at, and `max_lifetime` bounds the time that is left.
///
/// # Errors
///
/// [`LinkError::Expired`] for a genuine link from the second it expires on; [`LinkError::Invalid`] for
/// anything else, without telling what.
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
    check_time(fields.expires_at, now, max_lifetime)?;
    Ok(VerifiedUploadLink(fields))
}
