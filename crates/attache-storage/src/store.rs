//! The contract of every backend and every wrapper.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use attache_model::{BlobId, Sha256Digest, TenantId};

use crate::body::ByteStream;
use crate::{BlobError, BlobKey, Body, PutError};

/// Stores bytes under keys.
///
/// The contract, beyond the methods' own:
///
/// - **Atomic.** A blob exists whole or not at all. Readers never see a part of one.
/// - **Durable on return.** When a method that changes something returns `Ok`, the change survives
///   the loss of power.
/// - **Keys are never reused**, not even after a delete, so nothing relies on conditional puts.
/// - **Cancellation.** A dropped `put` leaves either nothing visible or the whole blob; the caller
///   deletes the key to be sure. A dropped `delete` may or may not have happened, and can be
///   repeated. Dropping any other future has no effect.
/// - **Bounded.** Memory is bounded per call, whatever the size of the blob.
///
/// No method has a default body, so that a wrapper cannot miss one. The suite in
/// [`conformance`](crate::conformance) is public: run it on your backend.
///
/// ```
/// use attache_storage::{BlobKey, BlobStore, BlobStoreExt, ByteRange, MemoryBlobStore};
/// use futures_util::TryStreamExt;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store: Box<dyn BlobStore> = Box::new(MemoryBlobStore::new());
/// let key = BlobKey::parse("7/91/report")?;
/// store.put_bytes(&key, "%PDF-1.7").await?;
///
/// let range = ByteRange { offset_bytes: 5, length_bytes: 3 };
/// let reader = store.get(&key, Some(range)).await?;
/// assert_eq!(reader.size_bytes, 8);
/// let bytes: Vec<_> = reader.stream.try_collect().await?;
/// assert_eq!(bytes.concat(), b"1.7");
///
/// let page = store.list("7/", None, 100).await?;
/// assert_eq!(page.keys, [key]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[async_trait]
pub trait BlobStore: fmt::Debug + Send + Sync + 'static {
    /// Returns what this store supports beyond the required. Constant for the life of the store.
    fn capabilities(&self) -> Capabilities;

    /// Returns the key for a new blob of a tenant, such as [`BlobKey::for_blob`]: one that was never returned before
    /// and begins with the tenant's id. A store may place a blob by its size, so `max_size_bytes` is the largest
    /// size that its body may have, or `None` if any. Does no I/O.
    fn new_key(&self, tenant: TenantId, blob: BlobId, max_size_bytes: Option<u64>) -> BlobKey;

    /// Stores a whole body and computes its size and digest while it streams.
    ///
    /// # Errors
    ///
    /// [`PutError::Body`] if the bytes are at fault (cut off, too large, wrong length or digest),
    /// [`PutError::Store`] if the store is. Either way nothing becomes visible.
    async fn put(
        &self,
        key: &BlobKey,
        body: Body,
        options: PutOptions,
    ) -> Result<StoredBlob, PutError>;

    /// Opens a blob, or a range of it, for reading. A reader that was opened before the blob's
    /// deletion may finish or fail, but never returns wrong bytes.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidRange` if the range does not lie within the blob.
    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError>;

    /// Returns the size of a blob.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError>;

    /// Deletes a blob. Deleting one that does not exist is `Ok`, so that deletes can be repeated.
    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError>;

    /// Lists keys in byte order: those that begin with `prefix` and come after `after`, at most
    /// `limit` of them. For checks and reports: nothing is ever deleted because of a listing.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError>;

    /// Signs a request that a client may send straight to the store.
    ///
    /// # Errors
    ///
    /// `Unsupported` if [`capabilities`](Self::capabilities) says so, or if any part of the operation
    /// cannot be enforced: a constraint is never dropped.
    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError>;

    /// Checks that the store is reachable, and returns how much space it has. Cheap enough for a
    /// health check every few seconds.
    async fn health(&self) -> Result<StoreHealth, BlobError>;
}

/// The optional features of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// [`PresignOperation::Get`] works.
    pub presigns_get: bool,
    /// [`PresignOperation::Put`] works, bound to size, digest and type.
    pub presigns_put: bool,
    /// A put to an existing key is refused with `AlreadyExists`. If this is `false`, it overwrites.
    pub refuses_taken_keys: bool,
}

/// The constraints on the body of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PutOptions {
    /// The largest size to accept, or `None` for no limit. One byte more fails the put.
    pub max_size_bytes: Option<u64>,
    /// The digest that the bytes must have, or `None` for any.
    pub expected_sha256: Option<Sha256Digest>,
}

/// The result of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredBlob {
    /// The size.
    pub size_bytes: u64,
    /// The digest, computed from the bytes as they were stored.
    pub sha256: Sha256Digest,
}

/// The result of [`BlobStore::head`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobMeta {
    /// The size of the blob.
    pub size_bytes: u64,
}

/// A part of a blob: `length_bytes` bytes, starting at `offset_bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte of the part, counted from 0.
    pub offset_bytes: u64,
    /// The length of the part. 0 is allowed, and yields no bytes.
    pub length_bytes: u64,
}

impl ByteRange {
    /// Returns `true` if the range lies within a blob of `size_bytes`.
    pub fn fits(self, size_bytes: u64) -> bool {
        self.offset_bytes
            .checked_add(self.length_bytes)
            .is_some_and(|end| end <= size_bytes)
    }
}

/// An open blob.
pub struct BlobReader {
    /// The size of the whole blob, whatever range was requested.
    pub size_bytes: u64,
    /// The requested bytes. The stream ends early only with an error.
    pub stream: ByteStream<BlobError>,
}

impl fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobReader")
            .field("size_bytes", &self.size_bytes)
            .finish_non_exhaustive()
    }
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPage {
    /// The keys, in byte order.
    pub keys: Vec<BlobKey>,
    /// True if there are more keys after the last of them.
    pub has_more: bool,
}

/// A request to presign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresignOperation {
    /// Read a blob.
    Get {
        /// The key of the blob.
        key: BlobKey,
        /// The time for which the signature is valid.
        lifetime: Duration,
        /// The `Content-Type` that the store responds with.
        content_type: String,
        /// The `Content-Disposition` that the store responds with.
        content_disposition: String,
    },
    /// Write a blob of exactly this size, digest and type.
    Put {
        /// The key of the blob.
        key: BlobKey,
        /// The time for which the signature is valid.
        lifetime: Duration,
        /// The exact size.
        size_bytes: u64,
        /// The exact digest.
        sha256: Sha256Digest,
        /// The exact type.
        content_type: String,
    },
}

impl PresignOperation {
    /// Returns the key of the blob.
    pub fn key(&self) -> &BlobKey {
        match self {
            Self::Get { key, .. } | Self::Put { key, .. } => key,
        }
    }

    /// Returns the same operation on another key, as a wrapper that adds a prefix needs it.
    #[must_use]
    pub fn with_key(mut self, new_key: BlobKey) -> Self {
        match &mut self {
            Self::Get { key, .. } | Self::Put { key, .. } => *key = new_key,
        }
        self
    }
}

/// A presigned request, for a client to send.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedRequest {
    /// `GET` or `PUT`.
    pub method: &'static str,
    /// The whole URL. It is a credential: never log it.
    pub url: String,
    /// The headers that the client must send, exactly as they were signed.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for PresignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresignedRequest")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// The state of a reachable store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreHealth {
    /// The number of bytes that there is space for, or `None` if the store has no known bound.
    pub free_bytes: Option<u64>,
}
