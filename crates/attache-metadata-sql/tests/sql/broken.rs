//! The public suite against repositories that are wrong.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::conformance::checks;
use attache_metadata::{
    ApiKeyRecord, BlobIntent, BlobRepository, ForgottenBlobs, InstallationRepository,
    InstallationRow, LeaseToken, MetadataRepository, NewApiKey, OutboxRepository, PendingEvent,
    ReapStage, ReapTask, RepositoryError, StorageUsage, TenancyRepository,
};
use attache_metadata_sql::SqliteRepository;
use attache_model::{
    BlobId, Context, InstallationId, PrincipalSeq, PrincipalSubject, Tenant, TenantId, TenantSlug,
    Timestamp,
};

use crate::conformance::SqliteFactory;

/// A way to be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    ClaimReadsThenWrites,
    ClaimAlwaysSucceeds,
    ClaimMovesOnRepetition,
    TenantFilterDropped,
    KeyOfAnyTenant,
    ListSkipsTies,
    ListLosesTheLastPage,
    ListIgnoresTheText,
    TimestampsInclusive,
    CommitsOneByOne,
    RevisionIgnored,
    LeaseIgnored,
    TasksHandedOutTwice,
    PurgedAtOnce,
    MarksForgotten,
    RecordsNeverShared,
    ArchivedTwice,
    CompletedTwice,
    CompletionsAllSucceed,
    UploadsOutliveTheirRecords,
    CompletedAfterCancellation,
    RefusalsConsumeTheUpload,
    UploadedByCompleter,
    RecordUnderAnotherId,
    StagingReapedAtOnce,
    StagingKept,
    UploadsOfAllTenants,
    ExpiredUploadsNotKept,
    ExpiredUploadsAllAtOnce,
    LaterInstallationWins,
    RestoreForgetsNothing,
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_is_caught_by_name() {
    for (fault, name) in [
        (
            Fault::ClaimReadsThenWrites,
            "claims::exactly_one_holder_wins",
        ),
        (
            Fault::ClaimAlwaysSucceeds,
            "claims::exactly_one_holder_wins",
        ),
        (
            Fault::ClaimMovesOnRepetition,
            "claims::same_holder_may_claim_again",
        ),
        (
            Fault::TenantFilterDropped,
            "isolation::foreign_records_are_not_found",
        ),
        (
            Fault::KeyOfAnyTenant,
            "isolation::foreign_records_are_not_found",
        ),
        (Fault::ListSkipsTies, "listing::pages_hold_each_record_once"),
        (
            Fault::ListLosesTheLastPage,
            "listing::pages_keep_their_limit",
        ),
        (
            Fault::ListIgnoresTheText,
            "page_text::page_ends_once_its_text_fills_it",
        ),
        (
            Fault::TimestampsInclusive,
            "listing::time_bounds_are_exclusive",
        ),
        (Fault::CommitsOneByOne, "commits::commits_are_all_or_none"),
        (
            Fault::RevisionIgnored,
            "lifecycle::changes_respect_the_revision",
        ),
        (Fault::LeaseIgnored, "commits::lost_leases_are_refused"),
        (
            Fault::TasksHandedOutTwice,
            "reaping::ended_leases_are_reaped",
        ),
        (Fault::PurgedAtOnce, "reaping::reaped_blobs_are_purged"),
        (Fault::MarksForgotten, "health::marks_are_kept_and_removed"),
        (
            Fault::RecordsNeverShared,
            "dedup::equal_uploads_return_the_existing_record",
        ),
        (
            Fault::ArchivedTwice,
            "lifecycle::archiving_and_restoring_are_idempotent",
        ),
        (
            Fault::LaterInstallationWins,
            "installation::id_is_registered_once",
        ),
        (
            Fault::RestoreForgetsNothing,
            "installation::restored_database_forgets_doubtful_blobs",
        ),
    ] {
        expect_caught(fault, name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_of_uploads_is_caught_by_name() {
    for (fault, name) in [
        (Fault::CompletedTwice, "uploads::uploads_complete_once"),
        (
            Fault::CompletionsAllSucceed,
            "endings::exactly_one_completion_wins",
        ),
        (
            Fault::UploadsOutliveTheirRecords,
            "uploads::deleting_a_record_deletes_its_upload",
        ),
        (
            Fault::CompletedAfterCancellation,
            "endings::cancelled_uploads_are_dropped",
        ),
        (
            Fault::RefusalsConsumeTheUpload,
            "uploads::refusals_leave_an_upload_pending",
        ),
        (
            Fault::UploadedByCompleter,
            "uploads::uploads_become_records",
        ),
        (
            Fault::RecordUnderAnotherId,
            "uploads::uploads_become_records",
        ),
        (
            Fault::StagingReapedAtOnce,
            "endings::staging_blobs_are_reaped_once",
        ),
        (Fault::StagingKept, "endings::staging_blobs_are_reaped_once"),
        (
            Fault::UploadsOfAllTenants,
            "uploads::foreign_uploads_are_not_found",
        ),
        (
            Fault::ExpiredUploadsNotKept,
            "endings::expired_uploads_are_dropped",
        ),
        (
            Fault::ExpiredUploadsAllAtOnce,
            "endings::expired_uploads_are_dropped",
        ),
    ] {
        expect_caught(fault, name).await;
    }
}

async fn expect_caught(fault: Fault, name: &str) {
    let factory = SqliteFactory(move |inner| {
        Arc::new(Broken { inner, fault }) as Arc<dyn MetadataRepository>
    });
    let check = checks().iter().find(|check| check.name() == name).unwrap();
    let Err(failure) = check.run(&factory).await else {
        panic!("{fault:?} is not caught");
    };
    assert_eq!(failure.check, name, "{fault:?}");
    assert!(
        !failure.problem.contains("the database failed"),
        "{failure}"
    );
}

/// The SQLite repository with one thing wrong.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) inner: SqliteRepository,
    pub(crate) fault: Fault,
}

#[async_trait]
impl TenancyRepository for Broken {
    async fn create_tenant(
        &self,
        slug: &TenantSlug,
        now: Timestamp,
    ) -> Result<Option<Tenant>, RepositoryError> {
        self.inner.create_tenant(slug, now).await
    }

    async fn find_tenant(&self, id: TenantId) -> Result<Option<Tenant>, RepositoryError> {
        self.inner.find_tenant(id).await
    }

    async fn find_tenant_by_slug(
        &self,
        slug: &TenantSlug,
    ) -> Result<Option<Tenant>, RepositoryError> {
        self.inner.find_tenant_by_slug(slug).await
    }

    async fn list_tenants(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<Tenant>, RepositoryError> {
        self.inner.list_tenants(after, limit).await
    }

    async fn has_tenants(&self) -> Result<bool, RepositoryError> {
        self.inner.has_tenants().await
    }

    async fn create_api_key(
        &self,
        key: &NewApiKey,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, RepositoryError> {
        self.inner.create_api_key(key, now).await
    }

    async fn register_principal(
        &self,
        tenant: TenantId,
        subject: &PrincipalSubject,
        now: Timestamp,
    ) -> Result<Option<PrincipalSeq>, RepositoryError> {
        self.inner.register_principal(tenant, subject, now).await
    }

    async fn find_api_key(&self, key_id: &str) -> Result<Option<ApiKeyRecord>, RepositoryError> {
        self.inner.find_api_key(key_id).await
    }

    async fn list_api_keys(
        &self,
        tenant: Option<TenantId>,
        after: Option<PrincipalSeq>,
        limit: u32,
    ) -> Result<Vec<ApiKeyRecord>, RepositoryError> {
        self.inner.list_api_keys(tenant, after, limit).await
    }

    async fn revoke_api_key(
        &self,
        key_id: &str,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, RepositoryError> {
        self.inner.revoke_api_key(key_id, now).await
    }
}

#[async_trait]
impl BlobRepository for Broken {
    async fn begin_blobs(
        &self,
        cx: &Context,
        intents: &[BlobIntent],
    ) -> Result<(), RepositoryError> {
        self.inner.begin_blobs(cx, intents).await
    }

    async fn renew_lease(
        &self,
        cx: &Context,
        blob: BlobId,
        lease: LeaseToken,
        lease_for: Duration,
    ) -> Result<bool, RepositoryError> {
        let renewed = self.inner.renew_lease(cx, blob, lease, lease_for).await?;
        Ok(renewed || self.fault == Fault::LeaseIgnored)
    }

    async fn abandon_blob(
        &self,
        cx: &Context,
        blob: BlobId,
        lease: LeaseToken,
    ) -> Result<(), RepositoryError> {
        self.inner.abandon_blob(cx, blob, lease).await
    }

    async fn storage_usage(&self) -> Result<StorageUsage, RepositoryError> {
        self.inner.storage_usage().await
    }

    async fn take_reapable(
        &self,
        limit: u32,
        retry_after: Duration,
    ) -> Result<Vec<ReapTask>, RepositoryError> {
        let again = self.fault == Fault::TasksHandedOutTwice;
        let retry_after = if again { Duration::ZERO } else { retry_after };
        self.inner.take_reapable(limit, retry_after).await
    }

    async fn finish_reap(
        &self,
        blob: BlobId,
        stage: ReapStage,
        purge_after: Duration,
    ) -> Result<(), RepositoryError> {
        self.inner.finish_reap(blob, stage, purge_after).await?;
        if self.fault == Fault::PurgedAtOnce {
            let purge = ReapStage::Purge;
            self.inner.finish_reap(blob, purge, purge_after).await?;
        }
        Ok(())
    }

    async fn knows_storage_key(&self, storage_key: &str) -> Result<bool, RepositoryError> {
        self.inner.knows_storage_key(storage_key).await
    }
}

#[async_trait]
impl InstallationRepository for Broken {
    async fn find_installation(&self) -> Result<Option<InstallationRow>, RepositoryError> {
        self.inner.find_installation().await
    }

    async fn register_installation(
        &self,
        id: InstallationId,
        now: Timestamp,
    ) -> Result<InstallationRow, RepositoryError> {
        let found = self.inner.register_installation(id, now).await?;
        if self.fault == Fault::LaterInstallationWins && found.id != id {
            self.inner.accept_restored(id, 0, now).await?;
        }
        self.inner.register_installation(id, now).await
    }

    async fn advance_generation(&self) -> Result<Option<u64>, RepositoryError> {
        self.inner.advance_generation().await
    }

    async fn note_signing_key(&self, signing_key: &str) -> Result<Option<String>, RepositoryError> {
        self.inner.note_signing_key(signing_key).await
    }

    async fn accept_restored(
        &self,
        id: InstallationId,
        generation: u64,
        now: Timestamp,
    ) -> Result<ForgottenBlobs, RepositoryError> {
        if self.fault == Fault::RestoreForgetsNothing {
            return Ok(ForgottenBlobs::default());
        }
        self.inner.accept_restored(id, generation, now).await
    }

    async fn sample_storage_keys(&self, limit: u32) -> Result<Vec<String>, RepositoryError> {
        self.inner.sample_storage_keys(limit).await
    }
}

#[async_trait]
impl OutboxRepository for Broken {
    async fn read_outbox(&self, limit: u32) -> Result<Vec<PendingEvent>, RepositoryError> {
        self.inner.read_outbox(limit).await
    }

    async fn delete_from_outbox(&self, numbers: &[i64]) -> Result<(), RepositoryError> {
        self.inner.delete_from_outbox(numbers).await
    }
}

#[async_trait]
impl MetadataRepository for Broken {
    async fn health(&self) -> Result<(), RepositoryError> {
        self.inner.health().await
    }
}
