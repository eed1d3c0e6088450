//! The bytes of a direct upload: how they come in, and how its record is made of them. A refused
//! attempt leaves the upload as it was.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::StagingBlob;
use attache_model::{
    Actor, Context, FileId, FileRecord, InvalidValue, MediaType, RequestId, Timestamp, Upload,
    UploadState,
};
use attache_signing::verify_upload_link;
use attache_storage::{BlobError, BlobErrorKind, BlobKey, BlobStore, Body, BodyError};
use futures_util::StreamExt;

use crate::access::{Action, authorise};
use crate::attempt::Attempt;
use crate::commit::{begin_commit, prepare};
use crate::direct_upload::STAGING_GRACE;
use crate::service::Parts;
use crate::staging::{LeaseKeeper, Staged, stage};
use crate::{FileService, IncomingFile, ServiceError, UploadFields};

/// How long after its end an upload can be completed whose bytes are in the store: they may have been
/// under way until then.
const COMPLETION_GRACE: Duration = Duration::from_mins(10);

impl FileService {
    /// Takes the bytes of an upload from the bearer of its link, and completes it. `pairs` are the
    /// decoded pairs of the URL's query; nothing is looked up before the signature holds, and of the
    /// body nothing is read before everything else does.
    ///
    /// The commit runs to its end even if the caller goes away. Until it was made, the link can be
    /// used again.
    ///
    /// # Errors
    ///
    /// `InvalidLink`, `LinkExpired`, `UploadCompleted`, `UploadBusy`; `NotFound` for an upload that was
    /// cancelled or whose record was deleted. The same while bytes come that began in time: an attempt
    /// ends 15 minutes after the upload expires at the latest.
    /// Of the bytes: `TypeNotAccepted`, `LengthMismatch`, `DigestMismatch`, `TooLarge`, `BodyAborted`,
    /// `Refused`, and `Invalid` where they come without a type. Of ours: `OutOfSpace`, `Unavailable`,
    /// `Internal`.
    pub async fn receive_upload(
        &self,
        id: FileId,
        pairs: &[(String, String)],
        declared_type: Option<&MediaType>,
        body: Body,
        request_id: RequestId,
    ) -> Result<FileRecord, ServiceError> {
        let now = self.parts.clock.now();
        let cap = self.parts.timing.verification_cap();
        let pairs = pairs.iter().map(|(name, value)| (name, value));
        let link = verify_upload_link(&self.parts.key_ring, id, pairs, now, cap)?;
        let cx = Context::for_bearer(link.tenant(), Actor::LinkBearer, request_id, now);
        let upload = self.stored_upload(&cx, id).await?.upload;
        match upload.state(now) {
            UploadState::Pending => {}
            UploadState::Completed => return Err(ServiceError::UploadCompleted),
            UploadState::Expired => return Err(ServiceError::LinkExpired),
        }
        check_declared_type(&upload, declared_type)?;
        let body = with_promised_size(&upload, body)?;
        let attempt = self.parts.attempts.begin(id)?;
        let storing = self.store_upload(&cx, upload, body, attempt);
        storing.await.map_err(|error| match error {
            ServiceError::UploadExpired => ServiceError::LinkExpired,
            error => error,
        })
    }

