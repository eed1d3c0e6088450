//! Blobs: promises with a lease on the database's clock, and the reaper's calls.

use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::{
    BlobIntent, BlobRepository, LeaseToken, ReapStage, ReapTask, RepositoryError,
};
use attache_model::{BlobId, Context, TenantId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::failure::Failure;
use super::open::PostgresRepository;
use super::reap;
use super::transaction::write;

#[async_trait]
impl BlobRepository for PostgresRepository {
    async fn begin_blob(&self, cx: &Context, intent: &BlobIntent) -> Result<(), RepositoryError> {
        write(
            self.pool(),
            "begin_blob",
            &(cx.tenant(), intent),
            |connection, (tenant, intent)| {
                Box::pin(async move { Ok(begin(connection, *tenant, intent).await?) })
            },
        )
        .await
    }

    async fn renew_lease(
        &self,
        cx: &Context,
        blob: BlobId,
        lease: LeaseToken,
        lease_for: Duration,
    ) -> Result<bool, RepositoryError> {
        write(
            self.pool(),
            "renew_lease",
            &(cx.tenant(), blob, lease, lease_for),
            |connection, (tenant, blob, lease, lease_for)| {
                let query = sqlx::query(
                    "UPDATE blobs SET lease_until = database_clock() + $4 \
                    WHERE tenant_id = $1 AND id = $2 AND state = 'staging' AND lease_token = $3 \
                    AND lease_until > database_clock()",
                );
                let query = query
                    .bind(tenant.get())
                    .bind(blob.as_uuid())
                    .bind(lease.as_uuid())
                    .bind(millis(*lease_for));
                Box::pin(async move { Ok(query.execute(connection).await?.rows_affected() == 1) })
            },
        )
        .await
    }

    async fn abandon_blob(
        &self,
        cx: &Context,
        blob: BlobId,
        lease: LeaseToken,
    ) -> Result<(), RepositoryError> {
        write(
            self.pool(),
            "abandon_blob",
            &(cx.tenant(), blob, lease),
            |connection, (tenant, blob, lease)| {
                Box::pin(async move { Ok(give_up(connection, *tenant, *blob, *lease).await?) })
            },
        )
        .await
    }

    async fn take_reapable(
        &self,
        limit: u32,
        retry_after: Duration,
    ) -> Result<Vec<ReapTask>, RepositoryError> {
        // The reaper asks often and finds nothing mostly: that is to be one question.
        if !self.has_reapable().await? {
            return Ok(Vec::new());
        }
        write(
            self.pool(),
            "take_reapable",
            &(i64::from(limit), millis(retry_after)),
            |connection, (limit, retry_after)| {
                Box::pin(async move { Ok(reap::take(connection, *limit, *retry_after).await?) })
            },
        )
        .await
    }

    async fn finish_reap(
        &self,
        blob: BlobId,
        stage: ReapStage,
        purge_after: Duration,
    ) -> Result<(), RepositoryError> {
        write(
            self.pool(),
            "finish_reap",
            &(blob, stage, millis(purge_after)),
            |connection, (blob, stage, purge_after)| {
                let query = match stage {
                    ReapStage::Delete => sqlx::query(
                        "UPDATE blobs SET state = 'gone', reap_at = database_clock() + $2 \
                        WHERE id = $1 AND state = 'deleting'",
                    )
                    .bind(blob.as_uuid())
                    .bind(*purge_after),
                    ReapStage::Purge => {
                        sqlx::query("DELETE FROM blobs WHERE id = $1 AND state = 'gone'")
                            .bind(blob.as_uuid())
                    }
                };
                Box::pin(async move {
                    query.execute(connection).await?;
                    Ok(())
                })
            },
        )
        .await
    }

    async fn knows_storage_key(&self, storage_key: &str) -> Result<bool, RepositoryError> {
        const OPERATION: &str = "knows_storage_key";
        if storage_key.contains('\0') {
            return Ok(false);
        }
        let mut reader = self.reader(OPERATION).await?;
        let query = sqlx::query("SELECT 1 FROM blobs WHERE storage_key = $1");
        let query = query.bind(storage_key.to_owned());
        match query.fetch_optional(&mut *reader).await {
            Ok(row) => Ok(row.is_some()),
            Err(error) => Err(Failure::from(error).in_operation(OPERATION)),
        }
    }
}

impl PostgresRepository {
    /// Whether there may be something for the reaper to take or to decide.
    async fn has_reapable(&self) -> Result<bool, RepositoryError> {
        const OPERATION: &str = "take_reapable";
        let sql = "SELECT EXISTS (SELECT 1 FROM blobs WHERE lease_until <= database_now()) \
            OR EXISTS (SELECT 1 FROM blobs WHERE state = 'condemned') \
            OR EXISTS (SELECT 1 FROM blobs WHERE reap_at <= database_now())";
        let mut reader = self.reader(OPERATION).await?;
        let asked = sqlx::query_scalar(sql).fetch_one(&mut *reader).await;
        asked.map_err(|error| Failure::from(error).in_operation(OPERATION))
    }
}

/// A duration as the database adds it to a moment: so short that the sum is still a moment.
pub(super) fn millis(duration: Duration) -> i64 {
    const MOST: i64 = 1 << 52;
    i64::try_from(duration.as_millis()).map_or(MOST, |millis| millis.min(MOST))
}

pub(super) async fn begin(
    connection: &mut PgConnection,
    tenant: TenantId,
    intent: &BlobIntent,
) -> Result<(), Failure> {
    let sql = "INSERT INTO blobs \
        (id, tenant_id, storage_key, state, lease_token, lease_until, created_at) \
        VALUES ($1, $2, $3, 'staging', $4, database_clock() + $5, database_clock())";
    sqlx::query(sql)
        .bind(intent.id.as_uuid())
        .bind(tenant.get())
        .bind(intent.storage_key.clone())
        .bind(intent.lease.as_uuid())
        .bind(millis(intent.lease_for))
        .execute(connection)
        .await?;
    Ok(())
}

/// Sends a promised blob to the reaper; does nothing where the promise is lost already.
pub(super) async fn give_up(
    connection: &mut PgConnection,
    tenant: TenantId,
    blob: BlobId,
    lease: LeaseToken,
) -> Result<(), Failure> {
    let sql = "UPDATE blobs SET state = 'deleting', lease_token = NULL, lease_until = NULL, \
        reap_at = database_now() \
        WHERE tenant_id = $1 AND id = $2 AND state = 'staging' AND lease_token = $3";
    sqlx::query(sql)
        .bind(tenant.get())
        .bind(blob.as_uuid())
        .bind(lease.as_uuid())
        .execute(connection)
        .await?;
    Ok(())
}

/// Locks blobs in the order of their ids, in whatever state they are.
pub(super) async fn lock(
    connection: &mut PgConnection,
    tenant: TenantId,
    ids: Vec<Uuid>,
) -> Result<(), sqlx::Error> {
    let sql = "SELECT id FROM blobs WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE";
    let query = sqlx::query(sql).bind(tenant.get()).bind(ids);
    query.execute(connection).await?;
    Ok(())
}
