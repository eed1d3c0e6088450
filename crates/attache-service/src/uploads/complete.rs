//! Completion of an upload whose bytes were sent straight to the store.

use std::time::Duration;

use attache_metadata::StagingBlob;
use attache_model::{Context, FileId, FileRecord, Timestamp, Upload, UploadState};
use attache_storage::{BlobError, BlobErrorKind, BlobKey, BlobStore, Body, BodyError};
use futures_util::StreamExt;

use super::begin::STAGING_GRACE;
use super::store::{time_until, with_declared_size};
use crate::access::{Action, authorise};
use crate::{FileService, ServiceError};

/// The time after expiry during which an upload can be completed whose bytes are in the store: they may have
/// been in flight until then.
const COMPLETION_GRACE: Duration = Duration::from_mins(10);

impl FileService {
    /// Completes an upload whose bytes were sent straight to the store, and returns its record.
    /// Completing it again returns the same record.
    ///
    /// The bytes are copied, checked and inspected like any others: a presigned request can be sent
    /// again until it expires. A refused completion leaves the upload pending.
    ///
    /// # Errors
    ///
    /// - `MissingScope`, `UploadIncomplete`, `UploadBusy`, `UploadExpired`; `NotFound` also if the
    ///   record was deleted since
    /// - Of the bytes: `LengthMismatch`, `DigestMismatch`, `TypeNotAccepted`, `TooLarge`, `Refused`
    /// - Server errors: `OutOfSpace`, `Unavailable`, `Internal`
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
                // A concurrent completion may have won; the staged bytes are gone then.
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

    /// Copies the bytes from the blob that the client wrote.
    async fn copy_upload(
        &self,
        cx: &Context,
        upload: Upload,
        staging: &StagingBlob,
        now: Timestamp,
    ) -> Result<FileRecord, ServiceError> {
        let in_flight = self.parts.in_flight_uploads.acquire(upload.id)?;
        let key = BlobKey::parse(staging.storage_key.as_str())
            .map_err(|error| ServiceError::Internal(Box::new(error)))?;
        let lease_for = time_until(upload.expires_at, now).saturating_add(STAGING_GRACE);
        let is_leased = self
            .parts
            .repository
            .renew_lease(cx, staging.id, staging.lease, lease_for)
            .await?;
        if !is_leased {
            return Err(ServiceError::UploadExpired);
        }
        let body = open_staged(self.parts.store.as_ref(), &key).await?;
        let body = with_declared_size(&upload, body)?;
        self.store_upload(cx, upload, body, in_flight)
            .await
            .map_err(unwrap_store_error)
    }
}

/// Opens the bytes that a client wrote into the store.
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

/// A body that is read from the store and breaks off is a server error, not a fault of the client.
fn unwrap_store_error(error: ServiceError) -> ServiceError {
    match error {
        ServiceError::BodyAborted(source) => match source.downcast::<BlobError>() {
            Ok(error) => (*error).into(),
            Err(source) => ServiceError::BodyAborted(source),
        },
        other => other,
    }
}
