//! Blobs: leases for bytes that are being uploaded, and the reaper's calls.

use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::{
    BlobIntent, BlobRepository, LeaseToken, ReapStage, ReapTask, RepositoryError, StorageUsage,
};
use attache_model::{BlobId, Context};

use crate::call::{Call, Lane};
use crate::leases::{begin, delete_again, give_up, millis};
use crate::reap;
use crate::repository::{Backend, SqlRepository};
use crate::session::{Session as _, Statement};

#[async_trait]
impl<B: Backend> BlobRepository for SqlRepository<B> {
    async fn begin_blobs(
        &self,
        cx: &Context,
        intents: &[BlobIntent],
    ) -> Result<(), RepositoryError> {
        let input = (cx.tenant(), intents.to_vec());
        self.backend
            .write(
                Call::of(cx, "begin_blobs"),
                input,
                |session, (tenant, intents)| Box::pin(begin(session, *tenant, intents)),
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
        let input = (cx.tenant(), blob, lease, millis(lease_for));
        self.backend
            .write(
                Call::in_lane(Lane::Leases(cx.tenant()), "renew_lease"),
                input,
                |session, input| {
                    let (tenant, blob, lease, lease_for) = *input;
                    let sql = "UPDATE blobs SET lease_until = database_clock() + $4 \
                    WHERE tenant_id = $1 AND id = $2 AND state = 'staging' AND lease_token = $3 \
                    AND lease_until > database_clock()";
                    let update = Statement::new(sql)
                        .bind(tenant.get())
                        .bind(blob.as_uuid())
                        .bind(lease.as_uuid())
                        .bind(lease_for);
                    Box::pin(async move { Ok(session.execute(update).await? == 1) })
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
        let input = (cx.tenant(), blob, lease);
        self.backend
            .write(
                Call::in_lane(Lane::Leases(cx.tenant()), "abandon_blob"),
                input,
                |session, (tenant, blob, lease)| {
                    Box::pin(async move {
                        give_up(session, *tenant, *blob, *lease).await?;
                        delete_again(session, *tenant, *blob).await
                    })
                },
            )
            .await
    }

    async fn storage_usage(&self) -> Result<StorageUsage, RepositoryError> {
        self.backend
            .read(
                Call::of_service("storage_usage").into_list(),
                (),
                |session, ()| Box::pin(reap::usage(session)),
            )
            .await
    }

    async fn take_reapable(
        &self,
        limit: u32,
        retry_after: Duration,
    ) -> Result<Vec<ReapTask>, RepositoryError> {
        const OPERATION: &str = "take_reapable";
        // The reaper asks often and finds nothing mostly: that must not cost a commit.
        let has_reapable = self
            .backend
            .read(Call::of_service(OPERATION), (), |session, ()| {
                Box::pin(reap::has_reapable(session))
            });
        if !has_reapable.await? {
            return Ok(Vec::new());
        }
        let input = (i64::from(limit), millis(retry_after));
        self.backend
            .write(
                Call::of_service(OPERATION),
                input,
                |session, (limit, retry_after)| Box::pin(reap::take(session, *limit, *retry_after)),
            )
            .await
    }

    async fn finish_reap(
        &self,
        blob: BlobId,
        stage: ReapStage,
        purge_after: Duration,
    ) -> Result<(), RepositoryError> {
        let input = (blob, stage, millis(purge_after));
        self.backend
            .write(
                Call::of_service("finish_reap"),
                input,
                |session, (blob, stage, purge_after)| {
                    let statement = match stage {
                        ReapStage::Delete => Statement::new(
                            "UPDATE blobs SET state = 'gone', reap_at = database_clock() + $2 \
                        WHERE id = $1 AND state = 'deleting' AND reap_at > database_now()",
                        )
                        .bind(blob.as_uuid())
                        .bind(*purge_after),
                        ReapStage::Purge => {
                            Statement::new("DELETE FROM blobs WHERE id = $1 AND state = 'gone'")
                                .bind(blob.as_uuid())
                        }
                    };
                    Box::pin(async move { session.execute(statement).await.map(drop) })
                },
            )
            .await
    }

    async fn knows_storage_key(&self, storage_key: &str) -> Result<bool, RepositoryError> {
        self.backend
            .read(
                Call::of_service("knows_storage_key"),
                storage_key.to_owned(),
                |session, key| {
                    let sql = "SELECT 1 FROM blobs WHERE storage_key = $1";
                    Box::pin(session.exists(Statement::new(sql).bind(key.as_str())))
                },
            )
            .await
    }
}
