//! The query of a signed upload link: four parameters with the names that read links use.

use std::fmt;

use attache_model::TenantId;

use crate::error::LinkError;
use crate::key_ring::KeyId;
use crate::mac::MAC_BYTES;
use crate::parameters;

const NAMES: [&str; 4] = ["Tenant", "Expires", "KeyId", "Signature"];

/// The query of an upload link. Parsing one verifies nothing: [`crate::verify_upload_link`] does.
///
/// The signature grants the link's permission, so `Debug` omits it.
#[derive(Clone)]
pub struct UploadLinkQuery {
    pub(crate) tenant: TenantId,
    pub(crate) expires_at: i64,
    pub(crate) key_id: KeyId,
    pub(crate) signature: [u8; MAC_BYTES],
}

impl UploadLinkQuery {
    /// Parses decoded query pairs in any order: each of the four parameters exactly once, no others,
    /// and every value in the form that [`UploadLinkQuery::pairs`] returns.
    ///
    /// # Errors
    ///
    /// Returns [`LinkError::Invalid`] for everything else.
    pub fn parse<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, LinkError> {
        let [tenant, expires, key_id, signature] = parameters::each_once(NAMES, pairs)?;
        Ok(Self {
            tenant: TenantId::new(parameters::parse_integer(tenant.as_ref())?),
            expires_at: parameters::parse_integer(expires.as_ref())?,
            key_id: KeyId::parse(key_id.as_ref()).map_err(|_| LinkError::Invalid)?,
            signature: parameters::parse_signature(signature.as_ref())?,
        })
    }

    /// Returns the parameters in order. No value needs percent-encoding.
    pub fn pairs(&self) -> [(&'static str, String); 4] {
        let values = [
            self.tenant.to_string(),
            self.expires_at.to_string(),
            self.key_id.to_string(),
            parameters::format_signature(&self.signature),
        ];
        parameters::named(NAMES, values)
    }

    /// Formats the query that follows the `?` of a URL.
    pub fn to_query_string(&self) -> String {
        parameters::query_string(&self.pairs())
    }
}

impl fmt::Debug for UploadLinkQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadLinkQuery")
            .field("tenant", &self.tenant)
            .field("expires_at", &self.expires_at)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
