//! Bytes on their way out: the one path by which they leave.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attache_metadata::{BlobLocation, StoredFile};
use attache_model::{
    Actor, Context, FileId, FileRecord, FileState, Filename, RequestId, Visibility,
};
use attache_storage::{
    BlobErrorKind, BlobKey, BlobReader, ByteRange, PresignOperation, PresignedRequest,
};

use crate::access::{Action, authorise};
use crate::service::Parts;
use crate::{FileService, ServiceError};

/// The longest that a request signed for the store is good for: nothing done to the file meanwhile
/// calls it back.
const REDIRECT_LIFETIME: Duration = Duration::from_mins(1);

/// How bytes get to whoever downloads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Downloads {
    /// Through the service.
    #[default]
    Stream,
    /// Straight from the store, by a request that the service signs, where the store can do that and
    /// the bytes are to be saved; else through the service.
    Redirect,
}

/// A permission to read one file's bytes, with what the reader must be told about them.
#[derive(Debug)]
pub struct Download {
    /// The record.
    pub record: FileRecord,
    /// The name to serve the bytes under.
    pub served_name: Filename,
    /// Whether a browser may show the bytes in place. Only where that was asked for and the type is
    /// on the short list of those that cannot do harm.
    pub inline: bool,
    /// The bytes.
    pub content: Content,
}

/// Bytes that may be read.
pub struct Content {
    parts: Arc<Parts>,
    cx: Context,
    file: FileId,
    blob: BlobLocation,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl FileService {
    /// Opens a file's bytes for a principal.
    ///
    /// # Errors
    ///
    /// `MissingScope`; `NotFound` also for an archived file; `Held`.
    pub async fn open_download(
        &self,
        cx: &Context,
        id: FileId,
        ask_inline: bool,
    ) -> Result<Download, ServiceError> {
        authorise(cx, Action::ReadContent)?;
        self.open(cx, id, None, ask_inline).await
    }

    /// Opens the bytes of a file that was made public on purpose, for anybody.
    ///
    /// # Errors
    ///
    /// `NotFound` for everything but a public, active file.
    pub async fn open_public(
        &self,
        id: FileId,
        ask_inline: bool,
        request_id: RequestId,
    ) -> Result<Download, ServiceError> {
        let tenant = self.parts.repository.locate_public_file(id).await?;
        let tenant = tenant.ok_or(ServiceError::NotFound)?;
        let cx = Context::for_bearer(tenant, Actor::Anyone, request_id, self.parts.clock.now());
        let download = self.open(&cx, id, None, ask_inline).await?;
        // Looked at again: it may have been made private since it was located.
        match download.record.visibility {
            Visibility::Public => Ok(download),
            Visibility::Private => Err(ServiceError::NotFound),
        }
    }

    /// Opens bytes once the permission is settled.
    pub(crate) async fn open(
        &self,
        cx: &Context,
        id: FileId,
        served_name: Option<Filename>,
        ask_inline: bool,
    ) -> Result<Download, ServiceError> {
        let found = self.parts.repository.find_file(cx, id).await?;
        let StoredFile { record, blob } = found.ok_or(ServiceError::NotFound)?;
        check_servable(&record, cx)?;
        Ok(Download {
            served_name: served_name.unwrap_or_else(|| record.filename.clone()),
            inline: ask_inline && record.content_type.may_be_inline(),
            content: Content {
                parts: self.parts.clone(),
                cx: cx.clone(),
                file: record.id,
                blob,
            },
            record,
        })
    }
}

/// The owner learns that a file is held; to everybody else it is not there.
fn check_servable(record: &FileRecord, cx: &Context) -> Result<(), ServiceError> {
    if record.is_servable() {
        Ok(())
    } else if record.state() == FileState::Active && cx.principal().is_some() {
        Err(ServiceError::Held)
    } else {
        Err(ServiceError::NotFound)
    }
}

impl Download {
    /// A request, good for a minute, by which a client gets the bytes straight from the store, with
    /// these two headers; `None` where they are to come through the service.
    ///
    /// Bytes to be shown in place always do: a store does not send the headers that make it safe.
    ///
    /// # Errors
    ///
    /// What the store fails with.
    pub async fn redirect(
        &self,
        content_type: &str,
        content_disposition: &str,
    ) -> Result<Option<PresignedRequest>, ServiceError> {
        let Content { parts, .. } = &self.content;
        let redirects = parts.downloads == Downloads::Redirect
            && parts.store.capabilities().presigns_get
            && !self.inline;
        if !redirects {
            return Ok(None);
        }
        let operation = PresignOperation::Get {
            key: self.content.readable_key()?,
            lifetime: REDIRECT_LIFETIME,
            content_type: content_type.to_owned(),
            content_disposition: content_disposition.to_owned(),
        };
        match parts.store.presign(&operation).await {
            Ok(request) => Ok(Some(request)),
            Err(error) if error.kind() == BlobErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Content {
    /// Opens the bytes, or a range of them.
    ///
    /// # Errors
    ///
    /// `NotFound` where the file was deleted or archived since; what the store fails with.
    pub async fn open(&self, range: Option<ByteRange>) -> Result<BlobReader, ServiceError> {
        let key = self.readable_key()?;
        match self.parts.store.get(&key, range).await {
            Err(error) if error.kind() == BlobErrorKind::NotFound => {
                let found = self.parts.repository.find_file(&self.cx, self.file).await?;
                match found {
                    Some(file) if file.record.is_servable() => {
                        Err(ServiceError::Internal(Box::new(error)))
                    }
                    _ => Err(ServiceError::NotFound),
                }
            }
            other => Ok(other?),
        }
    }

    /// The blob's key, if its bytes are stored in a form this program can read.
    fn readable_key(&self) -> Result<BlobKey, ServiceError> {
        if self.blob.facts.format != 0 {
            let problem = format!(
                "blob {} has the unknown format {}",
                self.blob.id, self.blob.facts.format
            );
            return Err(ServiceError::Internal(problem.into()));
        }
        BlobKey::parse(self.blob.storage_key.as_str())
            .map_err(|error| ServiceError::Internal(Box::new(error)))
    }
}
