//! Renewal of the leases of an upload, for as long as it shows activity.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use attache_metadata::LeaseToken;
use attache_model::{BlobId, Context};
use tokio::task::AbortHandle;
use tracing::Instrument as _;

use crate::reservation::BlobReservation;
use crate::service::Parts;

/// The progress of an upload, shared between its body and the renewal of its leases.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    received_chunks: AtomicU64,
    is_processing: AtomicBool,
    lease_lost: AtomicBool,
}

impl Activity {
    pub(crate) fn record_chunk(&self) {
        self.received_chunks.fetch_add(1, Ordering::Relaxed);
    }

    /// Sets whether the service works on bytes that have all arrived: it syncs, inspects or commits.
    /// No more chunks are expected then.
    pub(crate) fn set_processing(&self, is_processing: bool) {
        self.is_processing.store(is_processing, Ordering::Relaxed);
    }

    /// Returns `true` if a lease was lost: what still arrives cannot be committed.
    pub(crate) fn lease_lost(&self) -> bool {
        self.lease_lost.load(Ordering::Relaxed)
    }
}

/// Renews the leases of an upload while bytes flow or the service works on them. A client that falls
/// silent loses them.
#[derive(Debug)]
pub(crate) struct LeaseRenewer {
    pub(crate) activity: Arc<Activity>,
    leases: Arc<Mutex<Vec<(BlobId, LeaseToken)>>>,
    task: AbortHandle,
}

impl LeaseRenewer {
    pub(crate) fn start(parts: Arc<Parts>, cx: Context) -> Self {
        let activity = Arc::new(Activity::default());
        let leases = Arc::new(Mutex::new(Vec::new()));
        let renewing = renew_while_active(parts, cx, activity.clone(), leases.clone());
        let task = tokio::spawn(renewing.in_current_span());
        Self {
            activity,
            leases,
            task: task.abort_handle(),
        }
    }

    pub(crate) fn add(&self, reservation: &BlobReservation) {
        self.leases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((reservation.blob, reservation.lease));
    }
}

impl Drop for LeaseRenewer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn renew_while_active(
    parts: Arc<Parts>,
    cx: Context,
    activity: Arc<Activity>,
    leases: Arc<Mutex<Vec<(BlobId, LeaseToken)>>>,
) {
    let lease_for = parts.timing.lease;
    let mut seen_chunks = 0;
    loop {
        tokio::time::sleep(parts.timing.lease_renewal_interval()).await;
        let chunks = activity.received_chunks.load(Ordering::Relaxed);
        if chunks == seen_chunks && !activity.is_processing.load(Ordering::Relaxed) {
            continue;
        }
        seen_chunks = chunks;
        let held = leases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for (blob, lease) in held {
            match parts
                .repository
                .renew_lease(&cx, blob, lease, lease_for)
                .await
            {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(%blob, "the lease of an upload was lost");
                    activity.lease_lost.store(true, Ordering::Relaxed);
                    return;
                }
                Err(error) if error.is_outage() => {
                    tracing::debug!(%blob, %error, "the lease of an upload was not renewed");
                }
                Err(error) => {
                    tracing::warn!(%blob, %error, "the lease of an upload was not renewed");
                }
            }
        }
    }
}
