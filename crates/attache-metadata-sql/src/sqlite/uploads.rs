//! Uploads: promised files, and the record each becomes.

use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::{
    Attempt, NewFile, NewUpload, Refusal, RepositoryError, StoredUpload, UploadRepository,
};
use attache_model::{Context, FileId, FileRecord, PersonRef, PrincipalSeq, Timestamp, Upload};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use super::commit::{Commit, integer};
use super::failure::{Failure, Stop};
use super::open::SqliteRepository;
use super::{blobs, people};
use crate::uploads::{self, UPLOAD_COLUMNS};

#[async_trait]
impl UploadRepository for SqliteRepository {
    async fn begin_upload(&self, cx: &Context, upload: &NewUpload) -> Attempt<Upload> {
        let (cx, upload, now) = (cx.clone(), upload.clone(), self.now());
        self.writer()
            .attempt("begin_upload", move |connection| {
                Box::pin(async move { begin(connection, &cx, upload, now).await })
            })
            .await
    }

    async fn find_upload(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<Option<StoredUpload>, RepositoryError> {
        const OPERATION: &str = "find_upload";
        let mut reader = self.reader(OPERATION).await?;
        let found = find(&mut reader, cx, id).await;
        found.map_err(|failure| failure.in_operation(OPERATION))
    }

    async fn complete_upload(
        &self,
        cx: &Context,
        id: FileId,
        file: &NewFile,
    ) -> Attempt<FileRecord> {
        let (cx, hook, now) = (cx.clone(), self.hook(), self.now());
        let file = NewFile {
            id,
            dedup: false,
            ..file.clone()
        };
        self.writer()
            .attempt("complete_upload", move |connection| {
                Box::pin(async move {
                    let stored = uploads::pending(find(connection, &cx, id).await?)?;
                    let commit = Commit {
                        uploaded_by: stored.upload.created_by,
                        cx,
                        hook,
                        now,
                    };
                    complete(connection, &commit, &stored, &file).await
                })
            })
            .await
    }

    async fn cancel_upload(&self, cx: &Context, id: FileId) -> Attempt<()> {
        let (cx, now) = (cx.clone(), self.now());
        self.writer()
            .attempt("cancel_upload", move |connection| {
                Box::pin(async move {
                    let stored = uploads::pending(find(connection, &cx, id).await?)?;
                    let sql = "DELETE FROM uploads WHERE tenant_id = ?1 AND id = ?2";
                    let query = sqlx::query(sql).bind(cx.tenant().get()).bind(id.as_uuid());
                    query.execute(&mut *connection).await?;
                    Ok(give_up_staging(connection, &stored, now).await?)
                })
            })
            .await
    }

    async fn drop_expired_uploads(
        &self,
        kept_for: Duration,
        limit: u32,
    ) -> Result<u32, RepositoryError> {
        let until = uploads::earlier(self.now(), kept_for);
        // The reaper asks often and finds nothing mostly: that is not to cost a commit.
        if !self.has_uploads_expired_by(until).await? {
            return Ok(0);
        }
        self.writer()
            .write("drop_expired_uploads", move |connection| {
                Box::pin(async move {
                    let sql = "DELETE FROM uploads WHERE id IN (SELECT id FROM uploads \
                        WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";
                    let query = sqlx::query(sql)
                        .bind(until.as_millis())
                        .bind(i64::from(limit));
                    let dropped = query.execute(connection).await?.rows_affected();
                    Ok(u32::try_from(dropped).unwrap_or(limit))
                })
            })
            .await
    }
}

impl SqliteRepository {
    async fn has_uploads_expired_by(&self, until: Timestamp) -> Result<bool, RepositoryError> {
        const OPERATION: &str = "drop_expired_uploads";
        let sql = "SELECT EXISTS (SELECT 1 FROM uploads WHERE expires_at <= ?1)";
        let mut reader = self.reader(OPERATION).await?;
        let query = sqlx::query(sql).bind(until.as_millis());
        let row = query.fetch_one(&mut *reader).await;
        row.and_then(|row| row.try_get(0))
            .map_err(|error| Failure::from(error).in_operation(OPERATION))
    }
}

async fn begin(
    connection: &mut SqliteConnection,
    cx: &Context,
    upload: NewUpload,
    now: Timestamp,
) -> Result<Upload, Stop<Refusal>> {
    if let Some(person @ PersonRef::Id(_)) = &upload.person
        && people::find(connection, cx, person).await?.is_none()
    {
        return Err(Refusal::UnknownPerson.into());
    }
    let begun = insert(connection, cx, &upload).await?;
    if let Some(intent) = upload.staging {
        blobs::begin(connection, cx.tenant(), intent, now).await?;
    }
    Ok(begun)
}

async fn insert(
    connection: &mut SqliteConnection,
    cx: &Context,
    upload: &NewUpload,
) -> Result<Upload, Failure> {
    let sql = format!(
        "INSERT INTO uploads (id, tenant_id, person_id, person_identifier, category, name, \
        filename, description, content_type, size_bytes, sha256, visibility, created_by, \
        created_at, expires_at, staging_blob_id, staging_key, staging_lease) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) \
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

async fn find(
    connection: &mut SqliteConnection,
    cx: &Context,
    id: FileId,
) -> Result<Option<StoredUpload>, Failure> {
    let sql = format!("SELECT {UPLOAD_COLUMNS} FROM uploads WHERE tenant_id = ?1 AND id = ?2");
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(cx.tenant().get())
        .bind(id.as_uuid());
    let Some(row) = query.fetch_optional(connection).await? else {
        return Ok(None);
    };
    Ok(Some(uploads::read(&row)?.into_stored()?))
}

/// Makes the record of a pending upload. The write lock has been held since before the upload was
/// found, so nobody else completes it.
async fn complete(
    connection: &mut SqliteConnection,
    commit: &Commit,
    stored: &StoredUpload,
    file: &NewFile,
) -> Result<FileRecord, Stop<Refusal>> {
    let committed = commit.commit_file(connection, file, None).await?;
    let sql = "UPDATE uploads SET completed_at = ?3 WHERE tenant_id = ?1 AND id = ?2";
    sqlx::query(sql)
        .bind(commit.cx.tenant().get())
        .bind(stored.upload.id.as_uuid())
        .bind(commit.cx.now().as_millis())
        .execute(&mut *connection)
        .await?;
    give_up_staging(connection, stored, commit.now).await?;
    Ok(committed.record)
}

async fn give_up_staging(
    connection: &mut SqliteConnection,
    stored: &StoredUpload,
    now: Timestamp,
) -> Result<(), Failure> {
    let Some(staging) = &stored.staging else {
        return Ok(());
    };
    let tenant = stored.upload.tenant;
    blobs::give_up(connection, tenant, staging.id, staging.lease, now).await
}
