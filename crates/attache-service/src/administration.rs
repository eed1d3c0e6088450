//! The operator's view of tenants, keys and principals. It requires no principal, so no request may
//! reach it.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::{ApiKeyRecord, MetadataRepository, NewApiKey};
use attache_model::{
    Clock, Entropy, Principal, PrincipalSeq, PrincipalSubject, Scopes, Tenant, TenantSlug,
};
use attache_signing::ApiKey;

use crate::ServiceError;

/// The page size of lists.
const PER_PAGE: u32 = 500;

/// Creates and lists tenants, API keys and principals, without authorisation.
///
/// ```
/// use attache_model::{Scopes, TenantSlug};
/// use attache_service::{Administration, ApiKeyRequest};
///
/// async fn first_key(
///     administration: &Administration,
/// ) -> Result<(), Box<dyn std::error::Error>> {
///     let tenant = TenantSlug::parse("school-7")?;
///     administration.create_tenant(&tenant).await?;
///     let request = ApiKeyRequest { tenant, name: None, scopes: Scopes::all(), lifetime: None };
///     if let Some(issued) = administration.create_api_key(request).await? {
///         println!("{}", issued.key.reveal().as_str());
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Administration {
    repository: Arc<dyn MetadataRepository>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// The description of an API key to create.
#[derive(Debug, Clone)]
pub struct ApiKeyRequest {
    /// The tenant in which the key acts.
    pub tenant: TenantSlug,
    /// A label for people, or `None`.
    pub name: Option<String>,
    /// The scopes that it grants.
    pub scopes: Scopes,
    /// The time until it expires; `None` for never.
    pub lifetime: Option<Duration>,
}

/// A key that was just created. Its secret can be read from here only.
#[derive(Debug)]
pub struct IssuedApiKey {
    /// The key itself.
    pub key: ApiKey,
    /// The principal that the key authenticates.
    pub principal: Principal,
}

impl Administration {
    /// Creates the administration of a repository.
    pub fn new(
        repository: Arc<dyn MetadataRepository>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            repository,
            clock,
            entropy,
        }
    }

    /// Creates a tenant. Returns `None` if the slug is taken.
    ///
    /// # Errors
    ///
    /// Returns the error of the repository.
    pub async fn create_tenant(&self, slug: &TenantSlug) -> Result<Option<Tenant>, ServiceError> {
        Ok(self
            .repository
            .create_tenant(slug, self.clock.now())
            .await?)
    }

    /// Lists all tenants, in the order of their creation.
    ///
    /// # Errors
    ///
    /// Returns the error of the repository.
    pub async fn list_tenants(&self) -> Result<Vec<Tenant>, ServiceError> {
        let mut tenants: Vec<Tenant> = Vec::new();
        loop {
            let after = tenants.last().map(|tenant| tenant.id);
            let page = self.repository.list_tenants(after, PER_PAGE).await?;
            if page.is_empty() {
                return Ok(tenants);
            }
            tenants.extend(page);
        }
    }

    /// Returns `true` if there is any tenant.
    ///
    /// # Errors
    ///
    /// Returns the error of the repository.
    pub async fn has_tenants(&self) -> Result<bool, ServiceError> {
        Ok(self.repository.has_tenants().await?)
    }

    /// Returns `true` if there is any API key, live or not.
    ///
    /// # Errors
    ///
    /// Returns the error of the repository.
    pub async fn has_api_keys(&self) -> Result<bool, ServiceError> {
        Ok(!self
            .repository
            .list_api_keys(None, None, 1)
            .await?
            .is_empty())
    }

    /// Finds a tenant by its slug; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns the error of the repository.
    pub async fn find_tenant(&self, slug: &TenantSlug) -> Result<Option<Tenant>, ServiceError> {
        Ok(self.repository.find_tenant_by_slug(slug).await?)
    }

    /// Creates an API key. Returns `None` if there is no such tenant.
    ///
    /// # Errors
    ///
    /// Returns the error of the repository.
    pub async fn create_api_key(
        &self,
        request: ApiKeyRequest,
    ) -> Result<Option<IssuedApiKey>, ServiceError> {
        let Some(tenant) = self.repository.find_tenant_by_slug(&request.tenant).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        let key = ApiKey::generate(self.entropy.as_ref());
        let new = NewApiKey {
            tenant: tenant.id,
            key_id: key.key_id().as_str().to_owned(),
            secret_hash: *key.hash().as_bytes(),
            name: request.name,
            scopes: request.scopes,
            expires_at: request.lifetime.map(|lifetime| now.plus(lifetime)),
        };
        let stored = self.repository.create_api_key(&new, now).await?;
        Ok(stored.map(|stored| IssuedApiKey {
            key,
            principal: stored.principal,
        }))
    }

    /// Returns the principal of a subject that another [`Authenticator`](crate::Authenticator) vouches
    /// for, and registers it if it is new; `None` if there is no such tenant.
    ///
    /// The scopes are those given here: they are not stored.
    ///
    /// # Errors
    ///
    /// Returns the error of the repository.
    pub async fn register_principal(
        &self,
        tenant: &TenantSlug,
        subject: &PrincipalSubject,
        scopes: Scopes,
    ) -> Result<Option<Principal>, ServiceError> {
        let Some(tenant) = self.repository.find_tenant_by_slug(tenant).await? else {
            return Ok(None);
        };
        let registered = self
            .repository
            .register_principal(tenant.id, subject, self.clock.now())
            .await?;
        Ok(registered.map(|seq| Principal {
            seq,
            tenant,
            scopes,
        }))
    }

    /// Lists all keys of one tenant, or of all tenants (`None`), in the order of their creation.
    /// Returns `None` if there is no such tenant.
    ///
    /// # Errors
    ///
    /// Returns the error of the repository.
    pub async fn list_api_keys(
        &self,
        tenant: Option<&TenantSlug>,
    ) -> Result<Option<Vec<ApiKeyRecord>>, ServiceError> {
        let tenant = match tenant {
            None => None,
            Some(slug) => match self.repository.find_tenant_by_slug(slug).await? {
                None => return Ok(None),
                Some(tenant) => Some(tenant.id),
            },
        };
        let mut keys: Vec<ApiKeyRecord> = Vec::new();
        loop {
            let after: Option<PrincipalSeq> = keys.last().map(|key| key.principal.seq);
            let page = self
                .repository
                .list_api_keys(tenant, after, PER_PAGE)
                .await?;
            if page.is_empty() {
                return Ok(Some(keys));
            }
            keys.extend(page);
        }
    }

    /// Revokes a key permanently, from the next request on. Returns `None` if there is no such key.
    ///
    /// # Errors
    ///
    /// Returns the error of the repository.
    pub async fn revoke_api_key(&self, key_id: &str) -> Result<Option<ApiKeyRecord>, ServiceError> {
        Ok(self
            .repository
            .revoke_api_key(key_id, self.clock.now())
            .await?)
    }
}
