//! The look at an upload between its bytes and its commit: where scanners plug in.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use attache_metadata::BlobFacts;
use attache_model::{Context, Filename, MediaType};
use attache_storage::{BlobError, BlobKey, BlobReader, BlobStore};

use crate::ServiceError;
use crate::service::Parts;
use crate::staging::Staged;

/// What an inspector makes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Commit it.
    Accept,
    /// Refuse the whole upload, for this reason, which the caller is told.
    Refuse(String),
    /// Commit it, but withhold its bytes until [`FileService::release_hold`](crate::FileService::release_hold).
    Hold,
}

/// A file whose bytes are stored but not committed.
#[derive(Debug)]
pub struct StagedFile {
    /// The name it came with.
    pub filename: Filename,
    /// What its bytes are.
    pub content_type: MediaType,
    /// Its size and digest.
    pub facts: BlobFacts,
    pub(crate) key: BlobKey,
    pub(crate) store: Arc<dyn BlobStore>,
}

impl StagedFile {
    /// Opens the bytes for reading, as often as needed.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn open(&self) -> Result<BlobReader, BlobError> {
        self.store.get(&self.key, None).await
    }
}

/// Looks at every file, by whatever way it came in, before it is committed.
#[async_trait]
pub trait Inspector: fmt::Debug + Send + Sync + 'static {
    /// Judges one file. An error fails the upload: what could not be inspected is not stored.
    async fn inspect(&self, cx: &Context, file: &StagedFile) -> Result<Verdict, ServiceError>;
}

/// Asks the inspector, where there is one; answers whether the bytes are to be withheld.
pub(crate) async fn inspect(
    parts: &Parts,
    cx: &Context,
    file: &Staged,
) -> Result<bool, ServiceError> {
    let Some(inspector) = &parts.inspector else {
        return Ok(false);
    };
    let staged = StagedFile {
        filename: file.filename.clone(),
        content_type: file.content_type.clone(),
        facts: file.facts.clone(),
        key: file.key.clone(),
        store: parts.store.clone(),
    };
    match inspector.inspect(cx, &staged).await? {
        Verdict::Accept => Ok(false),
        Verdict::Hold => Ok(true),
        Verdict::Refuse(reason) => Err(ServiceError::Refused {
            filename: file.filename.to_string(),
            reason,
        }),
    }
}
