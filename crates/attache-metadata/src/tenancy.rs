//! API keys as they are stored: never the secret, only its keyed hash.

use std::fmt;

use attache_model::{Principal, Scopes, TenantId, Timestamp};

/// A key to store.
#[derive(Clone)]
pub struct NewApiKey {
    /// Whose key it is.
    pub tenant: TenantId,
    /// The public part of the key.
    pub key_id: String,
    /// The keyed hash of the secret part.
    pub secret_hash: [u8; 32],
    /// What people call it; `None` for nothing.
    pub name: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
}

/// A stored key with the principal it stands for.
#[derive(Clone)]
pub struct ApiKeyRecord {
    /// The public part of the key.
    pub key_id: String,
    /// The keyed hash of the secret part.
    pub secret_hash: [u8; 32],
    /// What people call it; `None` for nothing.
    pub name: Option<String>,
    /// Who acts with it.
    pub principal: Principal,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked; `None` while it was not.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKeyRecord {
    /// Whether the key counts at `now`: neither revoked nor past its end.
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
