//! Tenants, principals and API keys.

use async_trait::async_trait;
use attache_metadata::{ApiKeyRecord, NewApiKey, RepositoryError, TenancyRepository};
use attache_model::{PrincipalSeq, PrincipalSubject, Tenant, TenantId, TenantSlug, Timestamp};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use super::decode::{self, KEY_COLUMNS};
use super::failure::Failure;
use super::open::SqliteRepository;
use crate::columns::KEY_TABLES;

#[async_trait]
impl TenancyRepository for SqliteRepository {
    async fn create_tenant(
        &self,
        slug: &TenantSlug,
        now: Timestamp,
    ) -> Result<Option<Tenant>, RepositoryError> {
        let slug = slug.clone();
        self.writer()
            .write("create_tenant", move |connection| {
                Box::pin(async move { Ok(create_tenant(connection, &slug, now).await?) })
            })
            .await
    }

    async fn find_tenant(&self, id: TenantId) -> Result<Option<Tenant>, RepositoryError> {
        const OPERATION: &str = "find_tenant";
        let mut reader = self.reader(OPERATION).await?;
        let found = find_tenant(&mut reader, id).await;
        found.map_err(|failure| failure.in_operation(OPERATION))
    }

    async fn find_tenant_by_slug(
        &self,
        slug: &TenantSlug,
    ) -> Result<Option<Tenant>, RepositoryError> {
        const OPERATION: &str = "find_tenant_by_slug";
        let mut reader = self.reader(OPERATION).await?;
        let found = find_tenant_by_slug(&mut reader, slug).await;
        found.map_err(|failure| failure.in_operation(OPERATION))
    }

    async fn has_tenants(&self) -> Result<bool, RepositoryError> {
        const OPERATION: &str = "has_tenants";
        let mut reader = self.reader(OPERATION).await?;
        let query = sqlx::query("SELECT 1 FROM tenants LIMIT 1");
        match query.fetch_optional(&mut *reader).await {
            Ok(row) => Ok(row.is_some()),
            Err(error) => Err(Failure::from(error).in_operation(OPERATION)),
        }
    }

