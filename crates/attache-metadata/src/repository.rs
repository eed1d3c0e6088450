//! The contract that every metadata backend keeps.
//!
//! One method is one transaction, and no transaction crosses the seam. Everything but the few calls
//! marked *unscoped* takes a [`Context`] and sees that tenant's rows only; a foreign id is the same as
//! an unknown one. Lookups answer `None` for what is not there; changes answer a
//! [`Refusal`](crate::Refusal) for what may not be done. When a change has been answered it is
//! durable. Dropping a future before its answer leaves open whether the change was made, but never a
//! part of it.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use attache_model::{
    BlobId, Context, FileId, FileRecord, FileSeq, Holder, ObjectKey, Person, PersonRef,
    PrincipalSeq, PrincipalSubject, Revision, Tenant, TenantId, TenantSlug, Timestamp, Upload,
};

use crate::{
    ApiKeyRecord, Attempt, BlobIntent, CommittedFile, FileChange, FilePage, FileQuery, LeaseToken,
    NewApiKey, NewFile, NewFiles, NewUpload, PageRequest, ReapStage, ReapTask, RepositoryError,
    StoredFile, StoredUpload,
};

/// Tenants, their principals and keys. Unscoped: used by the command line and to find out who asks.
#[async_trait]
pub trait TenancyRepository: Send + Sync {
    /// Makes a tenant; `None` where the slug is taken.
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

    /// Counts tenants no further than one, to tell a new installation from a used one.
    async fn has_tenants(&self) -> Result<bool, RepositoryError>;

    /// Stores a key and makes its principal; `None` where the tenant does not exist.
    async fn create_api_key(
        &self,
        key: &NewApiKey,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, RepositoryError>;

    /// Finds the principal that an authenticator of another kind knows by `subject`, or registers it;
    /// `None` where the tenant does not exist. The same subject has the same number for ever, and never
    /// that of a key.
    async fn register_principal(
        &self,
        tenant: TenantId,
        subject: &PrincipalSubject,
        now: Timestamp,
    ) -> Result<Option<PrincipalSeq>, RepositoryError>;

    /// Finds a key by its public part, live or not.
    async fn find_api_key(&self, key_id: &str) -> Result<Option<ApiKeyRecord>, RepositoryError>;

    /// Lists keys in the order they were made, of one tenant or of all: those after `after`, at most
    /// `limit`.
    async fn list_api_keys(
        &self,
        tenant: Option<TenantId>,
        after: Option<PrincipalSeq>,
        limit: u32,
    ) -> Result<Vec<ApiKeyRecord>, RepositoryError>;

    /// Revokes a key for good; `None` where there is no such key. Revoking twice keeps the first time.
    async fn revoke_api_key(
        &self,
        key_id: &str,
        now: Timestamp,
    ) -> Result<Option<ApiKeyRecord>, RepositoryError>;
}

/// Blobs: promises before the first byte, and what the reaper does after the last reference.
#[async_trait]
pub trait BlobRepository: Send + Sync {
    /// Writes the promise of a blob, in state `staging`.
    async fn begin_blob(&self, cx: &Context, intent: &BlobIntent) -> Result<(), RepositoryError>;

    /// Extends a promise to `lease_for` from now on the database's clock; `false` where it is lost:
    /// the lease ended, is another's, or the blob is no longer staging.
    async fn renew_lease(
        &self,
        cx: &Context,
        blob: BlobId,
        lease: LeaseToken,
        lease_for: Duration,
    ) -> Result<bool, RepositoryError>;

    /// Gives a promise up: what was written of the blob is for the reaper, at once. A promise that is
    /// lost already is left alone.
    async fn abandon_blob(
        &self,
        cx: &Context,
        blob: BlobId,
        lease: LeaseToken,
    ) -> Result<(), RepositoryError>;

    /// Unscoped. Hands out at most `limit` blobs whose bytes are to be deleted, and keeps them from being handed
    /// out again for `retry_after`.
    ///
    /// Before that it decides: promises whose lease ended become `deleting`; condemned blobs become
    /// `deleting` if, after they are locked, still nothing refers to them, and `live` again if
    /// something does. `deleting` is final: such a blob is never referenced again.
    async fn take_reapable(
        &self,
        limit: u32,
        retry_after: Duration,
    ) -> Result<Vec<ReapTask>, RepositoryError>;

    /// Unscoped. Notes that the bytes of a task were deleted: after `Delete` the row is kept as `gone` for
    /// `purge_after` and then handed out once more; after `Purge` it is dropped.
    async fn finish_reap(
        &self,
        blob: BlobId,
        stage: ReapStage,
        purge_after: Duration,
    ) -> Result<(), RepositoryError>;

    /// Unscoped. Finds whether the database knows a blob with this storage key in any state, for
    /// reports on a store's listing.
    async fn knows_storage_key(&self, storage_key: &str) -> Result<bool, RepositoryError>;
}

/// File records and people.
#[async_trait]
pub trait FileRepository: Send + Sync {
    /// Commits all files of an upload or none.
    ///
    /// For each, in order: the person is found or registered; a live or condemned blob of this tenant
    /// with the same digest and size is referenced (and made live), while the upload's own becomes
    /// `deleting`; else the own blob becomes `live` if its lease still holds; with `dedup`, an
    /// eligible existing record is answered instead of a new one. `created_at` is the context's
    /// moment; where that would give two records of a tenant one key, the later is moved on by
    /// milliseconds until its key is free.
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

