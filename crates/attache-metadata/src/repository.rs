//! The contract of metadata backends.
//!
//! One method is one transaction, and no transaction crosses the trait. Every method that is not marked
//! *unscoped* takes a [`Context`] and sees that tenant's rows only; a foreign id is treated like an
//! unknown one. Lookups return `None` for what does not exist; changes return a
//! [`Refusal`](crate::Refusal) for what is not allowed. A change is durable when its method returns.
//! If its future is dropped earlier, the change was made completely or not at all.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use attache_model::{
    BlobId, Context, FileId, FileRecord, FileSeq, Holder, ObjectKey, Person, PersonRef,
    PrincipalSeq, PrincipalSubject, Revision, Tenant, TenantId, TenantSlug, Timestamp, Upload,
};

use crate::{
    ApiKeyRecord, Attempt, BlobHealthRepository, BlobIntent, CommittedFile, FileChange, FilePage,
    FileQuery, InstallationRepository, LeaseToken, NewApiKey, NewFile, NewFiles, NewUpload,
    OutboxRepository, PageRequest, ReapStage, ReapTask, RepositoryError, StorageUsage, StoredFile,
    StoredUpload,
};

/// Tenants, their principals and API keys. Unscoped: used for administration and authentication.
#[async_trait]
pub trait TenancyRepository: Send + Sync {
    /// Creates a tenant. Returns `None` if the slug is taken.
    async fn create_tenant(
        &self,
        slug: &TenantSlug,
        now: Timestamp,
    ) -> Result<Option<Tenant>, RepositoryError>;

    /// Finds a tenant by its number.
    async fn find_tenant(&self, id: TenantId) -> Result<Option<Tenant>, RepositoryError>;

    /// Finds a tenant by its slug.
    async fn find_tenant_by_slug(
        &self,
        slug: &TenantSlug,
    ) -> Result<Option<Tenant>, RepositoryError>;

