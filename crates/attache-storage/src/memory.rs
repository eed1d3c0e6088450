//! Blobs in memory, for tests and examples.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use attache_model::{BlobId, TenantId};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, BlobStore, Body, BodyVerifier,
    ByteRange, Capabilities, KeyPage, MarkerWrite, PresignOperation, PresignedRequest, PutError,
    PutOptions, StoreHealth, StoreMarker, StoredBlob,
};

/// The largest chunk that a reader returns, as with the other backends.
const CHUNK_BYTES: usize = 256 * 1024;

/// The most memory that is allocated on the strength of a declared length.
const TRUSTED_BYTES: u64 = 1024 * 1024;

/// Stores blobs in memory, for tests and examples.
///
/// Two guarantees of the contract do not hold: nothing survives the process, and a blob is held
/// whole. All others do.
#[derive(Default)]
pub struct MemoryBlobStore {
    blobs: Mutex<BTreeMap<BlobKey, Bytes>>,
    marker: Mutex<Option<String>>,
}

impl MemoryBlobStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn blobs(&self) -> MutexGuard<'_, BTreeMap<BlobKey, Bytes>> {
        // No code panics between two changes to the map, so a poisoned lock is fine.
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: &BlobKey, operation: &'static str) -> Result<Bytes, BlobError> {
        let found = self.blobs().get(key).cloned();
        found.ok_or_else(|| BlobError::new(BlobErrorKind::NotFound, operation).with_key(key))
    }
}

impl fmt::Debug for MemoryBlobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBlobStore")
            .field("blobs", &self.blobs().len())
            .finish()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl BlobStore for MemoryBlobStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            refuses_taken_keys: true,
            ..Capabilities::default()
        }
    }

    fn new_key(&self, tenant: TenantId, blob: BlobId, _: Option<u64>) -> BlobKey {
        BlobKey::for_blob(tenant, blob)
    }

    async fn put(
        &self,
        key: &BlobKey,
        mut body: Body,
        options: PutOptions,
    ) -> Result<StoredBlob, PutError> {
        let mut verifier = BodyVerifier::new(&body, options)?;
        let declared = body.exact_size_bytes().unwrap_or(0).min(TRUSTED_BYTES);
        let mut bytes = BytesMut::with_capacity(usize::try_from(declared).unwrap_or(0));
        while let Some(chunk) = body.try_next().await? {
            verifier.update(&chunk)?;
            bytes.extend_from_slice(&chunk);
        }
        let stored = verifier.finish()?;
        let mut blobs = self.blobs();
        if blobs.contains_key(key) {
            let taken = BlobError::new(BlobErrorKind::AlreadyExists, "put").with_key(key);
            return Err(taken.into());
        }
        blobs.insert(key.clone(), bytes.freeze());
        Ok(stored)
    }

    async fn get(&self, key: &BlobKey, range: Option<ByteRange>) -> Result<BlobReader, BlobError> {
        let blob = self.find(key, "get")?;
        let size_bytes = blob.len() as u64;
        let range = range.unwrap_or(ByteRange {
            offset_bytes: 0,
            length_bytes: size_bytes,
        });
        let wanted = slice(&blob, range)
            .ok_or_else(|| BlobError::new(BlobErrorKind::InvalidRange, "get").with_key(key))?;
        let chunks = stream::unfold(wanted, |mut rest| async move {
            let chunk = rest.split_to(rest.len().min(CHUNK_BYTES));
            (!chunk.is_empty()).then_some((Ok(chunk), rest))
        });
        Ok(BlobReader {
            size_bytes,
            stream: chunks.boxed(),
        })
    }

    async fn head(&self, key: &BlobKey) -> Result<BlobMeta, BlobError> {
        let blob = self.find(key, "head")?;
        Ok(BlobMeta {
            size_bytes: blob.len() as u64,
        })
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.blobs().remove(key);
        Ok(())
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<KeyPage, BlobError> {
        let start = match after {
            Some(after) if after.as_str() >= prefix => Bound::Excluded(after.as_str()),
            _ => Bound::Included(prefix),
        };
        let blobs = self.blobs();
        let mut found = blobs
            .range::<str, _>((start, Bound::Unbounded))
            .map(|(key, _)| key)
            .take_while(|key| key.as_str().starts_with(prefix));
        let keys = found.by_ref().take(limit).cloned().collect();
        let has_more = found.next().is_some();
        Ok(KeyPage { keys, has_more })
    }

    async fn presign(&self, operation: &PresignOperation) -> Result<PresignedRequest, BlobError> {
        Err(BlobError::new(BlobErrorKind::Unsupported, "presign").with_key(operation.key()))
    }

    async fn health(&self) -> Result<StoreHealth, BlobError> {
        Ok(StoreHealth { free_bytes: None })
    }
}

#[async_trait]
impl StoreMarker for MemoryBlobStore {
    async fn read_marker(&self) -> Result<Option<String>, BlobError> {
        let marker = self.marker.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(marker.clone())
    }

    async fn write_marker(&self, marker: &str, write: MarkerWrite) -> Result<(), BlobError> {
        let mut held = self.marker.lock().unwrap_or_else(PoisonError::into_inner);
        if write == MarkerWrite::Create && held.is_some() {
            return Err(BlobError::new(BlobErrorKind::AlreadyExists, "write_marker"));
        }
        *held = Some(marker.to_owned());
        Ok(())
    }
}

/// Returns a range of the bytes without copying, or `None` if it lies outside.
fn slice(bytes: &Bytes, range: ByteRange) -> Option<Bytes> {
    if !range.fits(bytes.len() as u64) {
        return None;
    }
    let start = usize::try_from(range.offset_bytes).ok()?;
    let length = usize::try_from(range.length_bytes).ok()?;
    Some(bytes.slice(start..start + length))
}
