//! The store itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_storage::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, Body, ByteRange,
    Capabilities, KeyPage, PresignOperation, PresignedRequest, PutError, PutOptions, StoreHealth,
    StoredBlob,
};
use tokio::time::Instant;

use crate::bucket::Bucket;
use crate::failure::S3Failure;
use crate::{S3Credentials, S3CredentialsError, S3Options, list, presign, put, read, strays};

/// For how long the bucket counts as there after it has answered.
const HEALTHY_FOR: Duration = Duration::from_secs(5);

/// Keeps blobs as objects in a bucket of S3 or a compatible store.
///
/// - **Durable** as the store is: S3 answers once the bytes are safe. Of others, ask their makers.
/// - **Nothing rests on conditional requests**: stores were seen to ignore them. A put to a taken
///   key overwrites it, so keys must not be reused, as the contract says.
/// - **Bounded.** Blobs up to [`part_size_bytes`](S3Options::part_size_bytes) are held whole, so that
///   they can be sent again; of larger ones at most three parts; and of all puts together
///   [`buffer_bytes`](S3Options::buffer_bytes). A put that needs more waits, with its sender, for
///   others to end, and is `Unavailable` after ten seconds.
/// - **Unknown outcomes are settled**: where the answer to a put is lost, the store is asked for
///   the blob, and its size and checksum are compared, before the put succeeds or fails.
/// - **Cancellation.** What a dropped put has begun is aborted in the background. Where its last
///   request is already under way, that goes on, and a [`delete`](BlobStore::delete) of the key by
///   this store waits for it, and is final. After a crash, `delete` aborts what is open under the
///   key.
/// - **Not versioned.** In a bucket with versioning a delete frees nothing; a rule that expires old
///   versions does.
///
/// Cloning it is cheap and shares the connections. Needs a tokio runtime with I/O and time.
#[derive(Debug, Clone)]
pub struct S3BlobStore {
    pub(crate) bucket: Arc<Bucket>,
}

impl S3BlobStore {
    /// A store on a bucket. Asks nobody; [`health`](BlobStore::health) does.
    pub fn new(options: S3Options, credentials: &S3Credentials) -> Self {
        Self {
            bucket: Bucket::new(options, credentials),
        }
    }

    /// Gets an access key now rather than with the first request, unless one is held. Asks the source
    /// of the credentials alone, not the store.
    ///
    /// # Errors
    ///
    /// There is none at present.
    pub async fn find_credentials(&self) -> Result<(), S3CredentialsError> {
        self.bucket.clients.session.access_key().await.map(drop)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl BlobStore for S3BlobStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            presigns_get: true,
            presigns_put: true,
            refuses_taken_keys: false,
        }
    }

    async fn put(
        &self,
        key: &BlobKey,
        body: Body,
        options: PutOptions,
    ) -> Result<StoredBlob, PutError> {
        put::put(&self.bucket, key, body, options).await
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        read::get(&self.bucket, key, range).await
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        let found = read::head(&self.bucket, key).await;
        found.map_err(|failure| failure.of("head", key))
    }

    /// Waits for what this store has under way on the key, then aborts the uploads that are open
    /// under it, then deletes the object, so that nothing comes back.
    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.bucket.landings.settled(key).await;
        let cleared = strays::abort_all_but(&self.bucket, key, None).await;
        cleared.map_err(|failure| failure.of("delete", key))?;
        let deleted = delete_object(&self.bucket, key).await;
        deleted.map_err(|failure| failure.of("delete", key))
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        let page = list::list(&self.bucket, prefix, after, limit).await;
        page.map_err(|failure| failure.of_all("list"))
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        presign::presign(&self.bucket, operation).await
    }

    /// Asks for the bucket, at most once in five seconds and once at a time. S3 knows no bound to
    /// its room.
    async fn health(&self) -> Result<StoreHealth, BlobError> {
        let mut last_healthy = self.bucket.last_healthy.lock().await;
        if last_healthy.is_none_or(|moment| moment.elapsed() >= HEALTHY_FOR) {
            *last_healthy = None;
            let found = find_bucket(&self.bucket).await;
            found.map_err(|failure| failure.of_all("health"))?;
            *last_healthy = Some(Instant::now());
        }
        Ok(StoreHealth { free_bytes: None })
    }
}

async fn delete_object(bucket: &Bucket, key: &BlobKey) -> Result<(), S3Failure> {
    let deleted = bucket
        .clients
        .calls
        .delete_object()
        .bucket(&bucket.name)
        .key(bucket.object_name(key.as_str()))
        .send()
        .await
        .map_err(S3Failure::from);
    match deleted {
        // S3 says 204 for what is not there; not all do.
        Err(failure) if failure.kind() != BlobErrorKind::NotFound => Err(failure),
        _ => Ok(()),
    }
}

async fn find_bucket(bucket: &Bucket) -> Result<(), S3Failure> {
    let request = bucket.clients.calls.head_bucket().bucket(&bucket.name);
    request.send().await.map_err(|error| {
        let failure = S3Failure::from(error);
        match failure.kind() {
            // Not a missing blob: there is no store.
            BlobErrorKind::NotFound => S3Failure::Nonsense("is that there is no such bucket"),
            _ => failure,
        }
    })?;
    Ok(())
}
