//! The contract that every backend and every wrapper keeps.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use attache_model::Sha256Digest;

use crate::body::ByteStream;
use crate::{BlobError, BlobKey, Body, PutError};

/// Keeps bytes under keys.
///
/// The contract, beyond what each method says:
///
/// - **Atomic.** A blob is there whole or not at all; readers never see a part of one.
/// - **Durable on return.** When a method that changes something returns `Ok`, the change survives
///   the loss of power.
/// - **Keys are never reused**, not even after a delete, so nothing rests on a conditional put.
/// - **Cancellation.** A dropped `put` leaves either nothing visible or the whole blob; the caller
///   deletes the key to be sure. A dropped `delete` may or may not have happened, and can be
///   repeated. Dropping any other future has no effect.
/// - **Bounded.** Memory is bounded per call, whatever the size of the blob.
///
/// No method has a default body, so that a wrapper cannot forget one. The suite in
/// [`conformance`](crate::conformance) is public: run it on your backend.
#[async_trait]
pub trait BlobStore: fmt::Debug + Send + Sync + 'static {
    /// What this store can do beyond the required. Constant for the life of the store.
    fn capabilities(&self) -> Capabilities;

    /// Stores a whole body and computes its size and digest while it streams.
    ///
    /// # Errors
    ///
    /// [`PutError::Body`] when the bytes are at fault (cut off, too large, wrong length or digest),
    /// [`PutError::Store`] when the store is. Either way nothing becomes visible.
    async fn put(
        &self,
        key: &BlobKey,
        body: Body,
        options: PutOptions,
    ) -> Result<StoredBlob, PutError>;

    /// Opens a blob, or a range of it, for reading. A reader that was opened before the blob's
    /// deletion may finish or fail, but never gives wrong bytes.
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidRange` when the range does not lie within the blob.
    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError>;

    /// Says how large a blob is.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError>;

    /// Deletes a blob. Deleting one that is not there is `Ok`, so that it can be repeated.
    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError>;

    /// Lists keys in byte order: those that begin with `prefix` and come after `after`, at most
    /// `limit` of them. For checks and reports; nothing is ever deleted because of a listing.
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
    /// `Unsupported` where [`capabilities`](Self::capabilities) says so, or where any part of the
    /// operation cannot be enforced: a constraint is never dropped.
    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError>;

    /// Asks whether the store is reachable and how much room it has. Cheap enough for a health
    /// check every few seconds.
    async fn health(&self) -> Result<StoreHealth, BlobError>;
}

/// What a store can do beyond the required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// [`PresignOperation::Get`] works.
    pub presigns_get: bool,
    /// [`PresignOperation::Put`] works, bound to size, digest and type.
    pub presigns_put: bool,
    /// A put to a taken key is refused with `AlreadyExists`. Where this is `false` it overwrites.
    pub refuses_taken_keys: bool,
}

/// What a put promises and allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PutOptions {
    /// The most bytes to take; `None` for no limit. One byte more fails the put.
    pub max_size_bytes: Option<u64>,
    /// The digest the bytes must have; `None` to take any.
    pub expected_sha256: Option<Sha256Digest>,
}

/// What a put stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredBlob {
    /// How many bytes.
    pub size_bytes: u64,
    /// Their digest, computed by the store's own crate from the bytes as they passed.
    pub sha256: Sha256Digest,
}

/// What [`BlobStore::head`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobMeta {
    /// How many bytes the blob has.
    pub size_bytes: u64,
}

/// Part of a blob: `length_bytes` bytes from `offset_bytes` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// Where the part begins, from 0.
    pub offset_bytes: u64,
    /// How long it is; 0 is allowed and gives no bytes.
    pub length_bytes: u64,
}

impl ByteRange {
    /// Whether the range lies within a blob of `size_bytes`.
    pub fn fits(self, size_bytes: u64) -> bool {
        self.offset_bytes
            .checked_add(self.length_bytes)
            .is_some_and(|end| end <= size_bytes)
    }
}

/// An open blob.
pub struct BlobReader {
    /// How many bytes the whole blob has, whatever range was asked for.
    pub size_bytes: u64,
    /// The bytes asked for. It ends early only with an error.
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
    /// Whether more follow the last of them.
    pub has_more: bool,
}

/// A request to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresignOperation {
    /// Read a blob.
    Get {
        /// Which.
        key: BlobKey,
        /// How long the signature is to hold.
        lifetime: Duration,
        /// The `Content-Type` the store is to answer with.
        content_type: String,
        /// The `Content-Disposition` the store is to answer with.
        content_disposition: String,
    },
    /// Write a blob of exactly this size, digest and type.
    Put {
        /// Which.
        key: BlobKey,
        /// How long the signature is to hold.
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
    /// The blob that is meant.
    pub fn key(&self) -> &BlobKey {
        match self {
            Self::Get { key, .. } | Self::Put { key, .. } => key,
        }
    }

    /// The same operation on another key.
    #[must_use]
    pub fn with_key(mut self, new_key: BlobKey) -> Self {
        match &mut self {
            Self::Get { key, .. } | Self::Put { key, .. } => *key = new_key,
        }
        self
    }
}

/// A signed request for a client to send.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedRequest {
    /// `GET` or `PUT`.
    pub method: &'static str,
    /// The whole URL. It is a credential: never log it.
    pub url: String,
    /// Headers the client must send along, as they were signed.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for PresignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresignedRequest")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// What [`BlobStore::health`] says of a store that is reachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreHealth {
    /// How many bytes there is room for; `None` where the store knows no bound.
    pub free_bytes: Option<u64>,
}
