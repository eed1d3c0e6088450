//! Beginning, finding and cancelling a pending upload.

use std::time::Duration;

use attache_metadata::{BlobIntent, NewUpload, StoredUpload};
use attache_model::{
    Category, Context, Description, DisplayName, FileId, FileRecord, Filename, MediaType,
    PersonRef, Sha256Digest, Upload, UploadState, Visibility,
};
use attache_signing::{UploadLinkFields, UploadLinkQuery, sign_upload_link};
use attache_storage::{BlobErrorKind, PresignOperation, PresignedRequest};

use crate::access::{Action, authorise};
use crate::intent::new_intent;
use crate::lifetime::check_lifetime;
use crate::{FileService, ServiceError};

const DEFAULT_LIFETIME: Duration = Duration::from_hours(1);

/// No longer than the reaper remembers deleted blobs: a presigned request can be repeated until it
/// expires.
const MAX_LIFETIME: Duration = Duration::from_hours(24);

/// The time for which a staging blob outlives the expiry of its upload: a request that began in time may end
/// late, and then its bytes are still to be copied.
pub(super) const STAGING_GRACE: Duration = Duration::from_mins(15);

/// The announcement of a file.
#[derive(Debug, Clone)]
pub struct UploadRequest {
    /// The name under which the file will be downloaded.
    pub filename: Filename,
    /// The type of the bytes, which have to be sent as this and to be this, under any of its names.
    /// `application/octet-stream` accepts any type.
    pub content_type: MediaType,
    /// The exact number of bytes; `None` for any number.
    pub size_bytes: Option<u64>,
    /// The digest of the bytes; `None` for any.
    pub sha256: Option<Sha256Digest>,
    /// The person the file is about, or `None`. An unknown identifier registers a person when the
    /// upload completes.
    pub person: Option<PersonRef>,
    /// The category, or `None`.
    pub category: Option<Category>,
    /// The display name; `None` for the filename.
    pub name: Option<DisplayName>,
    /// A free text, or `None`.
    pub description: Option<Description>,
    /// The audience of the bytes. Public files also require the scope `links:create`.
    pub visibility: Visibility,
    /// The time until the upload expires, in whole seconds, at most 24 hours; `None` for an hour.
    pub expires_in: Option<Duration>,
    /// True if the bytes must go through the service, for a client that cannot use another target.
    pub through_service: bool,
}

impl UploadRequest {
    /// Creates a request for a file of which only the name and the type are known.
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

/// An upload that was begun, and the target of its bytes.
#[derive(Debug, Clone)]
pub struct PendingUpload {
    /// The upload.
    pub upload: Upload,
    /// The place to send the bytes to, until the upload expires.
    pub target: UploadTarget,
}

/// The target of the bytes of an upload. It needs no credentials: anyone who has it may send.
#[derive(Debug, Clone)]
pub enum UploadTarget {
    /// The service: [`FileService::receive_upload`], which completes the upload too. The link's URL
    /// has the upload's id in its path and this query.
    Service(UploadLinkQuery),
    /// The store, by this request. The upload has to be completed afterwards with
    /// [`FileService::complete_upload`].
    Store(PresignedRequest),
}

/// An upload and its state.
#[derive(Debug, Clone)]
pub struct UploadStatus {
    /// The upload.
    pub upload: Upload,
    /// Its state at the time of the call.
    pub state: UploadState,
    /// The record that it became; `None` until then. Deleting the record deletes the upload.
    pub file: Option<FileRecord>,
}

impl FileService {
    /// Begins an upload, and returns the target of its bytes.
    ///
    /// The target is the store if size and digest are given, the store can presign a request that
    /// enforces type, size and digest, and the request does not insist on the service.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `TooLarge`, `OutOfSpace`, `UnknownPerson`; `Invalid` for a lifetime of less than
    /// a second or more than a day.
    pub async fn begin_upload(
        &self,
        cx: &Context,
        request: UploadRequest,
    ) -> Result<PendingUpload, ServiceError> {
        let cx = &self.parts.begin(cx, Action::Upload)?;
        if request.visibility == Visibility::Public {
            authorise(cx, Action::Publish)?;
        }
        let lifetime = check_lifetime(request.expires_in, DEFAULT_LIFETIME, MAX_LIFETIME)?;
        self.parts.check_capacity(request.size_bytes).await?;
        let presigned = self.presign_put(cx, &request, lifetime).await?;
        let (staging, presigned) = presigned.unzip();

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
        let target = match presigned {
            Some(request) => UploadTarget::Store(request),
            None => UploadTarget::Service(self.sign_upload(&upload)),
        };
        Ok(PendingUpload { upload, target })
    }

    /// Presigns a PUT to a staging blob; `None` if the bytes have to go through the service.
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
        let lease_for = lifetime.saturating_add(STAGING_GRACE);
        let (key, intent) = new_intent(&self.parts, cx, lease_for, None);
        let put = PresignOperation::Put {
            key,
            lifetime,
            size_bytes,
            sha256,
            content_type: request.content_type.as_str().to_owned(),
        };
        match store.presign(&put).await {
            Ok(presigned) => Ok(Some((intent, presigned))),
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
        sign_upload_link(&self.parts.key_ring.current(), &fields)
    }

    /// Finds an upload and its state. It is known until a day after it expired, or until its record is
    /// deleted.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`.
    pub async fn find_upload(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<UploadStatus, ServiceError> {
        let cx = &self.parts.begin(cx, Action::Upload)?;
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

    /// Cancels a pending upload: its target accepts nothing any more, and bytes that were sent are
    /// deleted.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `NotFound`, `UploadCompleted`.
    pub async fn cancel_upload(&self, cx: &Context, id: FileId) -> Result<(), ServiceError> {
        let cx = &self.parts.begin(cx, Action::Upload)?;
        self.parts.repository.cancel_upload(cx, id).await??;
        self.parts.reaper_wake.notify_one();
        Ok(())
    }

    pub(super) async fn stored_upload(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<StoredUpload, ServiceError> {
        let found = self.parts.repository.find_upload(cx, id).await?;
        found.ok_or(ServiceError::NotFound)
    }
}
