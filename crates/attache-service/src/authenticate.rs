//! From a token to the principal it stands for.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use attache_metadata::MetadataRepository;
use attache_model::{Clock, Principal};
use attache_signing::{ApiKey, ApiKeyHash};

use crate::ServiceError;

/// Finds out who stands behind a bearer token.
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// The principal of a token.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unauthenticated`] for a token that does not count, for whatever reason;
    /// others where finding out failed.
    async fn authenticate(&self, token: &str) -> Result<Principal, ServiceError>;
}

/// Takes the API keys of the metadata repository. A key that is made works on the next request, one
/// that is revoked does not: nothing is cached.
#[derive(Debug)]
pub struct ApiKeyAuthenticator {
    repository: Arc<dyn MetadataRepository>,
    clock: Arc<dyn Clock>,
}

impl ApiKeyAuthenticator {
    /// Authenticates against the keys of a repository.
    pub fn new(repository: Arc<dyn MetadataRepository>, clock: Arc<dyn Clock>) -> Self {
        Self { repository, clock }
    }
}

#[async_trait]
impl Authenticator for ApiKeyAuthenticator {
    async fn authenticate(&self, token: &str) -> Result<Principal, ServiceError> {
        let key = ApiKey::parse(token).map_err(|_| ServiceError::Unauthenticated)?;
        let stored = self.repository.find_api_key(key.key_id().as_str()).await?;
        let stored = stored.ok_or(ServiceError::Unauthenticated)?;
        let genuine = ApiKeyHash::from_bytes(stored.secret_hash).matches(&key);
        if genuine && stored.is_live(self.clock.now()) {
            Ok(stored.principal)
        } else {
            Err(ServiceError::Unauthenticated)
        }
    }
}
