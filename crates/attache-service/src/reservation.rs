//! The guard of a blob whose bytes are being written.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::{BlobIntent, LeaseToken};
use attache_model::{BlobId, Context};
use attache_storage::BlobKey;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use crate::ServiceError;
use crate::service::Parts;

/// One reserved blob: its row stands in the database before its first byte is written.
///
/// Dropping an uncommitted reservation gives it up, whether the upload failed, was refused, or its
/// client disconnected. The reaper then deletes what was written.
#[derive(Debug)]
pub(crate) struct BlobReservation {
    parts: Arc<Parts>,
    cx: Context,
    pub(crate) blob: BlobId,
    pub(crate) key: BlobKey,
    pub(crate) lease: LeaseToken,
    committed: bool,
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
        let (key, intent) = new_intent(parts, cx, parts.timing.lease, Some(max_size_bytes));
        let reservation = Self {
            parts: parts.clone(),
            cx: cx.clone(),
            blob: intent.id,
            key,
            lease: intent.lease,
            committed: false,
        };
        let (sender, receiver) = oneshot::channel();
        let begin = async move {
            let Self { parts, cx, .. } = &reservation;
            let written = parts.repository.begin_blob(cx, &intent).await;
            // Without a caller to receive it, the reservation is dropped here.
            let _ = sender.send(written.map(|()| reservation));
        };
        parts.tasks.spawn(begin.in_current_span());
        let written = receiver.await;
        Ok(written.map_err(|error| ServiceError::Internal(Box::new(error)))??)
    }

    /// Ends the reservation after its commit. The blob belongs to a record now; or, where the tenant
    /// had the same bytes already, to the reaper, which is woken for that.
    pub(crate) fn mark_committed(mut self) {
        self.committed = true;
        self.parts.reaper_wake.notify_one();
    }
}

impl Drop for BlobReservation {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        // Without a runtime nothing can be sent; the lease ends by itself then.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (parts, cx, blob, lease) = (self.parts.clone(), self.cx.clone(), self.blob, self.lease);
        let abandon = async move {
            match parts.repository.abandon_blob(&cx, blob, lease).await {
                Ok(()) => parts.reaper_wake.notify_one(),
                Err(error) if error.is_outage() => {
                    tracing::debug!(%blob, %error, "a blob was not given up; its lease will end");
                }
                Err(error) => {
                    tracing::warn!(%blob, %error, "a blob was not given up; its lease will end");
                }
            }
        };
        self.parts
            .tasks
            .spawn_on(abandon.in_current_span(), &runtime);
    }
}

/// A new blob of the context's tenant, whose lease lasts for `lease_for`. `max_size_bytes` is `None` for one that
/// a client writes itself.
pub(crate) fn new_intent(
    parts: &Parts,
    cx: &Context,
    lease_for: Duration,
    max_size_bytes: Option<u64>,
) -> (BlobKey, BlobIntent) {
    let entropy = parts.entropy.as_ref();
    let id = BlobId::generate(cx.now(), entropy);
    let key = parts.store.new_key(cx.tenant(), id, max_size_bytes);
    let intent = BlobIntent {
        id,
        storage_key: key.as_str().to_owned(),
        lease: LeaseToken::generate(entropy),
        lease_for,
    };
    (key, intent)
}
