//! Blobs: promises with a lease, and the reaper's decisions.

use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::{
    BlobIntent, BlobRepository, LeaseToken, ReapStage, ReapTask, RepositoryError,
};
use attache_model::{BlobId, Context, TenantId, Timestamp};
use sqlx::{Row as _, SqliteConnection};

use super::failure::Failure;
use super::open::SqliteRepository;
use crate::rows::RowError;

#[async_trait]
impl BlobRepository for SqliteRepository {
    async fn begin_blob(&self, cx: &Context, intent: &BlobIntent) -> Result<(), RepositoryError> {
        let tenant = cx.tenant();
        let intent = intent.clone();
        let now = self.now();
        self.writer()
            .write("begin_blob", move |connection| {
                Box::pin(async move { Ok(begin(connection, tenant, intent, now).await?) })
            })
            .await
    }

    async fn renew_lease(
        &self,
        cx: &Context,
        blob: BlobId,
        lease: LeaseToken,
        lease_for: Duration,
    ) -> Result<bool, RepositoryError> {
        let tenant = cx.tenant();
        let now = self.now();
        self.writer()
            .write("renew_lease", move |connection| {
                Box::pin(async move {
                    let query = sqlx::query(
                        "UPDATE blobs SET lease_until = ?4 WHERE tenant_id = ?1 AND id = ?2 \
                        AND state = 'staging' AND lease_token = ?3 AND lease_until > ?5",
                    );
                    let query = query
                        .bind(tenant.get())
                        .bind(blob.as_uuid())
                        .bind(lease.as_uuid())
                        .bind(now.plus(lease_for).as_millis())
                        .bind(now.as_millis());
                    Ok(query.execute(connection).await?.rows_affected() == 1)
                })
            })
            .await
    }

    async fn abandon_blob(
        &self,
        cx: &Context,
        blob: BlobId,
        lease: LeaseToken,
    ) -> Result<(), RepositoryError> {
        let tenant = cx.tenant();
        let now = self.now();
        self.writer()
            .write("abandon_blob", move |connection| {
                Box::pin(async move { Ok(give_up(connection, tenant, blob, lease, now).await?) })
            })
            .await
    }

    async fn take_reapable(
        &self,
        limit: u32,
        retry_after: Duration,
    ) -> Result<Vec<ReapTask>, RepositoryError> {
        let now = self.now();
        // The reaper asks often and finds nothing mostly: that is not to cost a commit.
        if !self.has_reapable(now).await? {
            return Ok(Vec::new());
        }
        self.writer()
            .write("take_reapable", move |connection| {
                Box::pin(async move {
                    decide(connection, limit, now).await?;
                    Ok(hand_out(connection, limit, now, retry_after).await?)
                })
            })
            .await
    }

    async fn finish_reap(
        &self,
        blob: BlobId,
        stage: ReapStage,
        purge_after: Duration,
    ) -> Result<(), RepositoryError> {
        let purge_at = self.now().plus(purge_after);
        self.writer()
            .write("finish_reap", move |connection| {
                Box::pin(async move {
                    let query = match stage {
                        ReapStage::Delete => sqlx::query(
                            "UPDATE blobs SET state = 'gone', reap_at = ?2 \
                            WHERE id = ?1 AND state = 'deleting'",
                        )
                        .bind(blob.as_uuid())
                        .bind(purge_at.as_millis()),
                        ReapStage::Purge => {
                            sqlx::query("DELETE FROM blobs WHERE id = ?1 AND state = 'gone'")
                                .bind(blob.as_uuid())
                        }
                    };
                    query.execute(connection).await?;
                    Ok(())
                })
            })
            .await
    }

    async fn knows_storage_key(&self, storage_key: &str) -> Result<bool, RepositoryError> {
        const OPERATION: &str = "knows_storage_key";
        let mut reader = self.reader(OPERATION).await?;
        let query = sqlx::query("SELECT 1 FROM blobs WHERE storage_key = ?1");
        let query = query.bind(storage_key.to_owned());
        match query.fetch_optional(&mut *reader).await {
            Ok(row) => Ok(row.is_some()),
            Err(error) => Err(Failure::from(error).in_operation(OPERATION)),
        }
    }
}