    /// Completes an upload whose bytes were sent straight to the store, and answers its record. One
    /// that is complete already answers its record again.
    ///
    /// The bytes are copied and looked at like any others, as whoever sent them may send them again.
    ///
    /// # Errors
    ///
    /// `MissingScope`, `UploadIncomplete`, `UploadBusy`, `UploadExpired`; `NotFound` also where the record was
    /// deleted since. Of the bytes: `LengthMismatch`, `DigestMismatch`, `TypeNotAccepted`, `TooLarge`,
    /// `Refused`. Of ours: `OutOfSpace`, `Unavailable`, `Internal`.
    pub async fn complete_upload(
        &self,
        cx: &Context,
        id: FileId,
    ) -> Result<FileRecord, ServiceError> {
        authorise(cx, Action::Upload)?;
        let stored = self.stored_upload(cx, id).await?;
        if stored.upload.completed_at.is_some() {
            return self.completed_record(cx, id).await;
        }
        let now = self.parts.clock.now();
        let Some(staging) = stored.staging else {
            return Err(match stored.upload.state(now) {
                UploadState::Expired => ServiceError::UploadExpired,
                UploadState::Pending | UploadState::Completed => ServiceError::UploadIncomplete,
            });
        };
        if now >= stored.upload.expires_at.plus(COMPLETION_GRACE) {
            return Err(ServiceError::UploadExpired);
        }
        let completing = self.copy_upload(cx, stored.upload, &staging, now);
        match completing.await {
            Err(error) => {
                // Another completion may have been faster, and its bytes be gone from here.
                let upload = self.stored_upload(cx, id).await?.upload;
                if upload.completed_at.is_none() {
                    return Err(error);
                }
                self.completed_record(cx, id).await
            }
            completed => completed,
        }
    }

    async fn completed_record(&self, cx: &Context, id: FileId) -> Result<FileRecord, ServiceError> {
        let found = self.parts.repository.find_file(cx, id).await?;
        Ok(found.ok_or(ServiceError::NotFound)?.record)
    }

    /// Takes the bytes from where the client wrote them.
    async fn copy_upload(
        &self,
        cx: &Context,
        upload: Upload,
        staging: &StagingBlob,
        now: Timestamp,
    ) -> Result<FileRecord, ServiceError> {
        let attempt = self.parts.attempts.begin(upload.id)?;
        let key = BlobKey::parse(staging.storage_key.as_str())
            .map_err(|error| ServiceError::Internal(Box::new(error)))?;
        let lease_for = time_until(upload.expires_at, now).saturating_add(STAGING_GRACE);
        let leased = self
            .parts
            .repository
            .renew_lease(cx, staging.id, staging.lease, lease_for)
            .await?;
        if !leased {
            return Err(ServiceError::UploadExpired);
        }
        let body = open_staged(self.parts.store.as_ref(), &key).await?;
        let body = with_promised_size(&upload, body)?;
        self.store_upload(cx, upload, body, attempt)
            .await
            .map_err(blame_store)
    }

    /// Stores the bytes under a key of their own and makes the record of them.
    async fn store_upload(
        &self,
        cx: &Context,
        upload: Upload,
        body: Body,
        attempt: Attempt,
    ) -> Result<FileRecord, ServiceError> {
        let room_bytes = self.parts.check_room(body.exact_size_bytes()).await?;
        let keeper = LeaseKeeper::start(self.parts.clone(), cx.clone());
        let file = incoming_file(&upload);
        let staging = stage(&self.parts, cx, &keeper, file, body, room_bytes);
        let staged = tokio::select! {
            staged = staging => staged?,
            error = self.end_of(cx, &upload) => return Err(error),
        };
        let completing = complete(self.parts.clone(), cx.clone(), keeper, upload, staged);
        let completing = async {
            let _attempt = attempt;
            completing.await
        };
        self.parts.finish_detached(completing).await
    }

    /// Waits until no bytes can complete an upload any more, and answers why: its time is over, or it
    /// was cancelled or completed, which is noticed within a third of a lease.
    async fn end_of(&self, cx: &Context, upload: &Upload) -> ServiceError {
        let time_left = time_until(latest_completion(upload), self.parts.clock.now());
        let ended = tokio::time::timeout(time_left, self.end_by_others(cx, upload.id));
        ended.await.unwrap_or(ServiceError::UploadExpired)
    }

    async fn end_by_others(&self, cx: &Context, id: FileId) -> ServiceError {
        loop {
            tokio::time::sleep(self.parts.timing.turn()).await;
            match self.parts.repository.find_upload(cx, id).await {
                Ok(None) => return ServiceError::NotFound,
                Ok(Some(found)) if found.upload.completed_at.is_some() => {
                    return ServiceError::UploadCompleted;
                }
                Ok(Some(_)) => {}
                // The commit will see.
                Err(error) => tracing::debug!(%id, %error, "an upload was not looked up"),
            }
        }
    }
}

