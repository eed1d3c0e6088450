//! Links: the signed fields, signing, and verification in the only safe order.

use std::time::Duration;

use attache_model::{FileId, Filename, TenantId, Timestamp};

use crate::canonical::CanonicalForm;
use crate::error::LinkError;
use crate::key_ring::{KeyId, KeyRing, Purpose};
use crate::link_query::{LinkAction, LinkQuery};
use crate::mac::{self, MAC_BYTES};

/// The fields of a link, all of which its signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFields {
    /// The action that the link permits.
    pub action: LinkAction,
    /// The tenant of the file; a positive number, as databases assign them.
    pub tenant: TenantId,
    /// The file.
    pub file: FileId,
    /// The name that the file is served under.
    pub filename: Filename,
    /// The first second in which the link is no longer valid, in seconds since 1970; not negative.
    pub expires_at: i64,
}

/// A verified link. Only [`verify_link`] returns one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedLink(LinkFields);

impl VerifiedLink {
    /// Returns the permitted action.
    pub fn action(&self) -> LinkAction {
        self.0.action
    }

    /// Returns the tenant of the file.
    pub fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    /// Returns the file.
    pub fn file(&self) -> FileId {
        self.0.file
    }

    /// Returns the name to serve the file under.
    pub fn filename(&self) -> &Filename {
        &self.0.filename
    }

    /// Returns the first second in which the link is no longer valid, in seconds since 1970.
    pub fn expires_at(&self) -> i64 {
        self.0.expires_at
    }

    /// Returns all fields.
    pub fn into_fields(self) -> LinkFields {
        self.0
    }
}

/// Returns the bytes that a link's signature covers.
pub fn canonical_link(fields: &LinkFields) -> Vec<u8> {
    CanonicalForm::new("attache/v1/link")
        .field("action", fields.action.as_str())
        .field("tenant", fields.tenant.to_string())
        .field("file", fields.file.to_string())
        .field("filename", fields.filename.as_str())
        .field("expires", fields.expires_at.to_string())
        .into_bytes()
}

/// Signs a link with the first key of the ring.
///
/// ```
/// use attache_model::{FileId, Filename, OsEntropy, TenantId, Timestamp};
/// use attache_signing::{KeyRing, LinkAction, LinkFields, sign_link};
///
/// let now = Timestamp::parse("2026-01-31T12:00:00Z")?;
/// let ring = KeyRing::generate(now, &OsEntropy);
/// let fields = LinkFields {
///     action: LinkAction::View,
///     tenant: TenantId::new(7),
///     file: FileId::generate(now, &OsEntropy),
///     filename: Filename::parse("report.pdf")?,
///     expires_at: now.as_seconds() + 900,
/// };
/// let query = sign_link(&ring, &fields).to_query_string();
/// assert!(query.starts_with("Tenant=7&Action=view&Expires=1769861700&KeyId=k20260131"));
/// # Ok::<(), attache_model::InvalidValue>(())
/// ```
pub fn sign_link(ring: &KeyRing, fields: &LinkFields) -> LinkQuery {
    LinkQuery {
        tenant: fields.tenant,
        action: fields.action,
        expires_at: fields.expires_at,
        key_id: ring.signing_key().id().clone(),
        signature: signature(ring, &canonical_link(fields)),
    }
}

/// Verifies a link.
///
/// `file` and `filename` come from the path (percent-decoded), `query` from the query (decoded pairs
/// in any order).
///
/// The signature is verified, in constant time, before the expiry: only a genuine link is ever
/// reported as expired. `max_lifetime` bounds the remaining lifetime. If the clock of the machine that
/// signs may run ahead of this one, `max_lifetime` must allow for it.
///
/// ```
/// use std::time::Duration;
/// # use attache_model::{FileId, Filename, OsEntropy, TenantId, Timestamp};
/// use attache_signing::{LinkError, verify_link};
/// # use attache_signing::{KeyRing, LinkAction, LinkFields, sign_link};
/// # let now = Timestamp::parse("2026-01-31T12:00:00Z")?;
/// # let ring = KeyRing::generate(now, &OsEntropy);
/// # let fields = LinkFields {
/// #     action: LinkAction::View,
/// #     tenant: TenantId::new(7),
/// #     file: FileId::generate(now, &OsEntropy),
/// #     filename: Filename::parse("report.pdf")?,
/// #     expires_at: now.as_seconds() + 900,
/// # };
/// # let query = sign_link(&ring, &fields).pairs();
///
/// let day = Duration::from_hours(24);
/// let verified = verify_link(&ring, fields.file, "report.pdf", query.clone(), now, day)?;
/// assert_eq!(verified.into_fields(), fields);
///
/// let later = now.plus(Duration::from_secs(900));
/// let expired = verify_link(&ring, fields.file, "report.pdf", query, later, day);
/// assert_eq!(expired, Err(LinkError::Expired));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Returns [`LinkError::Expired`] for a genuine link from its expiry on, and [`LinkError::Invalid`] for
/// anything else, without details.
pub fn verify_link<N: AsRef<str>, V: AsRef<str>>(
    ring: &KeyRing,
    file: FileId,
    filename: &str,
    query: impl IntoIterator<Item = (N, V)>,
    now: Timestamp,
    max_lifetime: Duration,
) -> Result<VerifiedLink, LinkError> {
    let query = LinkQuery::parse(query)?;
    let fields = LinkFields {
        action: query.action,
        tenant: query.tenant,
        file,
        filename: exact_filename(filename)?,
        expires_at: query.expires_at,
    };
    let canonical = canonical_link(&fields);
    check_signature(ring, &query.key_id, &canonical, &query.signature)?;
    check_expiry(fields.expires_at, now, max_lifetime)?;
    Ok(VerifiedLink(fields))
}

/// Signs the canonical form of a link of any kind with the first key of the ring.
pub(crate) fn signature(ring: &KeyRing, canonical: &[u8]) -> [u8; MAC_BYTES] {
    let key = ring.signing_key().derived(Purpose::Links);
    mac::compute(key.expose(), canonical)
}

/// Verifies, in constant time, that a key of the ring signed the canonical form.
pub(crate) fn check_signature(
    ring: &KeyRing,
    key_id: &KeyId,
    canonical: &[u8],
    signature: &[u8; MAC_BYTES],
) -> Result<(), LinkError> {
    let key = ring.key(key_id).ok_or(LinkError::Invalid)?;
    let key = key.derived(Purpose::Links).expose();
    if mac::verify(key, canonical, signature) {
        Ok(())
    } else {
        Err(LinkError::Invalid)
    }
}

/// Checks that a genuine link has not expired, and does not expire later than allowed.
pub(crate) fn check_expiry(
    expires_at: i64,
    now: Timestamp,
    max_lifetime: Duration,
) -> Result<(), LinkError> {
    let expires_at_millis = expires_at.checked_mul(1000).ok_or(LinkError::Invalid)?;
    if expires_at_millis > now.plus(max_lifetime).as_millis() {
        return Err(LinkError::Invalid);
    }
    if expires_at_millis <= now.as_millis() {
        return Err(LinkError::Expired);
    }
    Ok(())
}

/// Parses a filename that is already normalised. A path or another Unicode form is not what was signed.
fn exact_filename(text: &str) -> Result<Filename, LinkError> {
    Filename::parse(text)
        .ok()
        .filter(|filename| filename.as_str() == text)
        .ok_or(LinkError::Invalid)
}
