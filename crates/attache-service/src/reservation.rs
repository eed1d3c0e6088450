//! The guard of a blob whose bytes are being written.

use std::sync::Arc;

use attache_metadata::{BlobIntent, LeaseToken};
use attache_model::{BlobId, Context};
use attache_storage::BlobKey;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use crate::ServiceError;
use crate::intent::{abandon, new_intent};
use crate::service::Parts;
use crate::stock::STOCKED_BYTES;
use crate::upload_guard::UploadGuard;

/// One reserved blob: its row stands in the database before its first byte is written.
///
/// Dropping an uncommitted reservation gives it up, whether the upload failed, was refused, or its
/// client disconnected. The reaper then deletes what was written.
#[derive(Debug)]
pub(crate) struct BlobReservation {
    pub(crate) blob: BlobId,
    pub(crate) key: BlobKey,
    pub(crate) lease: LeaseToken,
    committed: bool,
    upload: UploadGuard,
}

impl BlobReservation {
    /// Writes the intent of a new blob of at most `max_size_bytes`, with a fresh key and lease.
    ///
    /// The guard exists before the row does, and the row is written in a task of its own: if the caller
    /// is cancelled meanwhile, the row is given up as soon as it is there.
    pub(crate) async fn begin(
        parts: &Arc<Parts>,
        cx: &Context,
        max_size_bytes: u64,
    ) -> Result<Self, ServiceError> {
        let upload = UploadGuard::new(parts, cx);
        if max_size_bytes <= STOCKED_BYTES
            && let Some((key, intent)) = upload.take_intent()
        {
            return Ok(Self::new(key, &intent, upload));
        }
        let (key, intent) = new_intent(parts, cx, parts.timing.lease, Some(max_size_bytes));
        let reservation = Self::new(key, &intent, upload);
        let (sender, receiver) = oneshot::channel();
        let begin = async move {
            let UploadGuard { parts, cx } = &reservation.upload;
            let written = parts
                .repository
                .begin_blobs(cx, std::slice::from_ref(&intent))
                .await;
            // Without a caller to receive it, the reservation is dropped here.
            let _ = sender.send(written.map(|()| reservation));
        };
        parts.tasks.spawn(begin.in_current_span());
        let written = receiver.await;
        Ok(written.map_err(|error| ServiceError::Internal(Box::new(error)))??)
    }

    fn new(key: BlobKey, intent: &BlobIntent, upload: UploadGuard) -> Self {
        Self {
            blob: intent.id,
            key,
            lease: intent.lease,
            committed: false,
            upload,
        }
    }

    /// Ends the reservation after its commit. The blob belongs to a record now; or, where the tenant
    /// had the same bytes already, to the reaper, which is woken for that.
    pub(crate) fn mark_committed(mut self) {
        self.committed = true;
        self.upload.parts.reaper_wake.notify_one();
    }
}

impl Drop for BlobReservation {
    fn drop(&mut self) {
        if !self.committed {
            let UploadGuard { parts, cx } = &self.upload;
            abandon(parts, cx, self.blob, self.lease);
        }
    }
}
