//! An upload in progress, as the stock of intents counts it.

use std::sync::Arc;

use attache_metadata::BlobIntent;
use attache_model::Context;
use attache_storage::BlobKey;
use tracing::Instrument as _;

use crate::intent::{abandon, new_intent};
use crate::service::Parts;
use crate::stock::STOCKED_BYTES;

/// An upload in progress. The last one of a tenant gives up what is left of its stock.
#[derive(Debug)]
pub(crate) struct UploadGuard {
    pub(crate) parts: Arc<Parts>,
    pub(crate) cx: Context,
}

impl UploadGuard {
    pub(crate) fn new(parts: &Arc<Parts>, cx: &Context) -> Self {
        parts.stock.enter(cx.tenant());
        Self {
            parts: parts.clone(),
            cx: cx.clone(),
        }
    }

    /// Takes an intent from the stock, and has the stock filled where it is low. `None` if there is none.
    pub(crate) fn take_intent(&self) -> Option<(BlobKey, BlobIntent)> {
        // An upload needs the rest of the lease until its first renewal.
        let max_age = self.parts.timing.lease_renewal_interval();
        let taken = self.parts.stock.take(self.cx.tenant(), max_age);
        if taken.refill > 0 {
            let filling = fill(Self::new(&self.parts, &self.cx), taken.refill);
            self.parts.tasks.spawn(filling.in_current_span());
        }
        taken.intent
    }
}

impl Drop for UploadGuard {
    fn drop(&mut self) {
        for intent in self.parts.stock.leave(self.cx.tenant()) {
            abandon(&self.parts, &self.cx, intent.id, intent.lease);
        }
    }
}

/// Writes intents ahead. The guard counts as an upload, so that what nobody takes is given up.
async fn fill(guard: UploadGuard, count: usize) {
    let UploadGuard { parts, cx } = &guard;
    let new = |_| new_intent(parts, cx, parts.timing.lease, Some(STOCKED_BYTES));
    let (keys, intents): (Vec<_>, Vec<_>) = (0..count).map(new).unzip();
    let written = match parts.repository.begin_blobs(cx, &intents).await {
        Ok(()) => keys.into_iter().zip(intents).collect(),
        Err(error) => {
            tracing::debug!(%error, "no intents were written ahead");
            Vec::new()
        }
    };
    parts.stock.fill(cx.tenant(), written);
}
