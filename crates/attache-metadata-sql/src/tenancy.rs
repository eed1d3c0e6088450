//! Tenants, principals and API keys.

use async_trait::async_trait;
use attache_metadata::{ApiKeyRecord, NewApiKey, RepositoryError, TenancyRepository};
use attache_model::{PrincipalSeq, PrincipalSubject, Tenant, TenantId, TenantSlug, Timestamp};

use crate::call::{Call, Lane};
use crate::columns::{Columns, KEY_COLUMNS, KEY_TABLES, TENANT_COLUMNS};
use crate::failure::Failure;
use crate::repository::{Backend, SqlRepository};
use crate::rows;
use crate::session::{Session, Statement};

#[async_trait]
impl<B: Backend> TenancyRepository for SqlRepository<B> {
    async fn create_tenant(
        &self,
        slug: &TenantSlug,
        now: Timestamp,
    ) -> Result<Option<Tenant>, RepositoryError> {
        let input = (slug.clone(), now);
        self.backend
            .write(
                Call::of_service("create_tenant"),
                input,
                |session, (slug, now)| Box::pin(create_tenant(session, slug, *now)),
            )
            .await
    }

    async fn find_tenant(&self, id: TenantId) -> Result<Option<Tenant>, RepositoryError> {
        self.backend
            .read(Call::of_service("find_tenant"), id, |session, id| {
                Box::pin(find_tenant(session, *id))
            })
            .await
    }

    async fn find_tenant_by_slug(
        &self,
        slug: &TenantSlug,
    ) -> Result<Option<Tenant>, RepositoryError> {
        self.backend
            .read(
                Call::of_service("find_tenant_by_slug"),
                slug.clone(),
                |session, slug| {
                    let sql = format!("SELECT {TENANT_COLUMNS} FROM tenants WHERE slug = $1");
                    let statement = Statement::new(sql).bind(slug.as_str());
                    Box::pin(session.optional(statement, rows::tenant))
                },
            )
            .await
    }

