//! Uploads: promised files, and the record each becomes.
//!
//! An upload's row is locked before anything else that its completion or cancellation touches.

use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::{
    Attempt, CommittedFile, EventHook, NewFile, NewFiles, NewUpload, Refusal, RepositoryError,
    StoredUpload, UploadRepository,
};
use attache_model::{Context, FileId, FileRecord, PersonRef, PrincipalSeq, Upload};
use sqlx::{AssertSqlSafe, PgConnection};

use super::commit::{Commit, integer};
use super::failure::{Failure, Stop};
use super::open::PostgresRepository;
use super::settle::{self, Settling};
use super::transaction::{attempt, write};
use super::{blobs, people};
use crate::rows::RowError;
use crate::uploads::{self, UPLOAD_COLUMNS};

#[async_trait]
impl UploadRepository for PostgresRepository {
    async fn begin_upload(&self, cx: &Context, upload: &NewUpload) -> Attempt<Upload> {
        attempt(
            self.pool(),
            "begin_upload",
            &(cx, upload),
            |connection, (cx, upload)| Box::pin(begin(connection, cx, upload)),
        )
        .await
    }

    async fn find_upload(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<Option<StoredUpload>, RepositoryError> {
        const OPERATION: &str = "find_upload";
        let mut reader = self.reader(OPERATION).await?;
        let found = find(&mut reader, cx, id, "").await;
        found.map_err(|failure| failure.in_operation(OPERATION))
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
        let files = NewFiles {
            files: vec![file],
            idempotency_key: None,
        };
        let completion = Completion {
            cx,
            id,
            hook: self.hook(),
            files: &files,
        };
        let settling = Settling {
            cx,
            files: &files,
            settle_for: self.settle_for(),
        };
        let made = settle::attempt(
            self.pool(),
            OPERATION,
            &settling,
            &completion,
            |connection, completion| Box::pin(complete(connection, completion)),
        );
        let mut files = match made.await? {
            Ok(files) => files,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match files.pop() {
            Some(file) => Ok(Ok(file.record)),
            None => Err(Failure::from(RowError::Column("id")).in_operation(OPERATION)),
        }
    }

    async fn cancel_upload(&self, cx: &Context, id: FileId) -> Attempt<()> {
        attempt(
            self.pool(),
            "cancel_upload",
            &(cx, id),
            |connection, (cx, id)| Box::pin(cancel(connection, cx, *id)),
        )
        .await
    }

    async fn drop_expired_uploads(
        &self,
        kept_for: Duration,
        limit: u32,
    ) -> Result<u32, RepositoryError> {
        write(
            self.pool(),
            "drop_expired_uploads",
            &(blobs::millis(kept_for), limit),
            |connection, (kept_for, limit)| {
                // One that is being completed or cancelled at this moment is left for the next time.
                let query = sqlx::query(
                    "WITH expired AS MATERIALIZED (SELECT id FROM uploads \
                        WHERE expires_at <= database_now() - $1 \
                        ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED) \
                    DELETE FROM uploads USING expired WHERE uploads.id = expired.id",
                );
                let query = query.bind(*kept_for).bind(i64::from(*limit));
                Box::pin(async move {
                    let dropped = query.execute(connection).await?.rows_affected();
                    Ok(u32::try_from(dropped).unwrap_or(*limit))
                })
            },
        )
        .await
    }
}

async fn begin(
    connection: &mut PgConnection,
    cx: &Context,
    upload: &NewUpload,
) -> Result<Upload, Stop<Refusal>> {
    if let Some(person @ PersonRef::Id(_)) = &upload.person
        && people::find(connection, cx, person).await?.is_none()
    {
        return Err(Refusal::UnknownPerson.into());
    }
    let begun = insert(connection, cx, upload).await?;
    if let Some(intent) = &upload.staging {
        blobs::begin(connection, cx.tenant(), intent).await?;
    }
    Ok(begun)
}

async fn insert(
    connection: &mut PgConnection,
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
    let (person_id, person_identifier) = uploads::person_columns(upload.person.as_ref());
    let size_bytes = upload.size_bytes.map(|size| integer("size_bytes", size));
    let staging = upload.staging.as_ref();
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(upload.id.as_uuid())
        .bind(cx.tenant().get())
        .bind(person_id)
        .bind(person_identifier)
        .bind(upload.category.as_ref().map(|it| it.as_str().to_owned()))
        .bind(upload.name.as_ref().map(|it| it.as_str().to_owned()))
        .bind(upload.filename.as_str().to_owned())
        .bind(upload.description.as_ref().map(|it| it.as_str().to_owned()))
        .bind(upload.content_type.as_str().to_owned())
        .bind(size_bytes.transpose()?)
        .bind(upload.sha256.map(|digest| digest.as_bytes().to_vec()))
        .bind(upload.visibility.as_str())
        .bind(cx.principal_seq().map(PrincipalSeq::get))
        .bind(cx.now().as_millis())
        .bind(upload.expires_at.as_millis())
        .bind(staging.map(|intent| intent.id.as_uuid()))
        .bind(staging.map(|intent| intent.storage_key.clone()))
        .bind(staging.map(|intent| intent.lease.as_uuid()))
        .fetch_one(connection)
        .await?;
    Ok(uploads::read(&row)?.into_stored()?.upload)
}

/// Finds an upload; `lock` is what the statement ends with.
async fn find(
    connection: &mut PgConnection,
    cx: &Context,
    id: FileId,
    lock: &'static str,
) -> Result<Option<StoredUpload>, Failure> {
    let sql =
        format!("SELECT {UPLOAD_COLUMNS} FROM uploads WHERE tenant_id = $1 AND id = $2 {lock}");
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(cx.tenant().get())
        .bind(id.as_uuid());
    let Some(row) = query.fetch_optional(connection).await? else {
        return Ok(None);
    };
    Ok(Some(uploads::read(&row)?.into_stored()?))
}

/// Locks a pending upload. Whoever waited here for another's completion sees the upload as that left
/// it: a locking read follows the row to its newest version.
async fn lock_pending(
    connection: &mut PgConnection,
    cx: &Context,
    id: FileId,
) -> Result<StoredUpload, Stop<Refusal>> {
    let found = find(connection, cx, id, "FOR UPDATE").await?;
    Ok(uploads::pending(found)?)
}

/// The completion of an upload.
struct Completion<'u> {
    cx: &'u Context,
    id: FileId,
    hook: Option<&'u dyn EventHook>,
    /// The one file it becomes.
    files: &'u NewFiles,
}

async fn complete(
    connection: &mut PgConnection,
    completion: &Completion<'_>,
) -> Result<Vec<CommittedFile>, Stop<Refusal>> {
    let cx = completion.cx;
    let stored = lock_pending(connection, cx, completion.id).await?;
    let commit = Commit {
        cx,
        hook: completion.hook,
        files: completion.files,
        uploaded_by: stored.upload.created_by,
        staging: stored.staging.as_ref().map(|staging| staging.id),
    };
    let committed = commit.run(connection).await?;
    let sql = "UPDATE uploads SET completed_at = $3 WHERE tenant_id = $1 AND id = $2";
    sqlx::query(sql)
        .bind(cx.tenant().get())
        .bind(completion.id.as_uuid())
        .bind(cx.now().as_millis())
        .execute(&mut *connection)
        .await?;
    give_up_staging(connection, &stored).await?;
    Ok(committed)
}

async fn cancel(
    connection: &mut PgConnection,
    cx: &Context,
    id: FileId,
) -> Result<(), Stop<Refusal>> {
    let stored = lock_pending(connection, cx, id).await?;
    let sql = "DELETE FROM uploads WHERE tenant_id = $1 AND id = $2";
    let query = sqlx::query(sql).bind(cx.tenant().get()).bind(id.as_uuid());
    query.execute(&mut *connection).await?;
    Ok(give_up_staging(connection, &stored).await?)
}

async fn give_up_staging(
    connection: &mut PgConnection,
    stored: &StoredUpload,
) -> Result<(), Failure> {
    let Some(staging) = &stored.staging else {
        return Ok(());
    };
    blobs::give_up(connection, stored.upload.tenant, staging.id, staging.lease).await
}
