//! The uploads of a repository with one thing wrong.

use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::{
    Attempt, BlobRepository as _, FileRepository as _, NewFile, NewUpload, Refusal,
    RepositoryError, StoredUpload, UploadRepository,
};
use attache_model::{
    Actor, Context, FileId, FileRecord, Filename, MediaType, TenantId, Upload, Visibility,
};

use crate::broken::{Broken, Fault};
use crate::database;

impl Broken {
    /// Returns what `complete_upload` returns to a winner, without being one.
    async fn complete_again(&self, cx: &Context, id: FileId) -> Attempt<FileRecord> {
        let stored = self.inner.find_file(cx, id).await?;
        Ok(stored.map(|it| it.record).ok_or(Refusal::UploadCompleted))
    }

    /// Leaves an upload where a record was deleted.
    pub(crate) async fn begin_again(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<(), RepositoryError> {
        let upload = NewUpload {
            id,
            person: None,
            category: None,
            name: None,
            filename: Filename::parse("report.pdf").unwrap(),
            description: None,
            content_type: MediaType::parse("application/pdf").unwrap(),
            size_bytes: None,
            sha256: None,
            visibility: Visibility::Private,
            expires_at: cx.now(),
            staging: None,
        };
        self.inner.begin_upload(cx, &upload).await?.ok();
        Ok(())
    }
}

#[async_trait]
impl UploadRepository for Broken {
    async fn begin_upload(&self, cx: &Context, upload: &NewUpload) -> Attempt<Upload> {
        let mut upload = upload.clone();
        let staged = upload.staging.clone();
        if self.fault == Fault::StagingKept
            && let Some(staging) = upload.staging.take()
        {
            // A blob that nothing ties to the upload.
            self.inner
                .begin_blobs(cx, std::slice::from_ref(&staging))
                .await?;
        }
        let begun = self.inner.begin_upload(cx, &upload).await?;
        if self.fault == Fault::StagingReapedAtOnce
            && let Some(staging) = staged
        {
            let abandoned = self.inner.abandon_blob(cx, staging.id, staging.lease);
            abandoned.await?;
        }
        Ok(begun)
    }

    async fn find_upload(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<Option<StoredUpload>, RepositoryError> {
        if self.fault != Fault::UploadsOfAllTenants {
            return self.inner.find_upload(cx, id).await;
        }
        for tenant in 1..5 {
            let tenant = TenantId::new(tenant);
            let request_id = cx.request_id().clone();
            let foreign = Context::for_bearer(tenant, Actor::Anyone, request_id, cx.now());
            let found = self.inner.find_upload(&foreign, id).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    async fn complete_upload(
        &self,
        cx: &Context,
        id: FileId,
        file: &NewFile,
    ) -> Attempt<FileRecord> {
        if self.fault == Fault::RecordUnderAnotherId {
            let files = database::upload(file.clone());
            let committed = self.inner.commit_files(cx, &files).await?;
            return Ok(committed.map(|mut files| files.remove(0).record));
        }
        let attempt = self.inner.complete_upload(cx, id, file).await?;
        Ok(match (self.fault, attempt) {
            (
                Fault::CompletedTwice | Fault::CompletionsAllSucceed,
                Err(Refusal::UploadCompleted),
            ) => self.complete_again(cx, id).await?,
            (Fault::CompletedAfterCancellation, Err(Refusal::NotFound)) => {
                let files = database::upload(file.clone());
                let committed = self.inner.commit_files(cx, &files).await?;
                committed.map(|mut files| files.remove(0).record)
            }
            (Fault::RefusalsConsumeTheUpload, Err(refusal)) => {
                let _ = self.inner.cancel_upload(cx, id).await?;
                Err(refusal)
            }
            (Fault::UploadedByCompleter, Ok(mut record)) => {
                record.uploaded_by = cx.principal_seq();
                Ok(record)
            }
            (_, attempt) => attempt,
        })
    }

    async fn cancel_upload(&self, cx: &Context, id: FileId) -> Attempt<()> {
        self.inner.cancel_upload(cx, id).await
    }

    async fn drop_expired_uploads(
        &self,
        kept_for: Duration,
        limit: u32,
    ) -> Result<u32, RepositoryError> {
        let (kept_for, limit) = match self.fault {
            Fault::ExpiredUploadsNotKept => (Duration::ZERO, limit),
            Fault::ExpiredUploadsAllAtOnce => (kept_for, u32::MAX),
            _ => (kept_for, limit),
        };
        self.inner.drop_expired_uploads(kept_for, limit).await
    }
}
