//! An upload of parts that was begun: it is completed, or aborted, whatever happens.

use std::sync::Arc;

use attache_storage::{BlobKey, StoredBlob};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::bucket::Bucket;
use crate::clients::{TRIES, backoff};
use crate::failure::S3Failure;
use crate::settle::{Settled, look};
use crate::strays;

/// An upload under way. Dropped before it is complete, it is aborted in the background. After a
/// crash the delete of its key aborts it.
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
    /// Begins an upload. Where the caller goes away meanwhile, the request goes on, so that there is
    /// an id to abort.
    pub(crate) async fn begin(bucket: &Arc<Bucket>, key: &BlobKey) -> Result<Self, S3Failure> {
        let (bucket, key) = (Arc::clone(bucket), key.clone());
        let beginning = tokio::spawn(async move { Self::begin_to_the_end(bucket, key).await });
        beginning.await.unwrap_or(Err(S3Failure::GivenUp))
    }

    /// Not left to the SDK's retries: each try may have begun an upload that nobody knows.
    async fn begin_to_the_end(bucket: Arc<Bucket>, key: BlobKey) -> Result<Self, S3Failure> {
        let mut has_strays = false;
        let mut tries = 1;
        let begun = loop {
            match create(&bucket, &key).await {
                Ok(id) => break Ok(id),
                Err(failure) => {
                    has_strays |= failure.may_be_done();
                    let may_help = failure.kind() == attache_storage::BlobErrorKind::Unavailable;
                    if tries == TRIES || !may_help {
                        break Err(failure);
                    }
                    sleep(backoff(tries)).await;
                    tries += 1;
                }
            }
        };
        let begun = begun.map(|id| Self {
            target: Target {
                bucket: Arc::clone(&bucket),
                key: key.clone(),
                id,
            },
            is_open: true,
            runtime: Handle::current(),
        });
        if has_strays {
            let ours = begun.as_ref().ok().map(Self::id);
            // As well as may be: the delete of the key does it again.
            let _ = strays::abort_all_but(&bucket, &key, ours).await;
        }
        begun
    }

    pub(crate) fn bucket(&self) -> &Bucket {
        &self.target.bucket
    }

    pub(crate) fn object_name(&self) -> String {
        self.target.object_name()
    }

    pub(crate) fn id(&self) -> &str {
        &self.target.id
    }

    /// Makes the parts one blob, from a task of its own: see
    /// [`Landings`](crate::landing::Landings).
    pub(crate) async fn complete(
        self,
        parts: Vec<CompletedPart>,
        stored: StoredBlob,
    ) -> Result<(), S3Failure> {
        let landing = self.target.bucket.landings.begin(&self.target.key).await;
        let completing = tokio::spawn(async move {
            let completed = self.complete_or_abort(&parts, stored).await;
            drop(landing);
            completed
        });
        completing.await.unwrap_or(Err(S3Failure::GivenUp))
    }

    async fn complete_or_abort(
        mut self,
        parts: &[CompletedPart],
        stored: StoredBlob,
    ) -> Result<(), S3Failure> {
        let completed = self.target.complete_and_settle(parts, stored).await;
        if completed.is_ok() {
            self.is_open = false;
        } else {
            self.abort().await;
        }
        completed
    }

    /// Gives the upload up. What fails here is left to the delete of the key.
    pub(crate) async fn abort(mut self) {
        strays::abort(&self.target.bucket, &self.object_name(), &self.target.id)
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
                strays::abort(&target.bucket, &name, &target.id).await.ok();
            });
        }
    }
}

impl Target {
    fn object_name(&self) -> String {
        self.bucket.object_name(self.key.as_str())
    }

    async fn complete_and_settle(
        &self,
        parts: &[CompletedPart],
        stored: StoredBlob,
    ) -> Result<(), S3Failure> {
        let Err(failure) = self.complete(parts).await else {
            return Ok(());
        };
        // Whatever the failure is: a try before the last may have been the one that was done, and
        // then the last finds no upload, which some (s3s-fs) answer with a 403.
        match look(&self.bucket, &self.key, stored).await {
            Settled::Done => Ok(()),
            Settled::NotDone | Settled::Unknown => Err(failure),
        }
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
            .await?;
        Ok(())
    }
}

async fn create(bucket: &Bucket, key: &BlobKey) -> Result<String, S3Failure> {
    let answer = bucket
        .clients
        .once
        .create_multipart_upload()
        .bucket(&bucket.name)
        .key(bucket.object_name(key.as_str()))
        .send()
        .await?;
    let id = answer.upload_id.filter(|id| !id.is_empty());
    id.ok_or(S3Failure::Nonsense("names no upload"))
}
