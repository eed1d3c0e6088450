//! Pending uploads, and the record each becomes.
//!
//! An upload's row is locked before anything else that its completion or cancellation touches.

use std::borrow::Borrow;
use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::{
    Attempt, CommittedFile, NewFile, NewFiles, NewUpload, Refusal, RepositoryError, StoredUpload,
    UploadRepository,
};
use attache_model::{
    Category, Context, Description, DisplayName, FileId, FileRecord, PersonRef, PrincipalSeq,
    TenantId, Upload,
};

use crate::call::Call;
use crate::columns::UPLOAD_COLUMNS;
use crate::failure::{Failure, RowError, Stop};
use crate::leases::{self, millis};
use crate::records::commit::Commit;
use crate::records::people;
use crate::repository::{Backend, SqlRepository};
use crate::rows;
use crate::session::{Session, Statement, integer};

#[async_trait]
impl<B: Backend> UploadRepository for SqlRepository<B> {
    async fn begin_upload(&self, cx: &Context, upload: &NewUpload) -> Attempt<Upload> {
        let input = (cx.clone(), upload.clone());
        self.backend
            .change(
                Call::of(cx, "begin_upload"),
                input,
                |session, (cx, upload)| Box::pin(begin(session, cx, upload)),
            )
            .await
    }