impl SqliteRepository {
    /// Whether there may be something for the reaper to take or to decide.
    async fn has_reapable(&self, now: Timestamp) -> Result<bool, RepositoryError> {
        const OPERATION: &str = "take_reapable";
        let sql = "SELECT EXISTS (SELECT 1 FROM blobs WHERE lease_until <= ?1) \
            OR EXISTS (SELECT 1 FROM blobs WHERE state = 'condemned') \
            OR EXISTS (SELECT 1 FROM blobs WHERE reap_at <= ?1)";
        let mut reader = self.reader(OPERATION).await?;
        let query = sqlx::query(sql).bind(now.as_millis());
        let row = query.fetch_one(&mut *reader).await;
        row.and_then(|row| row.try_get(0))
            .map_err(|error| Failure::from(error).in_operation(OPERATION))
    }
}

pub(super) async fn begin(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    intent: BlobIntent,
    now: Timestamp,
) -> Result<(), Failure> {
    let sql = "INSERT INTO blobs \
        (id, tenant_id, storage_key, state, lease_token, lease_until, created_at) \
        VALUES (?1, ?2, ?3, 'staging', ?4, ?5, ?6)";
    sqlx::query(sql)
        .bind(intent.id.as_uuid())
        .bind(tenant.get())
        .bind(intent.storage_key)
        .bind(intent.lease.as_uuid())
        .bind(now.plus(intent.lease_for).as_millis())
        .bind(now.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

/// Sends a promised blob to the reaper; does nothing where the promise is lost already.
pub(super) async fn give_up(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    blob: BlobId,
    lease: LeaseToken,
    now: Timestamp,
) -> Result<(), Failure> {
    let sql = "UPDATE blobs \
        SET state = 'deleting', lease_token = NULL, lease_until = NULL, reap_at = ?4 \
        WHERE tenant_id = ?1 AND id = ?2 AND state = 'staging' AND lease_token = ?3";
    sqlx::query(sql)
        .bind(tenant.get())
        .bind(blob.as_uuid())
        .bind(lease.as_uuid())
        .bind(now.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

/// Decides which blobs are to go: promises that ended, and condemned blobs that nothing refers to.
///
/// The write lock has been held since before the first statement, so nothing can come to refer to a
/// blob between the question and the decision.
async fn decide(
    connection: &mut SqliteConnection,
    limit: u32,
    now: Timestamp,
) -> Result<(), Failure> {
    let ended = "UPDATE blobs \
        SET state = 'deleting', lease_token = NULL, lease_until = NULL, reap_at = ?1 \
        WHERE id IN (SELECT id FROM blobs WHERE lease_until <= ?1 ORDER BY lease_until LIMIT ?2)";
    let referenced = "UPDATE blobs SET state = 'live' \
        WHERE id IN (SELECT id FROM blobs WHERE state = 'condemned' ORDER BY id LIMIT ?2) \
        AND EXISTS (SELECT 1 FROM files \
            WHERE files.tenant_id = blobs.tenant_id AND files.blob_id = blobs.id)";
    let unreferenced = "UPDATE blobs SET state = 'deleting', reap_at = ?1 \
        WHERE id IN (SELECT id FROM blobs WHERE state = 'condemned' ORDER BY id LIMIT ?2) \
        AND NOT EXISTS (SELECT 1 FROM files \
            WHERE files.tenant_id = blobs.tenant_id AND files.blob_id = blobs.id)";
    for sql in [ended, referenced, unreferenced] {
        sqlx::query(sql)
            .bind(now.as_millis())
            .bind(i64::from(limit))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn hand_out(
    connection: &mut SqliteConnection,
    limit: u32,
    now: Timestamp,
    retry_after: Duration,
) -> Result<Vec<ReapTask>, Failure> {
    let sql = "UPDATE blobs SET reap_at = ?3 \
        WHERE id IN (SELECT id FROM blobs WHERE reap_at <= ?1 ORDER BY reap_at LIMIT ?2) \
        RETURNING id, storage_key, state";
    let rows = sqlx::query(sql)
        .bind(now.as_millis())
        .bind(i64::from(limit))
        .bind(now.plus(retry_after).as_millis())
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let stage = match row.try_get::<String, _>(2)?.as_str() {
                "deleting" => ReapStage::Delete,
                "gone" => ReapStage::Purge,
                _ => return Err(RowError::Column("state").into()),
            };
            Ok(ReapTask {
                id: BlobId::from_uuid(row.try_get(0)?),
                storage_key: row.try_get(1)?,
                stage,
            })
        })
        .collect()
}
