//! A multipart upload in progress, which is completed or aborted, whatever happens.

use std::sync::Arc;

use attache_storage::{BlobErrorKind, BlobKey, StoredBlob};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::bucket::Bucket;
use crate::clients::{ATTEMPTS, backoff};
use crate::failure::S3Failure;
use crate::orphaned_multipart;
use crate::resolve_outcome::resolve_outcome;

/// An upload in progress. If it is dropped before it is complete, it is aborted in the background.
/// After a crash, the delete of its key aborts it.
#[derive(Debug)]
pub(crate) struct OpenUpload {
    target: Target,
    is_open: bool,
    runtime: Handle,
}

#[derive(Debug, Clone)]
struct Target {
    bucket: Arc<Bucket>,
    key: BlobKey,
    id: String,
}

impl OpenUpload {
    /// Creates an upload. If the caller is cancelled, the request continues, so that there is an id to
    /// abort.
    pub(crate) async fn begin(bucket: &Arc<Bucket>, key: &BlobKey) -> Result<Self, S3Failure> {
        let (bucket, key) = (Arc::clone(bucket), key.clone());
        let task = tokio::spawn(async move { Self::create(bucket, key).await });
        task.await.unwrap_or(Err(S3Failure::Cancelled))
    }

    /// Retries here rather than in the SDK, because each attempt may have created an upload whose id
    /// is lost.
    async fn create(bucket: Arc<Bucket>, key: BlobKey) -> Result<Self, S3Failure> {
        let mut may_have_orphans = false;
        let mut attempts = 1;
        let created = loop {
            match create(&bucket, &key).await {
                Ok(id) => break Ok(id),
                Err(failure) => {
                    may_have_orphans |= failure.may_be_applied();
                    if attempts == ATTEMPTS || failure.kind() != BlobErrorKind::Unavailable {
                        break Err(failure);
                    }
                    sleep(backoff(attempts)).await;
                    attempts += 1;
                }
            }
        };
        let created = created.map(|id| Self {
            target: Target {
                bucket: Arc::clone(&bucket),
                key: key.clone(),
                id,
            },
            is_open: true,
            runtime: Handle::current(),
        });
        if may_have_orphans {
            let kept = created.as_ref().ok().map(Self::id);
            // A failure is ignored: the delete of the key tries again.
            let _ = orphaned_multipart::abort_all_but(&bucket, &key, kept).await;
        }
        created
    }

    pub(crate) fn bucket(&self) -> &Arc<Bucket> {
        &self.target.bucket
    }

    pub(crate) fn object_name(&self) -> String {
        self.target.object_name()
    }

    pub(crate) fn id(&self) -> &str {
        &self.target.id
    }

    /// Assembles the parts into a blob, in a task of its own: see
    /// [`InFlightWrites`](crate::in_flight::InFlightWrites).
    pub(crate) async fn complete(
        self,
        parts: Vec<CompletedPart>,
        stored: StoredBlob,
    ) -> Result<(), S3Failure> {
        let write = self.target.bucket.in_flight.begin(&self.target.key).await;
        let task = tokio::spawn(async move {
            let completed = self.complete_or_abort(&parts, stored).await;
            drop(write);
            completed
        });
        task.await.unwrap_or(Err(S3Failure::Cancelled))
    }

    async fn complete_or_abort(
        mut self,
        parts: &[CompletedPart],
        stored: StoredBlob,
    ) -> Result<(), S3Failure> {
        let completed = self.target.complete_and_resolve(parts, stored).await;
        if completed.is_ok() {
            self.is_open = false;
        } else {
            self.abort().await;
        }
        completed
    }

    /// Aborts the upload. A failure is left to the delete of the key.
    pub(crate) async fn abort(mut self) {
        orphaned_multipart::abort(&self.target.bucket, &self.object_name(), &self.target.id)
            .await
            .ok();
        self.is_open = false;
    }
}

impl Drop for OpenUpload {
    fn drop(&mut self) {
        if self.is_open {
            let target = self.target.clone();
            self.runtime.spawn(async move {
                let name = target.object_name();
                orphaned_multipart::abort(&target.bucket, &name, &target.id)
                    .await
                    .ok();
            });
        }
    }
}

impl Target {
    fn object_name(&self) -> String {
        self.bucket.object_name(self.key.as_str())
    }

    async fn complete_and_resolve(
        &self,
        parts: &[CompletedPart],
        stored: StoredBlob,
    ) -> Result<(), S3Failure> {
        let Err(failure) = self.complete(parts).await else {
            return Ok(());
        };
        // Even after a refusal: if an earlier attempt was applied, the last one finds no upload, for
        // which some stores (s3s-fs) respond 403.
        resolve_outcome(&self.bucket, &self.key, stored, failure).await
    }

    async fn complete(&self, parts: &[CompletedPart]) -> Result<(), S3Failure> {
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts.to_vec()))
            .build();
        self.bucket
            .clients
            .bytes
            .complete_multipart_upload()
            .bucket(&self.bucket.name)
            .key(self.object_name())
            .upload_id(&self.id)
            .multipart_upload(parts)
            .send()
            .await
            .map_err(|error| self.bucket.failure(error))?;
        Ok(())
    }
}

async fn create(bucket: &Bucket, key: &BlobKey) -> Result<String, S3Failure> {
    let response = bucket
        .clients
        .once
        .create_multipart_upload()
        .bucket(&bucket.name)
        .key(bucket.object_name(key.as_str()))
        .send()
        .await
        .map_err(|error| bucket.failure(error))?;
    let id = response.upload_id.filter(|id| !id.is_empty());
    id.ok_or(S3Failure::Invalid("has no upload id"))
}
