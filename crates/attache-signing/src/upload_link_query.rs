//! The query of a signed upload link: four parameters, named as those of other links.

use std::fmt;

use attache_model::TenantId;

use crate::mac::MAC_BYTES;
use crate::{KeyId, LinkError, parameters};

const NAMES: [&str; 4] = ["Tenant", "Expires", "KeyId", "Signature"];

/// What an upload link carries in its query. Reading one proves nothing: that is
/// [`crate::verify_upload_link`].
///
/// Whoever has the signature has the link's permission, so `Debug` leaves it out.
#[derive(Clone)]
pub struct UploadLinkQuery {
    pub(crate) tenant: TenantId,
    pub(crate) expires_at: i64,
    pub(crate) key_id: KeyId,
    pub(crate) signature: [u8; MAC_BYTES],
}

impl UploadLinkQuery {
    /// Reads decoded query pairs, in any order: each of the four parameters exactly once, no other,
    /// and every value in the one form that [`UploadLinkQuery::pairs`] writes.
    ///
    /// # Errors
    ///
    /// [`LinkError::Invalid`] for everything else.
    pub fn parse<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, LinkError> {
        let [tenant, expires, key_id, signature] = parameters::each_once(NAMES, pairs)?;
        Ok(Self {
            tenant: TenantId::new(parameters::integer(tenant.as_ref())?),
            expires_at: parameters::integer(expires.as_ref())?,
            key_id: KeyId::parse(key_id.as_ref()).map_err(|_| LinkError::Invalid)?,
            signature: parameters::signature(signature.as_ref())?,
        })
    }

    /// The parameters in the order they are written. No value needs percent-encoding.
    pub fn pairs(&self) -> [(&'static str, String); 4] {
        let values = [
            self.tenant.to_string(),
            self.expires_at.to_string(),
            self.key_id.to_string(),
            parameters::write_signature(&self.signature),
        ];
        parameters::named(NAMES, values)
    }

    /// The query as it follows the `?` of a URL.
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
