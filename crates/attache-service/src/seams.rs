//! Extension points: inspection of uploads, and the way that downloads take.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use attache_metadata::BlobFacts;
use attache_model::{Category, Context, Filename, MediaType, PersonRef};
use attache_storage::{BlobError, BlobKey, BlobReader, BlobStore};

use crate::ServiceError;

/// The decision of an [`Inspector`] about one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Commit the file.
    Accept,
    /// Refuse the whole upload. The client sees the reason.
    Refuse(String),
    /// Commit the file, but withhold its bytes until [`FileService::release_hold`](crate::FileService::release_hold).
    Hold,
}

/// A file whose bytes are stored but not committed.
#[derive(Debug)]
pub struct StagedFile {
    /// The filename that the client sent.
    pub filename: Filename,
    /// The type of the bytes, as decided from them.
    pub content_type: MediaType,
    /// Size and digest of the bytes.
    pub facts: BlobFacts,
    /// The person that the file is about, or `None`. An unknown identifier is not registered yet.
    pub person: Option<PersonRef>,
    /// The category, or `None`.
    pub category: Option<Category>,
    pub(crate) key: BlobKey,
    pub(crate) store: Arc<dyn BlobStore>,
}

impl StagedFile {
    /// Opens the bytes for reading; may be called any number of times.
    ///
    /// # Errors
    ///
    /// Returns the error of the store.
    pub async fn open(&self) -> Result<BlobReader, BlobError> {
        self.store.get(&self.key, None).await
    }
}

/// Inspection hook: runs after the bytes of a file are stored and before its record is committed.
///
/// Every file passes through it, whichever way its bytes arrived. A virus scanner is an `Inspector`:
///
/// ```
/// use async_trait::async_trait;
/// use attache_model::Context;
/// use attache_service::{Inspector, ServiceError, StagedFile, Verdict};
///
/// #[derive(Debug)]
/// struct NoExecutables;
///
/// #[async_trait]
/// impl Inspector for NoExecutables {
///     async fn inspect(&self, _: &Context, file: &StagedFile) -> Result<Verdict, ServiceError> {
///         let executable = "application/vnd.microsoft.portable-executable";
///         Ok(if file.content_type.essence() == executable {
///             Verdict::Refuse("programs are not accepted".to_owned())
///         } else {
///             Verdict::Accept
///         })
///     }
/// }
/// ```
#[async_trait]
pub trait Inspector: fmt::Debug + Send + Sync + 'static {
    /// Judges one file.
    ///
    /// # Errors
    ///
    /// Any error fails the upload: a file that could not be inspected is not stored.
    async fn inspect(&self, cx: &Context, file: &StagedFile) -> Result<Verdict, ServiceError>;
}

/// The way that the bytes of a download take to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Downloads {
    /// Through the service.
    #[default]
    Stream,
    /// Straight from the store by a presigned request, if the store can presign and the bytes are to
    /// be saved rather than shown; through the service otherwise.
    Redirect,
}
