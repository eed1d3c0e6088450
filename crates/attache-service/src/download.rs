//! Downloads: the only path by which bytes leave.

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
use crate::{Downloads, FileService, ServiceError};

/// The lifetime of a presigned GET. It is short, since archiving or deleting the file does not revoke
/// it.
const REDIRECT_LIFETIME: Duration = Duration::from_mins(1);

/// The permission to read one file's bytes, with what a response has to say about them.
#[derive(Debug)]
pub struct Download {
    /// The record.
    pub record: FileRecord,
    /// The name under which to serve the bytes.
    pub served_name: Filename,
    /// True if a browser may show the bytes inline: that was requested, and the type is on the
    /// allow-list of harmless ones.
    pub inline: bool,
    /// The bytes.
    pub content: Content,
}

/// The bytes of a [`Download`], not opened yet.
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
    /// Opens the bytes of a file for a principal.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `Held`; `NotFound` also for an archived file.
    pub async fn open_download(
        &self,
        cx: &Context,
        id: FileId,
        inline_requested: bool,
    ) -> Result<Download, ServiceError> {
        authorise(cx, Action::ReadContent)?;
        self.open(cx, id, None, inline_requested).await
    }

    /// Opens the bytes of a public file, without a principal.
    ///
    /// # Errors
    ///
    /// `NotFound` for everything but a public, active file.
    pub async fn open_public(
        &self,
        id: FileId,
        inline_requested: bool,
        request_id: RequestId,
    ) -> Result<Download, ServiceError> {
        let tenant = self.parts.repository.locate_public_file(id).await?;
        let tenant = tenant.ok_or(ServiceError::NotFound)?;
        let cx = Context::for_bearer(tenant, Actor::Anyone, request_id, self.parts.clock.now());
        let download = self.open(&cx, id, None, inline_requested).await?;
        // Checked again: it may have been made private since it was located.
        match download.record.visibility {
            Visibility::Public => Ok(download),
            Visibility::Private => Err(ServiceError::NotFound),
        }
    }

    /// Opens the bytes of a file for a caller whose permission was checked.
    pub(crate) async fn open(
        &self,
        cx: &Context,
        id: FileId,
        served_name: Option<Filename>,
        inline_requested: bool,
    ) -> Result<Download, ServiceError> {
        let found = self.parts.repository.find_file(cx, id).await?;
        let StoredFile { record, blob } = found.ok_or(ServiceError::NotFound)?;
        check_servable(&record, cx)?;
        Ok(Download {
            served_name: served_name.unwrap_or_else(|| record.filename.clone()),
            inline: inline_requested && record.content_type.may_be_inline(),
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

/// A principal learns that a file is held; for everyone else it does not exist.
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
    /// Presigns a request, valid for a minute, by which a client gets the bytes straight from the store
    /// with these two headers. Returns `None` if the bytes go through the service.
    ///
    /// Inline bytes always go through the service: a store does not send the headers that make showing
    /// them safe.
    ///
    /// # Errors
    ///
    /// Returns the error of the store.
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
    /// Opens the bytes, or a range of them (`None` for all).
    ///
    /// # Errors
    ///
    /// `NotFound` if the file was deleted or archived since; otherwise the error of the store.
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

    /// Returns the blob's key if its bytes are stored in a format that this version can read.
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
