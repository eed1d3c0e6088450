//! Downloads: the only path by which bytes leave.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attache_metadata::{BlobLocation, StoredFile};
use attache_model::{
    Actor, Context, FileId, FileRecord, FileState, Filename, RequestId, Visibility,
};
use attache_storage::{
    BlobError, BlobErrorKind, BlobKey, BlobReader, ByteRange, PresignOperation, PresignedRequest,
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::access::{Action, authorise};
use crate::blob_health::{blob_key, fault_of, mark_faulty, open_blob};
use crate::service::Parts;
use crate::{Downloads, FileService, ServiceError};

/// The lifetime of a presigned GET. It is short, since archiving or deleting the file does not revoke
/// it.
const REDIRECT_LIFETIME: Duration = Duration::from_mins(1);

/// The largest file that is verified before the first byte of it is sent.
const VERIFIED_FIRST_BYTES: u64 = 64 * 1024;

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
            key: readable_key(&self.content.blob)?,
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
    /// A whole file is verified against its digest while it is read: its last bytes come only if all
    /// were right, and the stream of wrong bytes ends with an error. A range is not verified, except for
    /// the size of the whole.
    ///
    /// # Errors
    ///
    /// `NotFound` if the file was deleted or archived since; `ContentLost` if the stored bytes are
    /// missing or wrong, as far as that can be told before they are sent; otherwise the error of the
    /// store.
    pub async fn open(&self, range: Option<ByteRange>) -> Result<BlobReader, ServiceError> {
        let error = match self.read(&self.blob, range).await? {
            Ok(reader) => return Ok(reader),
            Err(error) => error,
        };
        // The file may have been deleted or repaired since its record was read.
        let found = self.parts.repository.find_file(&self.cx, self.file).await?;
        let found = found.filter(|file| file.record.is_servable());
        let blob = found.ok_or(ServiceError::NotFound)?.blob;
        if blob.storage_key == self.blob.storage_key {
            return Err(self.lost(&blob, error).await);
        }
        match self.read(&blob, range).await? {
            Ok(reader) => Ok(reader),
            Err(error) => Err(self.lost(&blob, error).await),
        }
    }

    /// Opens the bytes at a location. The inner error says that something is wrong with them.
    async fn read(
        &self,
        blob: &BlobLocation,
        range: Option<ByteRange>,
    ) -> Result<Result<BlobReader, BlobError>, ServiceError> {
        let key = readable_key(blob)?;
        let opened = open_blob(self.parts.store.as_ref(), &key, &blob.facts, range).await;
        let opened = match opened {
            Ok(reader) => verify_first(reader, range).await,
            Err(error) => Err(error),
        };
        match opened {
            Ok(reader) => Ok(Ok(self.marking(blob, reader))),
            Err(error) if fault_of(&error).is_some() => Ok(Err(error)),
            Err(error) => Err(error.into()),
        }
    }

    /// Marks the blob if its bytes turn out to be wrong while they are read.
    fn marking(&self, blob: &BlobLocation, reader: BlobReader) -> BlobReader {
        let (parts, tenant, blob) = (self.parts.clone(), self.cx.tenant(), blob.clone());
        let file = self.file;
        let stream = reader.stream.inspect_err(move |error| {
            if let Some(fault) = fault_of(error) {
                tracing::error!(%tenant, %file, %fault, "a download was cut off: its bytes are lost");
                parts.mark_faulty_detached(tenant, blob.clone(), fault);
            }
        });
        BlobReader {
            size_bytes: reader.size_bytes,
            stream: stream.boxed(),
        }
    }

    /// Marks the blob, and returns the error for the caller.
    async fn lost(&self, blob: &BlobLocation, error: BlobError) -> ServiceError {
        let Some(fault) = fault_of(&error) else {
            return error.into();
        };
        let repository = self.parts.repository.as_ref();
        let marked = mark_faulty(repository, self.cx.tenant(), blob, fault).await;
        if let Err(error) = marked {
            tracing::error!(%error, blob = %blob.id, %fault, "a fault was not marked");
        }
        ServiceError::ContentLost {
            file: self.file,
            fault,
            source: Box::new(error),
        }
    }
}

/// Reads a small file to its end, so that an error about it can still be the response.
async fn verify_first(
    reader: BlobReader,
    range: Option<ByteRange>,
) -> Result<BlobReader, BlobError> {
    if range.is_some() || reader.size_bytes > VERIFIED_FIRST_BYTES {
        return Ok(reader);
    }
    let chunks: Vec<Bytes> = reader.stream.try_collect().await?;
    Ok(BlobReader {
        size_bytes: reader.size_bytes,
        stream: stream::iter(chunks.into_iter().map(Ok)).boxed(),
    })
}

/// Returns the blob's key if its bytes are stored in a format that this version can read.
fn readable_key(blob: &BlobLocation) -> Result<BlobKey, ServiceError> {
    if blob.facts.format != 0 {
        let (id, format) = (blob.id, blob.facts.format);
        let problem = format!("blob {id} has the unknown format {format}");
        return Err(ServiceError::Internal(problem.into()));
    }
    blob_key(blob)
}