    async fn create_api_key(
        &self,
        key: &NewApiKey,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, RepositoryError> {
        let key = key.clone();
        self.writer()
            .write("create_api_key", move |connection| {
                Box::pin(async move { Ok(create_api_key(connection, &key, now).await?) })
            })
            .await
    }

    async fn register_principal(
        &self,
        tenant: TenantId,
        subject: &PrincipalSubject,
        now: Timestamp,
    ) -> Result<Option<PrincipalSeq>, RepositoryError> {
        const OPERATION: &str = "register_principal";
        // Nearly always it is there already, and a reader need not wait for the writer.
        let mut reader = self.reader(OPERATION).await?;
        let found = find_principal(&mut reader, tenant, subject).await;
        drop(reader);
        if let Some(found) = found.map_err(|failure| failure.in_operation(OPERATION))? {
            return Ok(Some(found));
        }
        let subject = subject.clone();
        self.writer()
            .write(OPERATION, move |connection| {
                Box::pin(
                    async move { Ok(register_principal(connection, tenant, &subject, now).await?) },
                )
            })
            .await
    }

    async fn find_api_key(&self, key_id: &str) -> Result<Option<ApiKeyRecord>, RepositoryError> {
        const OPERATION: &str = "find_api_key";
        let mut reader = self.reader(OPERATION).await?;
        let found = find_api_key(&mut reader, key_id).await;
        found.map_err(|failure| failure.in_operation(OPERATION))
    }

    async fn list_api_keys(
        &self,
        tenant: Option<TenantId>,
        after: Option<PrincipalSeq>,
        limit: u32,
    ) -> Result<Vec<ApiKeyRecord>, RepositoryError> {
        const OPERATION: &str = "list_api_keys";
        let mut reader = self.reader(OPERATION).await?;
        let listed = list_api_keys(&mut reader, tenant, after, limit).await;
        listed.map_err(|failure| failure.in_operation(OPERATION))
    }

    async fn revoke_api_key(
        &self,
        key_id: &str,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, RepositoryError> {
        let key_id = key_id.to_owned();
        self.writer()
            .write("revoke_api_key", move |connection| {
                Box::pin(async move { Ok(revoke_api_key(connection, &key_id, now).await?) })
            })
            .await
    }
}

async fn create_tenant(
    connection: &mut SqliteConnection,
    slug: &TenantSlug,
    now: Timestamp,
) -> Result<Option<Tenant>, Failure> {
    let sql = "INSERT INTO tenants (slug, created_at) VALUES (?1, ?2) \
        ON CONFLICT (slug) DO NOTHING RETURNING id, slug, created_at";
    let query = sqlx::query(sql)
        .bind(slug.as_str().to_owned())
        .bind(now.as_millis());
    let row = query.fetch_optional(connection).await?;
    row.map(|row| Ok(decode::tenant(&row, 0)?.into_tenant()?))
        .transpose()
}

async fn find_tenant(
    connection: &mut SqliteConnection,
    id: TenantId,
) -> Result<Option<Tenant>, Failure> {
    let sql = "SELECT id, slug, created_at FROM tenants WHERE id = ?1";
    let query = sqlx::query(sql).bind(id.get());
    let row = query.fetch_optional(connection).await?;
    row.map(|row| Ok(decode::tenant(&row, 0)?.into_tenant()?))
        .transpose()
}

async fn find_tenant_by_slug(
    connection: &mut SqliteConnection,
    slug: &TenantSlug,
) -> Result<Option<Tenant>, Failure> {
    let sql = "SELECT id, slug, created_at FROM tenants WHERE slug = ?1";
    let query = sqlx::query(sql).bind(slug.as_str().to_owned());
    let row = query.fetch_optional(connection).await?;
    row.map(|row| Ok(decode::tenant(&row, 0)?.into_tenant()?))
        .transpose()
}

async fn create_api_key(
    connection: &mut SqliteConnection,
    key: &NewApiKey,
    now: Timestamp,
) -> Result<Option<ApiKeyRecord>, Failure> {
    if find_tenant(connection, key.tenant).await?.is_none() {
        return Ok(None);
    }
    let sql = "INSERT INTO principals (tenant_id, kind, subject, name, scopes, created_at) \
        VALUES (?1, 'api-key', 'key:' || ?2, ?3, ?4, ?5) RETURNING seq";
    let query = sqlx::query(sql)
        .bind(key.tenant.get())
        .bind(key.key_id.clone())
        .bind(key.name.clone())
        .bind(key.scopes.to_string())
        .bind(now.as_millis());
    let row = query.fetch_one(&mut *connection).await?;
    let principal_seq: i64 = row.try_get(0)?;
    let sql = "INSERT INTO api_keys (key_id, principal_seq, secret_hash, expires_at) \
        VALUES (?1, ?2, ?3, ?4)";
    sqlx::query(sql)
        .bind(key.key_id.clone())
        .bind(principal_seq)
        .bind(key.secret_hash.to_vec())
        .bind(key.expires_at.map(Timestamp::as_millis))
        .execute(&mut *connection)
        .await?;
    find_api_key(connection, &key.key_id).await
}

async fn find_principal(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    subject: &PrincipalSubject,
) -> Result<Option<PrincipalSeq>, Failure> {
    let sql = "SELECT seq FROM principals WHERE tenant_id = ?1 AND subject = 'external:' || ?2";
    let query = sqlx::query(sql)
        .bind(tenant.get())
        .bind(subject.as_str().to_owned());
    let row = query.fetch_optional(connection).await?;
    row.map(|row| Ok(PrincipalSeq::new(row.try_get(0)?)))
        .transpose()
}

/// What such a principal may do stands in its token, so its row holds no scopes.
async fn register_principal(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    subject: &PrincipalSubject,
    now: Timestamp,
) -> Result<Option<PrincipalSeq>, Failure> {
    if find_tenant(connection, tenant).await?.is_none() {
        return Ok(None);
    }
    let sql = "INSERT INTO principals (tenant_id, kind, subject, scopes, created_at) \
        VALUES (?1, 'external', 'external:' || ?2, '', ?3) \
        ON CONFLICT (tenant_id, subject) DO NOTHING";
    sqlx::query(sql)
        .bind(tenant.get())
        .bind(subject.as_str().to_owned())
        .bind(now.as_millis())
        .execute(&mut *connection)
        .await?;
    find_principal(connection, tenant, subject).await
}

async fn find_api_key(
    connection: &mut SqliteConnection,
    key_id: &str,
) -> Result<Option<ApiKeyRecord>, Failure> {
    let sql = format!("SELECT {KEY_COLUMNS} FROM {KEY_TABLES} WHERE api_keys.key_id = ?1");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(key_id.to_owned());
    let row = query.fetch_optional(connection).await?;
    row.map(|row| Ok(decode::key(&row)?.into_record()?))
        .transpose()
}

async fn list_api_keys(
    connection: &mut SqliteConnection,
    tenant: Option<TenantId>,
    after: Option<PrincipalSeq>,
    limit: u32,
) -> Result<Vec<ApiKeyRecord>, Failure> {
    let of_tenant = tenant.map_or("", |_| "AND principals.tenant_id = ?3");
    let sql = format!(
        "SELECT {KEY_COLUMNS} FROM {KEY_TABLES} \
        WHERE principals.seq > ?1 {of_tenant} ORDER BY principals.seq LIMIT ?2"
    );
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(after.map_or(0, PrincipalSeq::get))
        .bind(i64::from(limit));
    let query = match tenant {
        Some(tenant) => query.bind(tenant.get()),
        None => query,
    };
    let rows = query.fetch_all(connection).await?;
    rows.iter()
        .map(|row| Ok(decode::key(row)?.into_record()?))
        .collect()
}

async fn revoke_api_key(
    connection: &mut SqliteConnection,
    key_id: &str,
    now: Timestamp,
) -> Result<Option<ApiKeyRecord>, Failure> {
    let sql = "UPDATE api_keys SET revoked_at = ?2 WHERE key_id = ?1 AND revoked_at IS NULL";
    sqlx::query(sql)
        .bind(key_id.to_owned())
        .bind(now.as_millis())
        .execute(&mut *connection)
        .await?;
    find_api_key(connection, key_id).await
}
