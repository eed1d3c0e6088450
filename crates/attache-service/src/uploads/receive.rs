//! Bytes of an upload that come through the service.

use attache_model::{
    Actor, Context, FileId, FileRecord, InvalidValue, MediaType, RequestId, Upload, UploadState,
};
use attache_signing::verify_upload_link;
use attache_storage::Body;

use super::store::with_declared_size;
use crate::{FileService, ServiceError};

impl FileService {
    /// Receives the bytes of an upload from the bearer of its link, and completes the upload.
    ///
    /// `pairs` are the decoded pairs of the URL's query. Nothing is looked up before the signature is
    /// verified, and nothing of the body is read before all other checks have passed. The commit runs
    /// to its end even if the caller is cancelled. A refused request leaves the upload pending, and
    /// its link usable.
    ///
    /// Bytes that began in time are accepted until 15 minutes after the upload expires. If the upload
    /// is cancelled or completed meanwhile, the request ends with `NotFound` or `UploadCompleted`.
    ///
    /// # Errors
    ///
    /// - Of the link: `InvalidLink`, `LinkExpired`, `UploadCompleted`, `UploadBusy`; `NotFound` for an
    ///   upload that was cancelled or whose record was deleted
    /// - Of the bytes: `TypeNotAccepted`, `LengthMismatch`, `DigestMismatch`, `TooLarge`,
    ///   `BodyAborted`, `Refused`; `Invalid` if they are sent without a type
    /// - Server errors: `OutOfSpace`, `Unavailable`, `Internal`
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
        let link = verify_upload_link(&self.parts.key_ring.current(), id, pairs, now, cap)?;
        let cx = Context::for_bearer(link.tenant(), Actor::LinkBearer, request_id, now);
        let upload = self.stored_upload(&cx, id).await?.upload;
        match upload.state(now) {
            UploadState::Pending => {}
            UploadState::Completed => return Err(ServiceError::UploadCompleted),
            UploadState::Expired => return Err(ServiceError::LinkExpired),
        }
        check_declared_type(&upload, declared_type)?;
        let body = with_declared_size(&upload, body)?;
        let in_flight = self.parts.in_flight_uploads.acquire(id)?;
        let storing = self.store_upload(&cx, upload, body, in_flight);
        storing.await.map_err(|error| match error {
            ServiceError::UploadExpired => ServiceError::LinkExpired,
            error => error,
        })
    }
}

fn check_declared_type(upload: &Upload, declared: Option<&MediaType>) -> Result<(), ServiceError> {
    let expected = &upload.content_type;
    match declared {
        // Clients made from the API's description send every file as bytes of no known type. What the
        // bytes are is verified in any case.
        Some(declared) if declared.is_octet_stream() => Ok(()),
        Some(declared) if declared.is_same_type(expected) => Ok(()),
        Some(declared) => Err(ServiceError::TypeNotAccepted {
            filename: upload.filename.to_string(),
            found: declared.clone(),
            accepted: vec![expected.clone()],
        }),
        // A body without a type is application/octet-stream (RFC 9110, section 8.3).
        None if expected.is_octet_stream() => Ok(()),
        None => {
            let problem = format!("is missing; the upload was announced as {expected}");
            Err(InvalidValue::new("content type", problem).into())
        }
    }
}
