//! API keys as they are stored: never the secret, only its keyed hash.

use std::fmt;

use attache_model::{Principal, Scopes, TenantId, Timestamp};

/// An API key to store.
#[derive(Clone)]
pub struct NewApiKey {
    /// The tenant in which the key acts.
    pub tenant: TenantId,
    /// The public part of the key.
    pub key_id: String,
    /// The keyed hash of the secret part.
    pub secret_hash: [u8; 32],
    /// A label for people, or `None`.
    pub name: Option<String>,
    /// The scopes that it grants.
    pub scopes: Scopes,
    /// The time at which it expires; `None` for never.
    pub expires_at: Option<Timestamp>,
}

/// A stored API key and its principal.
#[derive(Clone)]
pub struct ApiKeyRecord {
    /// The public part of the key.
    pub key_id: String,
    /// The keyed hash of the secret part.
    pub secret_hash: [u8; 32],
    /// A label for people, or `None`.
    pub name: Option<String>,
    /// The principal that acts with it.
    pub principal: Principal,
    /// The time of its creation.
    pub created_at: Timestamp,
    /// The time at which it expires; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// The time at which it was revoked; `None` if it is not.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKeyRecord {
    /// Returns `true` if the key is neither revoked nor expired at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl fmt::Debug for NewApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewApiKey")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ApiKeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyRecord")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}