    async fn find_upload(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<Option<StoredUpload>, RepositoryError> {
        let input = (cx.tenant(), id);
        self.backend
            .read(
                Call::of(cx, "find_upload"),
                input,
                |session, (tenant, id)| Box::pin(find(session, *tenant, *id, "")),
            )
            .await
    }

    async fn complete_upload(
        &self,
        cx: &Context,
        id: FileId,
        file: &NewFile,
    ) -> Attempt<FileRecord> {
        const OPERATION: &str = "complete_upload";
        let file = NewFile {
            id,
            dedup: false,
            ..file.clone()
        };
        let completion = Completion {
            id,
            commit: Commit {
                cx: cx.clone(),
                hook: self.backend.hook(),
                upload: NewFiles {
                    files: vec![file],
                    idempotency_key: None,
                },
            },
        };
        let completed = self
            .backend
            .commit(Call::of(cx, OPERATION), completion, |session, it| {
                Box::pin(complete(session, it))
            });
        let mut files = match completed.await? {
            Ok(files) => files,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match files.pop() {
            Some(file) => Ok(Ok(file.record)),
            None => Err(Failure::Row(RowError::Missing).in_operation(OPERATION)),
        }
    }

    async fn cancel_upload(&self, cx: &Context, id: FileId) -> Attempt<()> {
        let input = (cx.tenant(), id);
        self.backend
            .change(
                Call::of(cx, "cancel_upload"),
                input,
                |session, (tenant, id)| Box::pin(cancel(session, *tenant, *id)),
            )
            .await
    }

    async fn drop_expired_uploads(
        &self,
        kept_for: Duration,
        limit: u32,
    ) -> Result<u32, RepositoryError> {
        const OPERATION: &str = "drop_expired_uploads";
        // The reaper asks often and finds nothing mostly: that must not cost a commit.
        let kept_for = millis(kept_for);
        let has_expired = self.backend.read(
            Call::of_service(OPERATION),
            kept_for,
            |session, kept_for| {
                let sql = "SELECT 1 FROM uploads WHERE expires_at <= database_now() - $1 LIMIT 1";
                Box::pin(session.exists(Statement::new(sql).bind(*kept_for)))
            },
        );
        if !has_expired.await? {
            return Ok(0);
        }
        let input = (kept_for, limit);
        self.backend
            .write(
                Call::of_service(OPERATION),
                input,
                |session, (kept_for, limit)| Box::pin(drop_expired(session, *kept_for, *limit)),
            )
            .await
    }
}

async fn begin<S: Session>(
    session: &mut S,
    cx: &Context,
    upload: &NewUpload,
) -> Result<Upload, Stop<Refusal>> {
    if let Some(person @ PersonRef::Id(_)) = &upload.person
        && people::find(session, cx.tenant(), person).await?.is_none()
    {
        return Err(Refusal::UnknownPerson.into());
    }
    let begun = insert(session, cx, upload).await?;
    if let Some(intent) = &upload.staging {
        leases::begin(session, cx.tenant(), std::slice::from_ref(intent)).await?;
    }
    Ok(begun)
}

async fn insert<S: Session>(
    session: &mut S,
    cx: &Context,
    upload: &NewUpload,
) -> Result<Upload, Failure> {
    let sql = format!(
        "INSERT INTO uploads (id, tenant_id, person_id, person_identifier, category, name, \
        filename, description, content_type, size_bytes, sha256, visibility, created_by, \
        created_at, expires_at, staging_blob_id, staging_key, staging_lease) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) \
        RETURNING {UPLOAD_COLUMNS}"
    );
    let (person_id, person_identifier) = match &upload.person {
        None => (None, None),
        Some(PersonRef::Id(id)) => (Some(id.as_uuid()), None),
        Some(PersonRef::Identifier(identifier)) => (None, Some(identifier.as_str())),
    };
    let size_bytes = upload.size_bytes.map(|size| integer("size_bytes", size));
    let sha256 = upload.sha256.as_ref();
    let staging = upload.staging.as_ref();
    let statement = Statement::new(sql)
        .bind(upload.id.as_uuid())
        .bind(cx.tenant().get())
        .bind(person_id)
        .bind(person_identifier)
        .bind(upload.category.as_ref().map(Category::as_str))
        .bind(upload.name.as_ref().map(DisplayName::as_str))
        .bind(upload.filename.as_str())
        .bind(upload.description.as_ref().map(Description::as_str))
        .bind(upload.content_type.as_str())
        .bind(size_bytes.transpose()?)
        .bind(sha256.map(|digest| digest.as_bytes().as_slice()))
        .bind(upload.visibility.as_str())
        .bind(cx.principal_seq().map(PrincipalSeq::get))
        .bind(cx.now().as_millis())
        .bind(upload.expires_at.as_millis())
        .bind(staging.map(|intent| intent.id.as_uuid()))
        .bind(staging.map(|intent| intent.storage_key.as_str()))
        .bind(staging.map(|intent| intent.lease.as_uuid()));
    Ok(session.one(statement, rows::upload).await?.upload)
}

/// Finds an upload; `lock` is the end of the statement.
async fn find<S: Session>(
    session: &mut S,
    tenant: TenantId,
    id: FileId,
    lock: &str,
) -> Result<Option<StoredUpload>, Failure> {
    let sql =
        format!("SELECT {UPLOAD_COLUMNS} FROM uploads WHERE tenant_id = $1 AND id = $2 {lock}");
    let statement = Statement::new(sql).bind(tenant.get()).bind(id.as_uuid());
    session.optional(statement, rows::upload).await
}

/// Locks an upload that may be completed or cancelled. After waiting for another's completion it sees
/// the upload as that left it: a locking read follows the row to its newest version.
async fn lock_pending<S: Session>(
    session: &mut S,
    tenant: TenantId,
    id: FileId,
) -> Result<StoredUpload, Stop<Refusal>> {
    let found = find(session, tenant, id, S::lock("FOR UPDATE")).await?;
    let stored = found.ok_or(Refusal::NotFound)?;
    if stored.upload.completed_at.is_some() {
        return Err(Refusal::UploadCompleted.into());
    }
    Ok(stored)
}

/// The completion of an upload, which becomes the one file of the commit.
struct Completion {
    id: FileId,
    commit: Commit,
}

impl Borrow<Commit> for Completion {
    fn borrow(&self) -> &Commit {
        &self.commit
    }
}

async fn complete<S: Session>(
    session: &mut S,
    completion: &Completion,
) -> Result<Vec<CommittedFile>, Stop<Refusal>> {
    let Completion { id, commit } = completion;
    let tenant = commit.cx.tenant();
    let stored = lock_pending(session, tenant, *id).await?;
    let staging = stored.staging.as_ref().map(|staging| staging.id);
    let created_by = stored.upload.created_by;
    let committed = commit.run(session, created_by, staging).await?;
    let sql = "UPDATE uploads SET completed_at = $3 WHERE tenant_id = $1 AND id = $2";
    let update = Statement::new(sql)
        .bind(tenant.get())
        .bind(id.as_uuid())
        .bind(commit.cx.now().as_millis());
    session.execute(update).await?;
    give_up_staging(session, &stored).await?;
    Ok(committed)
}

async fn cancel<S: Session>(
    session: &mut S,
    tenant: TenantId,
    id: FileId,
) -> Result<(), Stop<Refusal>> {
    let stored = lock_pending(session, tenant, id).await?;
    let sql = "DELETE FROM uploads WHERE tenant_id = $1 AND id = $2";
    let delete = Statement::new(sql).bind(tenant.get()).bind(id.as_uuid());
    session.execute(delete).await?;
    Ok(give_up_staging(session, &stored).await?)
}

async fn give_up_staging<S: Session>(
    session: &mut S,
    stored: &StoredUpload,
) -> Result<(), Failure> {
    let Some(staging) = &stored.staging else {
        return Ok(());
    };
    leases::give_up(session, stored.upload.tenant, staging.id, staging.lease).await
}

/// Drops uploads that expired. One that is being completed or cancelled is left for the next time.
async fn drop_expired<S: Session>(
    session: &mut S,
    kept_for: i64,
    limit: u32,
) -> Result<u32, Failure> {
    let lock = S::lock("FOR UPDATE SKIP LOCKED");
    let sql = format!(
        "WITH expired AS MATERIALIZED (SELECT id FROM uploads \
            WHERE expires_at <= database_now() - $1 ORDER BY expires_at LIMIT $2 {lock}) \
        DELETE FROM uploads WHERE id IN (SELECT id FROM expired)"
    );
    let delete = Statement::new(sql).bind(kept_for).bind(i64::from(limit));
    let dropped = session.execute(delete).await?;
    Ok(u32::try_from(dropped).unwrap_or(limit))
}
