//! Authentication: from a bearer token to its principal.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use attache_metadata::MetadataRepository;
use attache_model::{Clock, Principal};
use attache_signing::{ApiKey, ApiKeyHash};

use crate::ServiceError;

/// Authenticates bearer tokens. [`ApiKeyAuthenticator`] is the default.
///
/// Another kind of token needs a principal in the repository: see
/// [`Administration::register_principal`](crate::Administration::register_principal).
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// Returns the principal of a token.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unauthenticated`] for every token that is not valid; other errors if the check
    /// itself failed.
    async fn authenticate(&self, token: &str) -> Result<Principal, ServiceError>;
}

/// Authenticates the API keys of the metadata repository. Nothing is cached: creating, revoking and
/// expiry take effect with the next request.
#[derive(Debug)]
pub struct ApiKeyAuthenticator {
    repository: Arc<dyn MetadataRepository>,
    clock: Arc<dyn Clock>,
}

impl ApiKeyAuthenticator {
    /// Creates an authenticator over the keys of a repository.
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

/// Several authenticators in order: a token that one does not know is passed to the next.
#[derive(Debug)]
pub(crate) struct AnyOf(pub(crate) Vec<Arc<dyn Authenticator>>);

#[async_trait]
impl Authenticator for AnyOf {
    async fn authenticate(&self, token: &str) -> Result<Principal, ServiceError> {
        for authenticator in &self.0 {
            match authenticator.authenticate(token).await {
                Err(ServiceError::Unauthenticated) => {}
                result => return result,
            }
        }
        Err(ServiceError::Unauthenticated)
    }
}
