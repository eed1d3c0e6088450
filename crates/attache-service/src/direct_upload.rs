//! Direct uploads: files that are promised first, and whose bytes their client sends by itself, without
//! a key: through the service, or straight to the store.

use std::time::Duration;

use attache_metadata::{BlobIntent, LeaseToken, NewUpload, StoredUpload};
use attache_model::{
    BlobId, Category, Context, Description, DisplayName, FileId, FileRecord, Filename, MediaType,
    PersonRef, Sha256Digest, Upload, UploadState, Visibility,
};
use attache_signing::{UploadLinkFields, UploadLinkQuery, sign_upload_link};
use attache_storage::{BlobErrorKind, BlobKey, PresignOperation, PresignedRequest};

use crate::access::{Action, authorise};
use crate::lifetime::lifetime;
use crate::{FileService, ServiceError};

const DEFAULT_LIFETIME: Duration = Duration::from_hours(1);

/// Not longer than the reaper remembers deleted blobs: a signed request can be repeated until its end.
const MAX_LIFETIME: Duration = Duration::from_hours(24);

/// How much longer than its upload a blob is kept that a client writes: a request that began in time
/// may end late, and then its bytes are still to be copied.
pub(crate) const STAGING_GRACE: Duration = Duration::from_mins(15);

/// A file to promise.
#[derive(Debug, Clone)]
pub struct UploadRequest {
    /// The name the file will be downloaded under.
    pub filename: Filename,
    /// What its bytes will be. They have to be sent as this and to be this, under whichever of its names;
    /// only `application/octet-stream` promises nothing.
    pub content_type: MediaType,
    /// How many bytes there will be, no more and no less; `None` for any number.
    pub size_bytes: Option<u64>,
    /// The digest the bytes will have; `None` for any.
    pub sha256: Option<Sha256Digest>,
    /// Whom it is about. An unknown identifier registers a person when the bytes are there.
    pub person: Option<PersonRef>,
    /// Its group.
    pub category: Option<Category>,
    /// What people read as its name; the filename where there is none.
    pub name: Option<DisplayName>,
    /// A free text.
    pub description: Option<Description>,
    /// Who may read its bytes.
    pub visibility: Visibility,
    /// How long the bytes may take to be sent, in whole seconds; `None` for an hour.
    pub expires_in: Option<Duration>,
    /// Whether the bytes must come through the service, for a client that knows no other way.
    pub through_service: bool,
}

impl UploadRequest {
    /// Promises a file of which nothing but its name and type is known.
    pub fn new(filename: Filename, content_type: MediaType) -> Self {
        Self {
            filename,
            content_type,
            size_bytes: None,
            sha256: None,
            person: None,
            category: None,
            name: None,
            description: None,
            visibility: Visibility::default(),
            expires_in: None,
            through_service: false,
        }
    }
}

/// An upload that was begun, and where its bytes are to be sent.
#[derive(Debug, Clone)]
pub struct PendingUpload {
    /// The upload.
    pub upload: Upload,
    /// Where its client is to send the bytes, until the upload expires.
    pub target: UploadTarget,
}

/// Where the bytes of an upload are to be sent. Whoever has it may send them.
#[derive(Debug, Clone)]
pub enum UploadTarget {
    /// To the service, for [`FileService::receive_upload`]; that completes the upload.
    /// The link's URL has the upload's id in its path and this query.
    Service(UploadLinkQuery),
    /// Straight to the store, by this request. After that the upload has to be completed with
    /// [`FileService::complete_upload`].
    Store(PresignedRequest),
}

/// An upload and what became of it.
#[derive(Debug, Clone)]
pub struct UploadStatus {
    /// The upload.
    pub upload: Upload,
    /// Where it is on its way.
    pub state: UploadState,
    /// The record it became; `None` until then. With its record an upload is deleted.
    pub file: Option<FileRecord>,
}