/// From when on nothing becomes of an upload: bytes that began in time are not awaited for ever.
fn latest_completion(upload: &Upload) -> Timestamp {
    upload.expires_at.plus(STAGING_GRACE)
}

/// Inspects and commits.
async fn complete(
    parts: Arc<Parts>,
    cx: Context,
    keeper: LeaseKeeper,
    upload: Upload,
    staged: Staged,
) -> Result<FileRecord, ServiceError> {
    let cx = begin_commit(&parts, &cx, &keeper);
    let latest = latest_completion(&upload);
    let fields = UploadFields {
        person: upload.person,
        category: upload.category,
        name: upload.name,
        description: upload.description,
        visibility: upload.visibility,
        ..UploadFields::default()
    };
    let file = prepare(&parts, &cx, &staged, &fields).await?;
    if parts.clock.now() >= latest {
        return Err(ServiceError::UploadExpired);
    }
    let record = parts
        .repository
        .complete_upload(&cx, upload.id, &file)
        .await??;
    staged.promise.keep();
    Ok(record)
}

fn incoming_file(upload: &Upload) -> IncomingFile {
    let promised = upload.content_type.clone();
    let accept = if promised.is_octet_stream() {
        Vec::new()
    } else {
        vec![promised.clone()]
    };
    IncomingFile {
        filename: upload.filename.clone(),
        declared_type: Some(promised),
        expected_sha256: upload.sha256,
        accept,
    }
}

fn check_declared_type(upload: &Upload, declared: Option<&MediaType>) -> Result<(), ServiceError> {
    let promised = &upload.content_type;
    match declared {
        Some(declared) if declared.is_same_type(promised) => Ok(()),
        Some(declared) => Err(ServiceError::TypeNotAccepted {
            filename: upload.filename.to_string(),
            found: declared.clone(),
            accepted: vec![promised.clone()],
        }),
        // What comes without a type is this (RFC 9110, section 8.3).
        None if promised.is_octet_stream() => Ok(()),
        None => {
            let problem = format!("is missing; the upload was promised as {promised}");
            Err(InvalidValue::new("content type", problem).into())
        }
    }
}

/// Holds the body to the promised size, at once where its own is known.
fn with_promised_size(upload: &Upload, body: Body) -> Result<Body, ServiceError> {
    match (upload.size_bytes, body.exact_size_bytes()) {
        (Some(expected_bytes), Some(actual_bytes)) if expected_bytes != actual_bytes => {
            Err(ServiceError::LengthMismatch {
                expected_bytes,
                actual_bytes,
            })
        }
        (Some(expected_bytes), None) => Ok(body.with_exact_size(expected_bytes)),
        _ => Ok(body),
    }
}

/// What a client wrote into the store, as a body.
async fn open_staged(store: &dyn BlobStore, key: &BlobKey) -> Result<Body, ServiceError> {
    let reader = store.get(key, None).await.map_err(|error| {
        if error.kind() == BlobErrorKind::NotFound {
            ServiceError::UploadIncomplete
        } else {
            error.into()
        }
    })?;
    let stream = reader
        .stream
        .map(|chunk| chunk.map_err(|error| BodyError::Aborted(Box::new(error))));
    Ok(Body::from_stream(stream).with_exact_size(reader.size_bytes))
}

/// A body that comes from the store and breaks off is no fault of the caller's.
fn blame_store(error: ServiceError) -> ServiceError {
    match error {
        ServiceError::BodyAborted(source) => match source.downcast::<BlobError>() {
            Ok(error) => (*error).into(),
            Err(source) => ServiceError::BodyAborted(source),
        },
        other => other,
    }
}

fn time_until(end: Timestamp, now: Timestamp) -> Duration {
    let millis = end.as_millis().saturating_sub(now.as_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
