//! Intents that are written ahead while many small files are uploaded at once: then an upload waits for one
//! commit of the database instead of two.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attache_metadata::BlobIntent;
use attache_model::{Context, TenantId};
use attache_storage::BlobKey;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::intent::{abandon, new_intent};
use crate::service::Parts;

/// The size up to which a file may take an intent from the stock. They are made for files of this size.
pub(crate) const STOCKED_BYTES: u64 = 32 * 1024;

/// The uploads of a tenant at once from which on intents are written ahead.
const STOCKED_FROM: usize = 8;

/// The most intents that are written ahead at once.
const REFILL: usize = 32;

/// The stocks of the tenants that upload files right now.
#[derive(Debug, Default)]
pub(crate) struct IntentStock(Mutex<HashMap<TenantId, Stock>>);

/// The stock of one tenant.
#[derive(Debug, Default)]
struct Stock {
    uploads: usize,
    ready: Vec<Ready>,
    is_being_filled: bool,
}

/// An intent that nobody has taken yet.
#[derive(Debug)]
struct Ready {
    key: BlobKey,
    intent: BlobIntent,
    written_at: Instant,
}

impl IntentStock {
    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Stock>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts an upload of a tenant until the guard is dropped.
pub(crate) fn enter(parts: &Arc<Parts>, cx: &Context) -> Upload {
    parts.stock.lock().entry(cx.tenant()).or_default().uploads += 1;
    Upload {
        parts: parts.clone(),
        cx: cx.clone(),
    }
}

/// One upload in progress. The last one of a tenant gives up what is left of its stock.
#[derive(Debug)]
pub(crate) struct Upload {
    parts: Arc<Parts>,
    cx: Context,
}

impl Upload {
    /// Takes an intent from the stock, and has the stock filled where it is low. `None` if there is none.
    pub(crate) fn take(&self) -> Option<(BlobKey, BlobIntent)> {
        let Self { parts, cx } = self;
        let mut stocks = parts.stock.lock();
        let stock = stocks.get_mut(&cx.tenant())?;
        // An upload needs the time until its first renewal.
        let is_fresh =
            |ready: &Ready| ready.written_at.elapsed() < parts.timing.lease_renewal_interval();
        let taken = stock.ready.pop().filter(is_fresh);
        if taken.is_none() {
            // Older ones come before. Their leases end by themselves.
            stock.ready.clear();
        }
        let is_low = stock.ready.len() <= stock.uploads / 4;
        if stock.uploads >= STOCKED_FROM && is_low && !stock.is_being_filled {
            stock.is_being_filled = true;
            let count = (stock.uploads / 2).min(REFILL);
            let filling = fill(parts.clone(), cx.clone(), count);
            parts.tasks.spawn(filling.in_current_span());
        }
        taken.map(|ready| (ready.key, ready.intent))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut stocks = self.parts.stock.lock();
        let Entry::Occupied(mut stock) = stocks.entry(self.cx.tenant()) else {
            return;
        };
        stock.get_mut().uploads -= 1;
        if stock.get().uploads > 0 || stock.get().is_being_filled {
            return;
        }
        for Ready { intent, .. } in stock.remove().ready {
            abandon(&self.parts, &self.cx, intent.id, intent.lease);
        }
    }
}

/// Writes intents ahead.
async fn fill(parts: Arc<Parts>, cx: Context, count: usize) {
    // Counted as an upload, so that what nobody takes is given up.
    let upload = enter(&parts, &cx);
    let (keys, intents): (Vec<_>, Vec<_>) = (0..count)
        .map(|_| new_intent(&parts, &cx, parts.timing.lease, Some(STOCKED_BYTES)))
        .unzip();
    let written = parts.repository.begin_blobs(&cx, &intents).await;
    let written_at = Instant::now();
    if let Err(error) = &written {
        tracing::debug!(%error, "no intents were written ahead");
    }
    if let Some(stock) = parts.stock.lock().get_mut(&cx.tenant()) {
        stock.is_being_filled = false;
        if written.is_ok() {
            let ready = keys.into_iter().zip(intents);
            stock.ready.extend(ready.map(|(key, intent)| Ready {
                key,
                intent,
                written_at,
            }));
        }
    }
    drop(upload);
}