    /// Lists tenants in the order of their creation: at most `limit`, after the tenant `after`.
    async fn list_tenants(
        &self,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<Tenant>, RepositoryError>;

    /// Returns `true` if there is any tenant, to tell a new installation from a used one.
    async fn has_tenants(&self) -> Result<bool, RepositoryError>;

    /// Stores an API key and creates its principal. Returns `None` if the tenant does not exist.
    async fn create_api_key(
        &self,
        key: &NewApiKey,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, RepositoryError>;

    /// Finds or registers the principal that another kind of authenticator knows by `subject`. Returns
    /// `None` if the tenant does not exist.
    ///
    /// A subject keeps its number forever, and never shares it with an API key.
    async fn register_principal(
        &self,
        tenant: TenantId,
        subject: &PrincipalSubject,
        now: Timestamp,
    ) -> Result<Option<PrincipalSeq>, RepositoryError>;

    /// Finds an API key by its public part, live or not.
    async fn find_api_key(&self, key_id: &str) -> Result<Option<ApiKeyRecord>, RepositoryError>;

    /// Lists API keys in the order of their creation, of one tenant or (`None`) of all: at most `limit`,
    /// after the key of principal `after`.
    async fn list_api_keys(
        &self,
        tenant: Option<TenantId>,
        after: Option<PrincipalSeq>,
        limit: u32,
    ) -> Result<Vec<ApiKeyRecord>, RepositoryError>;

    /// Revokes an API key permanently. Returns `None` if there is no such key. Revoking again keeps the
    /// first time.
    async fn revoke_api_key(
        &self,
        key_id: &str,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, RepositoryError>;
}

/// Blobs: leases before the commit, and reaping after the last reference.
#[async_trait]
pub trait BlobRepository: Send + Sync {
    /// Writes the intents of blobs, in state `staging`, before their first byte: all of them or none.
    async fn begin_blobs(
        &self,
        cx: &Context,
        intents: &[BlobIntent],
    ) -> Result<(), RepositoryError>;

    /// Extends a lease to `lease_for` from now, on the database's clock. Returns `false` if it is lost: it
    /// ended, has another token, or the blob is no longer staging.
    async fn renew_lease(
        &self,
        cx: &Context,
        blob: BlobId,
        lease: LeaseToken,
        lease_for: Duration,
    ) -> Result<bool, RepositoryError>;

    /// Gives up a lease: the blob is handed to the reaper at once. If the lease was lost and the reaper
    /// has deleted the blob, it is handed out again: a late write may have come after.
    async fn abandon_blob(
        &self,
        cx: &Context,
        blob: BlobId,
        lease: LeaseToken,
    ) -> Result<(), RepositoryError>;

    /// Unscoped. Counts the blobs of all tenants. Reads a row for each: for metrics, once in minutes.
    async fn storage_usage(&self) -> Result<StorageUsage, RepositoryError>;

    /// Unscoped. Hands out at most `limit` blobs whose bytes are to be deleted. They are not handed out
    /// again for `retry_after`.
    ///
    /// Decides first: a staging blob whose lease ended becomes `deleting`. A condemned blob becomes
    /// `deleting` if nothing refers to it after it is locked, and `live` otherwise. `deleting` is final:
    /// such a blob is never referenced again.
    async fn take_reapable(
        &self,
        limit: u32,
        retry_after: Duration,
    ) -> Result<Vec<ReapTask>, RepositoryError>;

    /// Unscoped. Records that the bytes of a task were deleted. After `Delete` the row is kept as `gone`
    /// for `purge_after` and then handed out once more; after `Purge` it is dropped.
    async fn finish_reap(
        &self,
        blob: BlobId,
        stage: ReapStage,
        purge_after: Duration,
    ) -> Result<(), RepositoryError>;

    /// Unscoped. Returns `true` if there is a blob with this storage key, in any state.
    ///
    /// For reports that compare a listing of the store with the database: a key that is unknown here is
    /// an orphan. Nothing deletes by it, since a restored older database does not know newer blobs.
    async fn knows_storage_key(&self, storage_key: &str) -> Result<bool, RepositoryError>;
}

/// File records and people.
#[async_trait]
pub trait FileRepository: Send + Sync {
    /// Commits all files of an upload or none.
    ///
    /// For each file, in order: the person is found or registered. If the tenant has a live or condemned
    /// blob with the same digest and size, that is referenced (and made live), and the upload's own
    /// becomes `deleting`; otherwise the own blob becomes `live`, if its lease still holds. If the
    /// existing blob is marked with a fault, the two exchange their storage keys first, so that every
    /// record of it gets the new bytes, and the mark is removed. With `dedup`,
    /// an eligible existing record is returned instead of a new one. `created_at` is the context's time,
    /// or a millisecond after the tenant's last record if that is later. So a tenant's records have
    /// creation times and numbers in the order in which their commits become visible, under any
    /// concurrency: a reader that sees one sees all earlier ones. Numbers begin at 1 in each tenant, and are
    /// never given twice.
    ///
    /// Refusals: `UnknownPerson`, `LeaseLost`, `RequestRepeated`.
    async fn commit_files(&self, cx: &Context, upload: &NewFiles) -> Attempt<Vec<CommittedFile>>;

    /// Finds a record and its bytes, archived or not.
    async fn find_file(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<Option<StoredFile>, RepositoryError>;

    /// Finds a record and its bytes by its number, archived or not.
    async fn find_file_by_seq(
        &self,
        cx: &Context,
        seq: FileSeq,
    ) -> Result<Option<StoredFile>, RepositoryError>;

    /// Finds a record and its bytes by its readable key, archived or not.
    async fn find_file_by_key(
        &self,
        cx: &Context,
        key: &ObjectKey,
    ) -> Result<Option<StoredFile>, RepositoryError>;

    /// Unscoped. Returns the tenant of a *public* file; `None` for private and unknown files.
    async fn locate_public_file(&self, id: FileId) -> Result<Option<TenantId>, RepositoryError>;

    /// Returns one page of a list.
    ///
    /// Over all pages, every record that was committed before page one and keeps its sort value appears
    /// exactly once; later ones may appear. The cost of a page is bounded by its limit, not by the number
    /// of records: a page may be short, even empty, and still have a next one.
    async fn list_files(
        &self,
        cx: &Context,
        query: &FileQuery,
        page: &PageRequest,
    ) -> Result<FilePage, RepositoryError>;

    /// Changes fields, at revision `expected` if given. A change that alters nothing keeps the revision.
    ///
    /// Refusals: `NotFound`, `RevisionMismatch`, `UnknownPerson`.
    async fn change_file(
        &self,
        cx: &Context,
        id: FileId,
        change: &FileChange,
        expected: Option<Revision>,
    ) -> Attempt<FileRecord>;

    /// Claims an active file. Exactly one holder wins, under any concurrency. A retry by the same holder
    /// returns the same record, with the same `used_at`.
    ///
    /// Refusals: `NotFound`, `Claimed`, `Archived`.
    async fn claim_file(&self, cx: &Context, id: FileId, holder: &Holder) -> Attempt<FileRecord>;

    /// Releases the claim of `holder`; releasing an unclaimed file changes nothing.
    ///
    /// Refusals: `NotFound`; `Claimed` if another holder has it.
    async fn release_claim(&self, cx: &Context, id: FileId, holder: &Holder)
    -> Attempt<FileRecord>;

    /// Archives a file; archiving an archived file changes nothing.
    ///
    /// Refusals: `NotFound`, `Claimed`.
    async fn archive_file(&self, cx: &Context, id: FileId) -> Attempt<FileRecord>;

    /// Restores a file; restoring an active one changes nothing.
    ///
    /// Refusals: `NotFound`.
    async fn restore_file(&self, cx: &Context, id: FileId) -> Attempt<FileRecord>;

    /// Releases the hold of a file, so that its bytes are served; changes nothing if it is not held.
    ///
    /// Refusals: `NotFound`.
    async fn release_hold(&self, cx: &Context, id: FileId) -> Attempt<FileRecord>;

    /// Deletes a record permanently, at revision `expected` if given, together with the upload that it came
    /// from. Condemns its blob if nothing else refers to it. Returns the record as it was.
    ///
    /// Refusals: `NotFound`, `Claimed`, `RevisionMismatch`.
    async fn delete_file(
        &self,
        cx: &Context,
        id: FileId,
        expected: Option<Revision>,
    ) -> Attempt<FileRecord>;

    /// Finds a person; never registers one.
    async fn find_person(
        &self,
        cx: &Context,
        person: &PersonRef,
    ) -> Result<Option<Person>, RepositoryError>;
}

/// Pending uploads: files that are announced before their bytes arrive.
///
/// An upload is pending until it completes. Expiry is checked by the caller, with
/// [`Upload::expires_at`]: a late completion is not refused here.
#[async_trait]
pub trait UploadRepository: Send + Sync {
    /// Begins an upload in the context's tenant, by its principal, together with the intent of its staging
    /// blob, if any. Registers no person.
    ///
    /// Refusals: `UnknownPerson` for an id that the tenant does not have.
    async fn begin_upload(&self, cx: &Context, upload: &NewUpload) -> Attempt<Upload>;

    /// Finds an upload, pending or completed. `None` once it is cancelled or dropped, or its record is
    /// deleted.
    async fn find_upload(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<Option<StoredUpload>, RepositoryError>;

    /// Turns a pending upload into a record, atomically: `file` is committed like by
    /// [`commit_files`](FileRepository::commit_files), the upload is completed at the context's time, and
    /// its staging blob is handed to the reaper. Exactly one of several completions succeeds; a refused
    /// one leaves the upload pending.
    ///
    /// The record has the upload's id, not that of `file`, and is uploaded by the principal that began the
    /// upload. `dedup` is ignored: the record is always a new one.
    ///
    /// Refusals: `NotFound`, `UploadCompleted`, `UnknownPerson`, `LeaseLost`.
    async fn complete_upload(
        &self,
        cx: &Context,
        id: FileId,
        file: &NewFile,
    ) -> Attempt<FileRecord>;

    /// Cancels a pending upload; its staging blob is handed to the reaper at once.
    ///
    /// Refusals: `NotFound`, `UploadCompleted`.
    async fn cancel_upload(&self, cx: &Context, id: FileId) -> Attempt<()>;

    /// Unscoped. Drops at most `limit` uploads, pending and completed, that expired `kept_for` ago or
    /// earlier on the database's clock, and returns their number. Staging blobs are left to their leases,
    /// and records of completed uploads stay.
    async fn drop_expired_uploads(
        &self,
        kept_for: Duration,
        limit: u32,
    ) -> Result<u32, RepositoryError>;
}

/// A complete metadata backend.
///
/// The [conformance suite](crate::conformance) checks an implementation.
///
/// ```
/// use attache_metadata::{MetadataRepository, RepositoryError};
/// use attache_model::{Context, FileId, Holder};
///
/// async fn archive_after_use(
///     repository: &dyn MetadataRepository,
///     cx: &Context,
///     file: FileId,
///     holder: &Holder,
/// ) -> Result<bool, RepositoryError> {
///     // Each call is one transaction; a refusal is a value, not an error.
///     if repository.release_claim(cx, file, holder).await?.is_err() {
///         return Ok(false);
///     }
///     Ok(repository.archive_file(cx, file).await?.is_ok())
/// }
/// ```
#[async_trait]
pub trait MetadataRepository:
    TenancyRepository
    + BlobRepository
    + BlobHealthRepository
    + FileRepository
    + UploadRepository
    + InstallationRepository
    + OutboxRepository
    + fmt::Debug
    + 'static
{
    /// Checks that the database responds and accepts writes. Cheap enough for a health check every few
    /// seconds.
    async fn health(&self) -> Result<(), RepositoryError>;
}
