//! The [`BlobStore`] in a bucket.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_model::{BlobId, TenantId};
use attache_storage::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, Body, ByteRange,
    Capabilities, KeyPage, MarkerWrite, PresignOperation, PresignedRequest, PutError, PutOptions,
    StoreHealth, StoreMarker, StoredBlob,
};
use tokio::time::Instant;

use crate::bucket::Bucket;
use crate::credentials::{S3Credentials, S3CredentialsError};
use crate::failure::S3Failure;
use crate::options::S3Options;
use crate::{list, marker, orphaned_multipart, presign, put, read};

/// The time for which a successful health check is cached.
const HEALTHY_FOR: Duration = Duration::from_secs(5);

/// Stores blobs as objects in a bucket of S3 or a compatible store.
///
/// - **Durable** as the store is: S3 responds once the bytes are safe. See the documentation of
///   others.
/// - **No conditional requests**: some stores ignore them. A put to an existing key overwrites it, so
///   keys must not be reused, as the contract says.
/// - **Bounded.** Blobs up to [`part_size_bytes`](S3Options::part_size_bytes) are buffered whole, so
///   that they can be sent again; of larger ones at most three parts; and of all puts together
///   [`buffer_bytes`](S3Options::buffer_bytes), fairly shared by the first segments of their keys. A
///   put that needs more waits, with its sender, for others to end, and is `Unavailable` after ten
///   seconds.
/// - **Unknown outcomes are resolved**: if the response to a put is lost, the blob's size and checksum
///   are read and compared before the put succeeds or fails.
/// - **Cancellation.** The upload of a dropped put is aborted in the background. If its last request
///   is already in flight, it continues, and a [`delete`](BlobStore::delete) of the key by this store
///   waits for it, and is final. After a crash, `delete` aborts the open uploads of the key.
/// - **Not versioned.** In a bucket with versioning a delete frees nothing; a rule that expires old
///   versions does.
///
/// Cloning it is cheap and shares the connections. Needs a tokio runtime with I/O and time.
///
/// ```no_run
/// use attache_storage::{BlobKey, BlobStore, BlobStoreExt};
/// use attache_storage_s3::{S3BlobStore, S3Credentials, S3Options};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let options = S3Options::parse("s3://files/live?endpoint=http://127.0.0.1:3900&region=garage")?;
/// let store = S3BlobStore::new(options, &S3Credentials::from_env()?);
/// // Fail at the start rather than with the first upload.
/// store.health().await?;
///
/// let key = BlobKey::parse("7/91/report")?;
/// store.put_bytes(&key, "%PDF-1.7").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct S3BlobStore {
    pub(crate) bucket: Arc<Bucket>,
}

impl S3BlobStore {
    /// Creates a store on a bucket. Sends no request; [`health`](BlobStore::health) does.
    pub fn new(options: S3Options, credentials: &S3Credentials) -> Self {
        Self {
            bucket: Bucket::new(options, credentials),
        }
    }

    /// Loads credentials now rather than with the first request, unless there are valid ones. Calls
    /// only their source, not the store.
    ///
    /// # Errors
    ///
    /// If there are no credentials at present.
    pub async fn find_credentials(&self) -> Result<(), S3CredentialsError> {
        self.bucket.clients.credentials.get().await.map(drop)
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

    fn new_key(&self, tenant: TenantId, blob: BlobId, _: Option<u64>) -> BlobKey {
        BlobKey::for_blob(tenant, blob)
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

    /// Waits for this store's writes to the key, then aborts the open uploads of the key, then deletes
    /// the object, so that it does not reappear.
    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.bucket.in_flight.wait_for(key).await;
        let aborted = orphaned_multipart::abort_all_but(&self.bucket, key, None).await;
        aborted.map_err(|failure| failure.of("delete", key))?;
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

    /// Checks that the bucket exists, at most every five seconds and once at a time. S3 has no bound.
    async fn health(&self) -> Result<StoreHealth, BlobError> {
        let mut last_healthy_at = self.bucket.last_healthy_at.lock().await;
        if last_healthy_at.is_none_or(|at| at.elapsed() >= HEALTHY_FOR) {
            *last_healthy_at = None;
            let found = find_bucket(&self.bucket).await;
            found.map_err(|failure| failure.of_all("health"))?;
            *last_healthy_at = Some(Instant::now());
        }
        Ok(StoreHealth { free_bytes: None })
    }
}

#[async_trait]
impl StoreMarker for S3BlobStore {
    async fn read_marker(&self) -> Result<Option<String>, BlobError> {
        let read = marker::read(&self.bucket).await;
        read.map_err(|failure| failure.of_all("read_marker"))
    }

    async fn write_marker(&self, text: &str, write: MarkerWrite) -> Result<(), BlobError> {
        let written = marker::write(&self.bucket, text, write).await;
        match written {
            Err(failure) if failure.has_code("PreconditionFailed") => {
                Err(BlobError::new(BlobErrorKind::AlreadyExists, "write_marker")
                    .with_source(failure))
            }
            written => written.map_err(|failure| failure.of_all("write_marker")),
        }
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
        .map_err(|error| bucket.failure(error));
    match deleted {
        // S3 responds 204 for a missing object; some stores do not.
        Err(failure) if failure.kind() != BlobErrorKind::NotFound => Err(failure),
        _ => Ok(()),
    }
}

async fn find_bucket(bucket: &Bucket) -> Result<(), S3Failure> {
    let request = bucket.clients.calls.head_bucket().bucket(&bucket.name);
    request.send().await.map_err(|error| {
        let failure = bucket.failure(error);
        match failure.kind() {
            // Not a missing blob: there is no store.
            BlobErrorKind::NotFound => S3Failure::Invalid("is that there is no such bucket"),
            _ => failure,
        }
    })?;
    Ok(())
}
