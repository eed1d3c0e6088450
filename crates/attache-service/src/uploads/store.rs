//! The common end of both ways: bytes are stored under a fresh key, and the upload becomes a record.
//! A refused request leaves the upload pending.

use std::sync::Arc;
use std::time::Duration;

use attache_model::{Context, FileId, FileRecord, Timestamp, Upload};
use attache_storage::Body;

use super::begin::STAGING_GRACE;
use super::limits::InFlightUpload;
use crate::access::Action;
use crate::commit::{begin_commit, prepare};
use crate::lease::LeaseRenewer;
use crate::service::Parts;
use crate::staging::{Staged, stage};
use crate::{FileService, IncomingFile, ServiceError, UploadFields};

impl FileService {
    /// Stores the bytes under a key of their own, and commits the record. The commit is detached
    /// from the caller, and keeps the place in flight until it ends.
    pub(super) async fn store_upload(
        &self,
        cx: &Context,
        upload: Upload,
        body: Body,
        in_flight: InFlightUpload,
    ) -> Result<FileRecord, ServiceError> {
        let limit_bytes = self.parts.check_capacity(body.exact_size_bytes()).await?;
        let renewer = LeaseRenewer::start(self.parts.clone(), cx.clone());
        let file = incoming_file(&upload);
        let staging = stage(&self.parts, cx, &renewer, file, body, limit_bytes);
        let staged = tokio::select! {
            staged = staging => staged?,
            error = self.wait_for_end(cx, &upload) => return Err(error),
        };
        let committing = commit(self.parts.clone(), cx.clone(), renewer, upload, staged);
        let committing = async {
            let _in_flight = in_flight;
            committing.await
        };
        self.parts.finish_detached(committing).await
    }

    /// Waits until no bytes can complete the upload any more, and returns the reason: it expired, or it
    /// was cancelled or completed, which is noticed within a third of a lease.
    async fn wait_for_end(&self, cx: &Context, upload: &Upload) -> ServiceError {
        let time_left = time_until(completion_deadline(upload), self.parts.clock.now());
        let resolved = tokio::time::timeout(time_left, self.wait_until_resolved(cx, upload.id));
        resolved.await.unwrap_or(ServiceError::UploadExpired)
    }

    async fn wait_until_resolved(&self, cx: &Context, id: FileId) -> ServiceError {
        loop {
            tokio::time::sleep(self.parts.timing.lease_renewal_interval()).await;
            match self.parts.repository.find_upload(cx, id).await {
                Ok(None) => return ServiceError::NotFound,
                Ok(Some(found)) if found.upload.completed_at.is_some() => {
                    return ServiceError::UploadCompleted;
                }
                Ok(Some(_)) => {}
                // The commit decides in the end.
                Err(error) => tracing::debug!(%id, %error, "an upload was not looked up"),
            }
        }
    }
}

/// The timestamp from which on an upload cannot be completed, even by bytes that began in time.
fn completion_deadline(upload: &Upload) -> Timestamp {
    upload.expires_at.plus(STAGING_GRACE)
}

async fn commit(
    parts: Arc<Parts>,
    cx: Context,
    renewer: LeaseRenewer,
    upload: Upload,
    staged: Staged,
) -> Result<FileRecord, ServiceError> {
    let cx = begin_commit(&parts, &cx, &renewer);
    let deadline = completion_deadline(&upload);
    let fields = UploadFields {
        person: upload.person,
        category: upload.category,
        name: upload.name,
        description: upload.description,
        visibility: upload.visibility,
        ..UploadFields::default()
    };
    let file = prepare(&parts, &cx, &staged, &fields).await?;
    parts.authorise_again(&cx, Action::Upload).await?;
    if parts.clock.now() >= deadline {
        return Err(ServiceError::UploadExpired);
    }
    let record = parts
        .repository
        .complete_upload(&cx, upload.id, &file)
        .await??;
    parts.record_change();
    staged.reservation.mark_committed();
    Ok(record)
}

fn incoming_file(upload: &Upload) -> IncomingFile {
    let declared = upload.content_type.clone();
    let accept = if declared.is_octet_stream() {
        Vec::new()
    } else {
        vec![declared.clone()]
    };
    IncomingFile {
        filename: upload.filename.clone(),
        declared_type: Some(declared),
        expected_sha256: upload.sha256,
        accept,
    }
}

/// Holds the body to the declared size; fails at once if the body's own size is known and differs.
pub(super) fn with_declared_size(upload: &Upload, body: Body) -> Result<Body, ServiceError> {
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

pub(super) fn time_until(end: Timestamp, now: Timestamp) -> Duration {
    let millis = end.as_millis().saturating_sub(now.as_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
