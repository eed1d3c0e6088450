//! What the operator does on the host: tenants and keys. Needs no principal, so it is never reachable
//! by a request.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::{ApiKeyRecord, MetadataRepository, NewApiKey};
use attache_model::{
    Clock, Entropy, Principal, PrincipalSeq, PrincipalSubject, Scopes, Tenant, TenantSlug,
};
use attache_signing::ApiKey;

use crate::ServiceError;

/// How many keys [`Administration::list_api_keys`] asks for at a time.
const KEYS_PER_PAGE: u32 = 500;

/// Makes tenants and keys.
#[derive(Debug, Clone)]
pub struct Administration {
    repository: Arc<dyn MetadataRepository>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// A key to make.
#[derive(Debug, Clone)]
pub struct ApiKeyRequest {
    /// For which tenant.
    pub tenant: TenantSlug,
    /// What people call it.
    pub name: Option<String>,
    /// What it may do.
    pub scopes: Scopes,
    /// How long it lives; `None` for ever.
    pub lifetime: Option<Duration>,
}

/// A key that was just made: the only moment its secret can be read.
#[derive(Debug)]
pub struct IssuedApiKey {
    /// The key itself.
    pub key: ApiKey,
    /// Who acts with it.
    pub principal: Principal,
}

impl Administration {
    /// Administers a repository.
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

    /// Makes a tenant; `None` where the slug is taken.
    ///
    /// # Errors
    ///
    /// What the repository fails with.
    pub async fn create_tenant(&self, slug: &TenantSlug) -> Result<Option<Tenant>, ServiceError> {
        Ok(self
            .repository
            .create_tenant(slug, self.clock.now())
            .await?)
    }

    /// Whether there is any tenant yet.
    ///
    /// # Errors
    ///
    /// What the repository fails with.
    pub async fn has_tenants(&self) -> Result<bool, ServiceError> {
        Ok(self.repository.has_tenants().await?)
    }

    /// Whether there is any key yet, live or not.
    ///
    /// # Errors
    ///
    /// What the repository fails with.
    pub async fn has_api_keys(&self) -> Result<bool, ServiceError> {
        Ok(!self
            .repository
            .list_api_keys(None, None, 1)
            .await?
            .is_empty())
    }

    /// Finds a tenant by its slug.
    ///
    /// # Errors
    ///
    /// What the repository fails with.
    pub async fn find_tenant(&self, slug: &TenantSlug) -> Result<Option<Tenant>, ServiceError> {
        Ok(self.repository.find_tenant_by_slug(slug).await?)
    }

    /// Makes a key; `None` where there is no such tenant.
    ///
    /// # Errors
    ///
    /// What the repository fails with.
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

    /// The principal that another [`Authenticator`](crate::Authenticator) vouches for, registered where
    /// it is new; `None` where there is no such tenant. What it may do is what is given here: nothing
    /// of it is kept.
    ///
    /// # Errors
    ///
    /// What the repository fails with.
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

    /// Lists the keys of one tenant, or of all; `None` where there is no such tenant.
    ///
    /// # Errors
    ///
    /// What the repository fails with.
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
                .list_api_keys(tenant, after, KEYS_PER_PAGE)
                .await?;
            if page.is_empty() {
                return Ok(Some(keys));
            }
            keys.extend(page);
        }
    }

    /// Revokes a key for good; `None` where there is no such key.
    ///
    /// # Errors
    ///
    /// What the repository fails with.
    pub async fn revoke_api_key(&self, key_id: &str) -> Result<Option<ApiKeyRecord>, ServiceError> {
        Ok(self
            .repository
            .revoke_api_key(key_id, self.clock.now())
            .await?)
    }
}
