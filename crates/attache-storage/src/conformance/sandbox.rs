//! The part of a store that a check may use, and the assertions that it makes.

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

use attache_model::{BlobId, Sha256Digest, TenantId, with_causes};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};

use crate::{
    BlobError, BlobErrorKind, BlobKey, BlobReader, BlobStore, Body, ByteRange, PutError,
    PutOptions, StoredBlob,
};

/// The result of a check.
pub(super) type Outcome = Result<(), Violation>;

/// The number of times that leftovers are deleted: an abandoned put may still arrive.
const CLEANING_ROUNDS: usize = 3;

/// A violation of the contract, in words.
#[derive(Debug)]
pub(super) struct Violation(String);

impl Violation {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// Describes an error where there should be none, with its causes.
    fn unexpected(error: &(dyn Error + 'static)) -> Self {
        Self(format!("unexpected error: {}", with_causes(error)))
    }
}

impl From<BlobError> for Violation {
    fn from(error: BlobError) -> Self {
        Self::unexpected(&error)
    }
}

impl From<PutError> for Violation {
    fn from(error: PutError) -> Self {
        Self::unexpected(&error)
    }
}

/// Fails the check unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::conformance::sandbox::Violation::new(format!($($text)+)));
        }
    };
}
pub(super) use ensure;

/// A store, and the namespace in it that a check may use.
pub(super) struct Sandbox<'a> {
    store: &'a dyn BlobStore,
    namespace: BlobKey,
    used: Mutex<Vec<BlobKey>>,
}

impl<'a> Sandbox<'a> {
    pub(super) fn new(store: &'a dyn BlobStore, namespace: BlobKey) -> Self {
        Self {
            store,
            namespace,
            used: Mutex::default(),
        }
    }

    pub(super) fn store(&self) -> &'a dyn BlobStore {
        self.store
    }

    /// Returns a key in the namespace, which will be deleted.
    pub(super) fn key(&self, name: &str) -> Result<BlobKey, Violation> {
        let key = BlobKey::parse(format!("{}/{name}", self.namespace));
        let key = key.map_err(|error| Violation::unexpected(&error))?;
        self.used().push(key.clone());
        Ok(key)
    }

    /// Returns a new key of the store's, moved into the namespace, which will be deleted.
    pub(super) fn new_key(
        &self,
        tenant: TenantId,
        blob: BlobId,
        max_size_bytes: Option<u64>,
    ) -> Result<BlobKey, Violation> {
        let key = self.store.new_key(tenant, blob, max_size_bytes);
        self.key(key.as_str())
    }

    /// Returns the prefix of all keys in the namespace.
    pub(super) fn prefix(&self) -> String {
        format!("{}/", self.namespace)
    }

    fn used(&self) -> MutexGuard<'_, Vec<BlobKey>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes all keys that were handed out, and any others in the namespace.
    pub(super) async fn clean_up(&self) -> Outcome {
        let used = std::mem::take(&mut *self.used());
        for key in &used {
            self.store.delete(key).await?;
        }
        for _ in 0..CLEANING_ROUNDS {
            let left = self.store.list(&self.prefix(), None, 1000).await?;
            if left.keys.is_empty() {
                return Ok(());
            }
            for key in &left.keys {
                self.store.delete(key).await?;
            }
        }
        Err(Violation::new(
            "blobs are left after everything was deleted",
        ))
    }

    /// Puts bytes with their length.
    pub(super) async fn put(&self, key: &BlobKey, bytes: &Bytes) -> Result<StoredBlob, Violation> {
        let body = Body::from(bytes.clone());
        Ok(self.store.put(key, body, PutOptions::default()).await?)
    }

    /// Reads a blob, or a range, and compares it with the expected bytes.
    pub(super) async fn ensure_reads(
        &self,
        key: &BlobKey,
        range: Option<ByteRange>,
        size: usize,
        wanted: &[u8],
    ) -> Outcome {
        let reader = self.store.get(key, range).await?;
        ensure!(
            reader.size_bytes == size as u64,
            "the reader of a blob of {size} bytes, range {range:?}, reports {}",
            reader.size_bytes
        );
        let read = read_all(reader, wanted.len()).await?;
        ensure!(
            read == wanted,
            "reading {range:?} of a blob of {size} bytes returned {} bytes that are not the expected {}",
            read.len(),
            wanted.len()
        );
        Ok(())
    }

    /// Checks that the blob exists and is complete.
    pub(super) async fn ensure_holds(&self, key: &BlobKey, wanted: &[u8]) -> Outcome {
        let size_bytes = self.store.head(key).await?.size_bytes;
        ensure!(
            size_bytes == wanted.len() as u64,
            "head reports {size_bytes} bytes of a blob of {}",
            wanted.len()
        );
        self.ensure_reads(key, None, wanted.len(), wanted).await
    }

    /// Checks that no operation finds the blob.
    pub(super) async fn ensure_absent(&self, key: &BlobKey) -> Outcome {
        expect_kind(
            self.store.get(key, None).await,
            BlobErrorKind::NotFound,
            "a get",
        )?;
        expect_kind(
            self.store.head(key).await,
            BlobErrorKind::NotFound,
            "a head",
        )?;
        let listed = self.store.list(key.as_str(), None, 1).await?;
        ensure!(
            listed.keys.is_empty() && !listed.has_more,
            "a blob that does not exist is listed"
        );
        Ok(())
    }
}

/// Reads a blob, up to the first chunk that exceeds its expected size.
pub(super) async fn read_all(reader: BlobReader, wanted: usize) -> Result<Bytes, Violation> {
    let mut stream = reader.stream;
    let mut bytes = BytesMut::with_capacity(wanted);
    while let Some(chunk) = stream.try_next().await? {
        bytes.extend_from_slice(&chunk);
        ensure!(
            bytes.len() <= wanted,
            "a reader returns more than the requested {wanted} bytes"
        );
    }
    Ok(bytes.freeze())
}

/// Checks that a call failed with a kind of error.
pub(super) fn expect_kind<T>(
    result: Result<T, BlobError>,
    wanted: BlobErrorKind,
    call: &str,
) -> Outcome {
    match result {
        Ok(_) => Err(Violation::new(format!(
            "{call} succeeded instead of failing with {wanted:?}"
        ))),
        Err(error) if error.kind() == wanted => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{call} failed with {:?} instead of {wanted:?}",
            error.kind()
        ))),
    }
}

/// Returns the digest of bytes.
pub(super) fn sha256_of(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest::from_bytes(Sha256::digest(bytes).into())
}