impl FileService {
    /// Promises a file, and answers where its bytes are to be sent: straight to the store, where that
    /// can hold them to the promised type, size and digest and all three are promised; else, or where
    /// the request says so, to the service.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `TooLarge`, `OutOfSpace`, `UnknownPerson`; `Invalid` for a lifetime of nothing
    /// or over a day.
    pub async fn begin_upload(
        &self,
        cx: &Context,
        request: UploadRequest,
    ) -> Result<PendingUpload, ServiceError> {
        authorise(cx, Action::Upload)?;
        if request.visibility == Visibility::Public {
            authorise(cx, Action::Publish)?;
        }
        let lifetime = lifetime(request.expires_in, DEFAULT_LIFETIME, MAX_LIFETIME)?;
        self.parts.check_room(request.size_bytes).await?;
        let signed = self.presign_put(cx, &request, lifetime).await?;
        let (staging, signed) = signed.unzip();

        let expires_at = self.parts.clock.now().plus(lifetime);
        let new = NewUpload {
            id: FileId::generate(cx.now(), self.parts.entropy.as_ref()),
            person: request.person,
            category: request.category,
            name: request.name,
            filename: request.filename,
            description: request.description,
            content_type: request.content_type,
            size_bytes: request.size_bytes,
            sha256: request.sha256,
            visibility: request.visibility,
            expires_at: expires_at.floor_to_second(),
            staging,
        };
        let upload = self.parts.repository.begin_upload(cx, &new).await??;
        let target = match signed {
            Some(signed) => UploadTarget::Store(signed),
            None => UploadTarget::Service(self.sign_upload(&upload)),
        };
        Ok(PendingUpload { upload, target })
    }

    /// Signs a put to a blob of its own; `None` where the store is not wanted, or cannot hold its
    /// client to everything that is promised, or not enough is.
    async fn presign_put(
        &self,
        cx: &Context,
        request: &UploadRequest,
        lifetime: Duration,
    ) -> Result<Option<(BlobIntent, PresignedRequest)>, ServiceError> {
        let (Some(size_bytes), Some(sha256)) = (request.size_bytes, request.sha256) else {
            return Ok(None);
        };
        let store = &self.parts.store;
        if request.through_service || !store.capabilities().presigns_put {
            return Ok(None);
        }
        let entropy = self.parts.entropy.as_ref();
        let blob = BlobId::generate(cx.now(), entropy);
        let key = BlobKey::for_blob(cx.tenant(), blob);
        let intent = BlobIntent {
            id: blob,
            storage_key: key.as_str().to_owned(),
            lease: LeaseToken::generate(entropy),
            lease_for: lifetime.saturating_add(STAGING_GRACE),
        };
        let put = PresignOperation::Put {
            key,
            lifetime,
            size_bytes,
            sha256,
            content_type: request.content_type.as_str().to_owned(),
        };
        match store.presign(&put).await {
            Ok(signed) => Ok(Some((intent, signed))),
            Err(error) if error.kind() == BlobErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn sign_upload(&self, upload: &Upload) -> UploadLinkQuery {
        let fields = UploadLinkFields {
            tenant: upload.tenant,
            upload: upload.id,
            expires_at: upload.expires_at.as_seconds(),
        };
        sign_upload_link(&self.parts.key_ring, &fields)
    }

    /// Finds an upload, until a day after it expired or its record is deleted, and what became of it.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`.
    pub async fn find_upload(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<UploadStatus, ServiceError> {
        authorise(cx, Action::Upload)?;
        let upload = self.stored_upload(cx, id).await?.upload;
        let state = upload.state(self.parts.clock.now());
        let file = match state {
            UploadState::Completed => self.parts.repository.find_file(cx, id).await?,
            UploadState::Pending | UploadState::Expired => None,
        };
        Ok(UploadStatus {
            upload,
            state,
            file: file.map(|file| file.record),
        })
    }

    /// Takes a promise back: whoever has its link can send nothing any more, and what they sent is
    /// deleted.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`, `UploadCompleted`.
    pub async fn cancel_upload(&self, cx: &Context, id: FileId) -> Result<(), ServiceError> {
        authorise(cx, Action::Upload)?;
        self.parts.repository.cancel_upload(cx, id).await??;
        self.parts.reaper_wake.notify_one();
        Ok(())
    }

    pub(crate) async fn stored_upload(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<StoredUpload, ServiceError> {
        let found = self.parts.repository.find_upload(cx, id).await?;
        found.ok_or(ServiceError::NotFound)
    }
}
