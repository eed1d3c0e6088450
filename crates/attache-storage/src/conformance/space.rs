//! The place that one check works in, and what it has to say when it fails.

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

use attache_model::{Sha256Digest, with_causes};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};

use crate::{
    BlobError, BlobErrorKind, BlobKey, BlobReader, BlobStore, Body, ByteRange, PutError,
    PutOptions, StoredBlob,
};

/// What a check ends with.
pub(super) type Outcome = Result<(), Problem>;

/// How often what a check left is looked for: an abandoned put may still arrive.
const CLEANING_ROUNDS: usize = 3;

/// What a store did wrong, in words.
#[derive(Debug)]
pub(super) struct Problem(String);

impl Problem {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    /// An error where there should have been none, with all that it has to say.
    fn unexpected(error: &(dyn Error + 'static)) -> Self {
        Self(format!("unexpected error: {}", with_causes(error)))
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        Self::unexpected(&error)
    }
}

impl From<PutError> for Problem {
    fn from(error: PutError) -> Self {
        Self::unexpected(&error)
    }
}

/// Ends the check with a problem unless a condition holds.
macro_rules! ensure {
    ($condition:expr, $($problem:tt)+) => {
        if !$condition {
            return Err($crate::conformance::space::Problem::new(format!($($problem)+)));
        }
    };
}
pub(super) use ensure;

/// A store, and the part of it that is ours.
pub(super) struct Space<'a> {
    store: &'a dyn BlobStore,
    namespace: BlobKey,
    used: Mutex<Vec<BlobKey>>,
}

impl<'a> Space<'a> {
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

    /// A key of ours, which will be cleaned up.
    pub(super) fn key(&self, name: &str) -> Result<BlobKey, Problem> {
        let key = BlobKey::parse(format!("{}/{name}", self.namespace));
        let key = key.map_err(|error| Problem::unexpected(&error))?;
        self.used().push(key.clone());
        Ok(key)
    }

    /// The start that all our keys have.
    pub(super) fn prefix(&self) -> String {
        format!("{}/", self.namespace)
    }

    fn used(&self) -> MutexGuard<'_, Vec<BlobKey>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes every key that was asked for, and looks whether there are others.
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
        Err(Problem::new(
            "after everything was deleted something is left",
        ))
    }

    /// Puts bytes of which all is known.
    pub(super) async fn put(&self, key: &BlobKey, bytes: &Bytes) -> Result<StoredBlob, Problem> {
        let body = Body::from(bytes.clone());
        Ok(self.store.put(key, body, PutOptions::default()).await?)
    }

    /// Gets a blob, or a range, and holds it against what it should be.
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
            "the reader of a blob of {size} bytes, range {range:?}, says {}",
            reader.size_bytes
        );
        let read = read_all(reader, wanted.len()).await?;
        ensure!(
            read == wanted,
            "reading {range:?} of a blob of {size} bytes gave {} bytes that are not the {} wanted",
            read.len(),
            wanted.len()
        );
        Ok(())
    }

    /// The blob is there, whole.
    pub(super) async fn ensure_holds(&self, key: &BlobKey, wanted: &[u8]) -> Outcome {
        let size_bytes = self.store.head(key).await?.size_bytes;
        ensure!(
            size_bytes == wanted.len() as u64,
            "head says {size_bytes} bytes of a blob of {}",
            wanted.len()
        );
        self.ensure_reads(key, None, wanted.len(), wanted).await
    }

    /// No operation shows the blob.
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
            "a blob that is not there is listed"
        );
        Ok(())
    }
}

/// Reads a blob, but not endlessly more than it should have.
pub(super) async fn read_all(reader: BlobReader, wanted: usize) -> Result<Bytes, Problem> {
    let mut stream = reader.stream;
    let mut bytes = BytesMut::with_capacity(wanted);
    while let Some(chunk) = stream.try_next().await? {
        bytes.extend_from_slice(&chunk);
        ensure!(
            bytes.len() <= wanted,
            "a reader gives more than the {wanted} bytes asked for"
        );
    }
    Ok(bytes.freeze())
}

/// The call failed, with this meaning.
pub(super) fn expect_kind<T>(
    answer: Result<T, BlobError>,
    wanted: BlobErrorKind,
    call: &str,
) -> Outcome {
    match answer {
        Ok(_) => Err(Problem::new(format!(
            "{call} succeeded where {wanted:?} was due"
        ))),
        Err(error) if error.kind() == wanted => Ok(()),
        Err(error) => Err(Problem::new(format!(
            "{call} failed with {:?} where {wanted:?} was due",
            error.kind()
        ))),
    }
}

/// The digest of bytes.
pub(super) fn sha256_of(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest::from_bytes(Sha256::digest(bytes).into())
}
