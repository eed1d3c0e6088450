//! Links: what a signature covers, signing, and verifying in the one safe order.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use attache_model::{FileId, Filename, InvalidValue, TenantId, Timestamp};

use crate::mac::{self, MAC_BYTES};
use crate::{CanonicalForm, KeyId, KeyRing, LinkQuery, Purpose};

/// What the bearer of a link may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkAction {
    /// Get the bytes as an attachment.
    Download,
    /// Get the bytes for display, where their type allows it.
    View,
}

impl LinkAction {
    /// `download` or `view`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::View => "view",
        }
    }
}

impl fmt::Display for LinkAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LinkAction {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "download" => Ok(Self::Download),
            "view" => Ok(Self::View),
            _ => Err(InvalidValue::new("action", "is neither download nor view")),
        }
    }
}

/// Everything a link says, and so everything its signature covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkFields {
    /// What the bearer may do.
    pub action: LinkAction,
    /// Whose file it is; a positive number, as databases assign them.
    pub tenant: TenantId,
    /// The file.
    pub file: FileId,
    /// The name the file is served under.
    pub filename: Filename,
    /// The first second in which the link is no longer valid, in seconds since 1970; not negative.
    pub expires_at: i64,
}

/// Why a link is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not a link we signed, or not in the one form we write it in, or valid for longer than allowed.
    #[error("the link is invalid")]
    Invalid,
    /// A genuine link whose time is over.
    #[error("the link has expired")]
    Expired,
}

/// A link that was verified; only [`verify_link`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedLink(LinkFields);

impl VerifiedLink {
    /// What the bearer may do.
    pub fn action(&self) -> LinkAction {
        self.0.action
    }

    /// Whose file it is.
    pub fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    /// The file.
    pub fn file(&self) -> FileId {
        self.0.file
    }

    /// The name to serve the file under.
    pub fn filename(&self) -> &Filename {
        &self.0.filename
    }

    /// The first second in which the link is no longer valid, in seconds since 1970.
    pub fn expires_at(&self) -> i64 {
        self.0.expires_at
    }

    /// All of it.
    pub fn into_fields(self) -> LinkFields {
        self.0
    }
}

/// The bytes that a link's signature covers.
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
pub fn sign_link(ring: &KeyRing, fields: &LinkFields) -> LinkQuery {
    LinkQuery {
        tenant: fields.tenant,
        action: fields.action,
        expires_at: fields.expires_at,
        key_id: ring.signing_key().id().clone(),
        signature: signature(ring, &canonical_link(fields)),
    }
}

/// Verifies a link: `file` and `filename` come from its path (percent-decoded), `query` from its
/// query (decoded pairs, in any order).
///
/// The signature is checked, in constant time, before the time is looked at: only a genuine link is
/// ever called expired. `max_lifetime` bounds the time that is left; where the clock of the machine
/// that signs may run ahead of this one's, it has to allow for that.
///
/// # Errors
///
/// [`LinkError::Expired`] for a genuine link from the second it expires on; [`LinkError::Invalid`] for
/// anything else, without telling what.
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
    check_time(fields.expires_at, now, max_lifetime)?;
    Ok(VerifiedLink(fields))
}

/// Signs the canonical form of a link of any kind with the first key of the ring.
pub(crate) fn signature(ring: &KeyRing, canonical: &[u8]) -> [u8; MAC_BYTES] {
    let key = ring.signing_key().derived(Purpose::Links);
    mac::compute(key.expose(), canonical)
}

/// Checks, in constant time, that a key of the ring signed the canonical form.
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

/// Checks that a genuine link's time, in seconds since 1970, is neither over nor too far away.
pub(crate) fn check_time(
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

/// A name that is already as [`Filename::parse`] would make it: a path or another normal form is not
/// what was signed.
fn exact_filename(text: &str) -> Result<Filename, LinkError> {
    Filename::parse(text)
        .ok()
        .filter(|filename| filename.as_str() == text)
        .ok_or(LinkError::Invalid)
}