    /// Unscoped. Finds whose a *public* file is; `None` for private and unknown ones.
    async fn locate_public_file(&self, id: FileId) -> Result<Option<TenantId>, RepositoryError>;

    /// Answers one page of a list.
    ///
    /// Paging through promises: every record that was committed before page one and whose sort value
    /// did not change appears exactly once; later ones may. The cost of a page is bounded by its
    /// limit, not by how many records there are: a page may be short, even empty, and still have a
    /// next one.
    async fn list_files(
        &self,
        cx: &Context,
        query: &FileQuery,
        page: &PageRequest,
    ) -> Result<FilePage, RepositoryError>;

    /// Changes fields. A change that alters nothing keeps the revision.
    ///
    /// Refusals: `NotFound`, `RevisionMismatch`, `UnknownPerson`.
    async fn change_file(
        &self,
        cx: &Context,
        id: FileId,
        change: &FileChange,
        expected: Option<Revision>,
    ) -> Attempt<FileRecord>;

    /// Claims an active file. Exactly one holder wins under any concurrency; the same holder again
    /// gets the same answer with the same `used_at`.
    ///
    /// Refusals: `NotFound`, `Claimed`, `Archived`.
    async fn claim_file(&self, cx: &Context, id: FileId, holder: &Holder) -> Attempt<FileRecord>;

    /// Releases a file that `holder` holds; releasing one that nobody holds changes nothing.
    ///
    /// Refusals: `NotFound`, `Claimed` by another.
    async fn release_claim(&self, cx: &Context, id: FileId, holder: &Holder)
    -> Attempt<FileRecord>;

    /// Archives a file; archiving twice keeps the first time.
    ///
    /// Refusals: `NotFound`, `Claimed`.
    async fn archive_file(&self, cx: &Context, id: FileId) -> Attempt<FileRecord>;

    /// Restores a file; restoring an active one changes nothing.
    ///
    /// Refusals: `NotFound`.
    async fn restore_file(&self, cx: &Context, id: FileId) -> Attempt<FileRecord>;

    /// Lets the bytes of a held file be served; releasing one that is not held changes nothing.
    ///
    /// Refusals: `NotFound`.
    async fn release_hold(&self, cx: &Context, id: FileId) -> Attempt<FileRecord>;

    /// Deletes a record for good, with the upload it was made of, which says the same things, and
    /// condemns its blob where it was the last to refer to it. Answers the record as it was.
    ///
    /// Refusals: `NotFound`, `Claimed`, `RevisionMismatch`.
    async fn delete_file(
        &self,
        cx: &Context,
        id: FileId,
        expected: Option<Revision>,
    ) -> Attempt<FileRecord>;

    /// Finds a person without registering one.
    async fn find_person(
        &self,
        cx: &Context,
        person: &PersonRef,
    ) -> Result<Option<Person>, RepositoryError>;
}

/// Uploads: files that are promised before their bytes arrive.
///
/// An upload is pending until it completes. Whether its time is over is for the caller to judge by
/// [`Upload::expires_at`]: a completion that comes late is not refused here.
#[async_trait]
pub trait UploadRepository: Send + Sync {
    /// Writes the promise of a file, of the context's tenant and by its principal, and with it that
    /// of the blob its client is to write itself, where there is one. Registers nobody.
    ///
    /// Refusals: `UnknownPerson` for an id that the tenant does not have.
    async fn begin_upload(&self, cx: &Context, upload: &NewUpload) -> Attempt<Upload>;

    /// Finds an upload, pending or completed, until it is cancelled or dropped, or its record is
    /// deleted.
    async fn find_upload(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<Option<StoredUpload>, RepositoryError>;

    /// Makes a record of a pending upload, all of it or nothing: `file` is committed as
    /// [`commit_files`](FileRepository::commit_files) would, the upload is completed at the context's
    /// moment, and its staging blob goes to the reaper. Of several completions of one upload exactly
    /// one succeeds; a refused one leaves it pending.
    ///
    /// The record has the upload's id, whatever `file` says, and is uploaded by whoever began the
    /// upload, whoever completes it. No existing record is answered instead: `dedup` is ignored.
    ///
    /// Refusals: `NotFound`, `UploadCompleted`, `UnknownPerson`, `LeaseLost`.
    async fn complete_upload(
        &self,
        cx: &Context,
        id: FileId,
        file: &NewFile,
    ) -> Attempt<FileRecord>;

    /// Forgets a pending upload; its staging blob goes to the reaper at once.
    ///
    /// Refusals: `NotFound`, `UploadCompleted`.
    async fn cancel_upload(&self, cx: &Context, id: FileId) -> Attempt<()>;

    /// Unscoped. Forgets at most `limit` uploads, pending and completed, that expired `kept_for` ago
    /// or earlier on the database's clock, and answers how many. A staging blob is not touched: it goes when its
    /// lease ends. Nor is the record of a completed upload.
    async fn drop_expired_uploads(
        &self,
        kept_for: Duration,
        limit: u32,
    ) -> Result<u32, RepositoryError>;
}

/// Everything a metadata backend does.
#[async_trait]
pub trait MetadataRepository:
    TenancyRepository + BlobRepository + FileRepository + UploadRepository + fmt::Debug + 'static
{
    /// Asks whether the database answers and takes writes. Cheap enough for a health check every few
    /// seconds.
    async fn health(&self) -> Result<(), RepositoryError>;
}