    async fn list_tenants(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<Tenant>, RepositoryError> {
        self.backend
            .read(
                Call::of_service("list_tenants").into_list(),
                (after, limit),
                |session, (after, limit)| {
                    let sql = format!(
                        "SELECT {TENANT_COLUMNS} FROM tenants WHERE id > $1 ORDER BY id LIMIT $2"
                    );
                    let statement = Statement::new(sql)
                        .bind(after.map_or(0, TenantId::get))
                        .bind(i64::from(*limit));
                    Box::pin(session.rows(statement, rows::tenant))
                },
            )
            .await
    }

    async fn has_tenants(&self) -> Result<bool, RepositoryError> {
        self.backend
            .read(Call::of_service("has_tenants"), (), |session, ()| {
                Box::pin(session.exists(Statement::new("SELECT 1 FROM tenants LIMIT 1")))
            })
            .await
    }

    async fn create_api_key(
        &self,
        key: &NewApiKey,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, RepositoryError> {
        let input = (key.clone(), now);
        self.backend
            .write(
                Call::of_service("create_api_key"),
                input,
                |session, (key, now)| Box::pin(create_api_key(session, key, *now)),
            )
            .await
    }

    async fn register_principal(
        &self,
        tenant: TenantId,
        subject: &PrincipalSubject,
        now: Timestamp,
    ) -> Result<Option<PrincipalSeq>, RepositoryError> {
        let call = Call::in_lane(Lane::Tenant(tenant), "register_principal");
        // Nearly always it exists already, and a read neither locks nor waits.
        let input = (tenant, subject.clone());
        let found = self
            .backend
            .read(call.clone(), input, |session, (tenant, subject)| {
                Box::pin(find_principal(session, *tenant, subject))
            });
        if let Some(found) = found.await? {
            return Ok(Some(found));
        }
        let input = (tenant, subject.clone(), now);
        self.backend
            .write(call, input, |session, (tenant, subject, now)| {
                Box::pin(register_principal(session, *tenant, subject, *now))
            })
            .await
    }

    async fn find_api_key(&self, key_id: &str) -> Result<Option<ApiKeyRecord>, RepositoryError> {
        self.backend
            .read(
                Call::in_lane(Lane::Key(key_id.to_owned()), "find_api_key"),
                key_id.to_owned(),
                |session, key_id| Box::pin(find_api_key(session, key_id)),
            )
            .await
    }

    async fn list_api_keys(
        &self,
        tenant: Option<TenantId>,
        after: Option<PrincipalSeq>,
        limit: u32,
    ) -> Result<Vec<ApiKeyRecord>, RepositoryError> {
        let input = (tenant, after, limit);
        self.backend
            .read(
                Call::of_service("list_api_keys").into_list(),
                input,
                |session, (tenant, after, limit)| {
                    Box::pin(list_api_keys(session, *tenant, *after, *limit))
                },
            )
            .await
    }

    async fn revoke_api_key(
        &self,
        key_id: &str,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, RepositoryError> {
        let input = (key_id.to_owned(), now);
        self.backend
            .write(
                Call::of_service("revoke_api_key"),
                input,
                |session, (key_id, now)| Box::pin(revoke_api_key(session, key_id, *now)),
            )
            .await
    }
}

async fn create_tenant<S: Session>(
    session: &mut S,
    slug: &TenantSlug,
    now: Timestamp,
) -> Result<Option<Tenant>, Failure> {
    let sql = format!(
        "INSERT INTO tenants (slug, created_at) VALUES ($1, $2) \
        ON CONFLICT (slug) DO NOTHING RETURNING {TENANT_COLUMNS}"
    );
    let insert = Statement::new(sql)
        .bind(slug.as_str())
        .bind(now.as_millis());
    session.optional(insert, rows::tenant).await
}

async fn find_tenant<S: Session>(session: &mut S, id: TenantId) -> Result<Option<Tenant>, Failure> {
    let sql = format!("SELECT {TENANT_COLUMNS} FROM tenants WHERE id = $1");
    let statement = Statement::new(sql).bind(id.get());
    session.optional(statement, rows::tenant).await
}

async fn create_api_key<S: Session>(
    session: &mut S,
    key: &NewApiKey,
    now: Timestamp,
) -> Result<Option<ApiKeyRecord>, Failure> {
    if find_tenant(session, key.tenant).await?.is_none() {
        return Ok(None);
    }
    let sql = "INSERT INTO principals (tenant_id, kind, subject, name, scopes, created_at) \
        VALUES ($1, 'api-key', 'key:' || $2, $3, $4, $5) RETURNING seq";
    let principal = Statement::new(sql)
        .bind(key.tenant.get())
        .bind(key.key_id.as_str())
        .bind(key.name.as_deref())
        .bind(key.scopes.to_string())
        .bind(now.as_millis());
    let principal_seq = session.one(principal, |row| row.integer(0)).await?;
    let sql = "INSERT INTO api_keys (key_id, principal_seq, secret_hash, expires_at) \
        VALUES ($1, $2, $3, $4)";
    let insert = Statement::new(sql)
        .bind(key.key_id.as_str())
        .bind(principal_seq)
        .bind(key.secret_hash.as_slice())
        .bind(key.expires_at.map(Timestamp::as_millis));
    session.execute(insert).await?;
    find_api_key(session, &key.key_id).await
}

async fn find_principal<S: Session>(
    session: &mut S,
    tenant: TenantId,
    subject: &PrincipalSubject,
) -> Result<Option<PrincipalSeq>, Failure> {
    let sql = "SELECT seq FROM principals WHERE tenant_id = $1 AND subject = 'external:' || $2";
    let statement = Statement::new(sql)
        .bind(tenant.get())
        .bind(subject.as_str());
    let read = |row: &dyn Columns| Ok(PrincipalSeq::new(row.integer(0)?));
    session.optional(statement, read).await
}

/// Registers a principal of an external issuer. Its token says what it may do, so its row has no
/// scopes.
async fn register_principal<S: Session>(
    session: &mut S,
    tenant: TenantId,
    subject: &PrincipalSubject,
    now: Timestamp,
) -> Result<Option<PrincipalSeq>, Failure> {
    if find_tenant(session, tenant).await?.is_none() {
        return Ok(None);
    }
    let sql = "INSERT INTO principals (tenant_id, kind, subject, scopes, created_at) \
        VALUES ($1, 'external', 'external:' || $2, '', $3) \
        ON CONFLICT (tenant_id, subject) DO NOTHING";
    let insert = Statement::new(sql)
        .bind(tenant.get())
        .bind(subject.as_str())
        .bind(now.as_millis());
    session.execute(insert).await?;
    find_principal(session, tenant, subject).await
}

async fn find_api_key<S: Session>(
    session: &mut S,
    key_id: &str,
) -> Result<Option<ApiKeyRecord>, Failure> {
    let sql = format!("SELECT {KEY_COLUMNS} FROM {KEY_TABLES} WHERE api_keys.key_id = $1");
    let statement = Statement::new(sql).bind(key_id);
    session.optional(statement, rows::key).await
}

async fn list_api_keys<S: Session>(
    session: &mut S,
    tenant: Option<TenantId>,
    after: Option<PrincipalSeq>,
    limit: u32,
) -> Result<Vec<ApiKeyRecord>, Failure> {
    let condition = tenant.map_or("", |_| "AND principals.tenant_id = $3");
    let sql = format!(
        "SELECT {KEY_COLUMNS} FROM {KEY_TABLES} \
        WHERE principals.seq > $1 {condition} ORDER BY principals.seq LIMIT $2"
    );
    let mut statement = Statement::new(sql)
        .bind(after.map_or(0, PrincipalSeq::get))
        .bind(i64::from(limit));
    if let Some(tenant) = tenant {
        statement = statement.bind(tenant.get());
    }
    session.rows(statement, rows::key).await
}

async fn revoke_api_key<S: Session>(
    session: &mut S,
    key_id: &str,
    now: Timestamp,
) -> Result<Option<ApiKeyRecord>, Failure> {
    let Some(key) = find_api_key(session, key_id).await? else {
        return Ok(None);
    };
    let sql = "UPDATE api_keys SET revoked_at = $2 WHERE key_id = $1 AND revoked_at IS NULL";
    let update = Statement::new(sql).bind(key_id).bind(now.as_millis());
    if session.execute(update).await? == 0 && key.revoked_at.is_some() {
        return Ok(Some(key));
    }
    find_api_key(session, key_id).await
}
