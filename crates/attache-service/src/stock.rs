//! Intents that are written ahead while many small files are uploaded at once: then an upload waits for one
//! commit of the database instead of two.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use attache_metadata::BlobIntent;
use attache_model::TenantId;
use attache_storage::BlobKey;
use tokio::time::Instant;

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

/// The result of asking the stock for an intent.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// `None` if there is none: the upload writes its own.
    pub(crate) intent: Option<(BlobKey, BlobIntent)>,
    /// The number of intents that the caller is to write for the stock; 0 if there are enough, or another
    /// does.
    pub(crate) refill: usize,
}

impl IntentStock {
    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Stock>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an upload of a tenant, until it [leaves](Self::leave).
    pub(crate) fn enter(&self, tenant: TenantId) {
        self.lock().entry(tenant).or_default().uploads += 1;
    }

    /// Takes an intent that was written less than `max_age` ago.
    pub(crate) fn take(&self, tenant: TenantId, max_age: Duration) -> Taken {
        let mut stocks = self.lock();
        let Some(stock) = stocks.get_mut(&tenant) else {
            return Taken::default();
        };
        let last = stock.ready.pop();
        let taken = last.filter(|ready| ready.written_at.elapsed() < max_age);
        if taken.is_none() {
            // Older ones come before. Their leases end by themselves.
            stock.ready.clear();
        }
        let is_low = stock.ready.len() <= stock.uploads / 4;
        let is_wanted = stock.uploads >= STOCKED_FROM && is_low && !stock.is_being_filled;
        stock.is_being_filled |= is_wanted;
        Taken {
            intent: taken.map(|ready| (ready.key, ready.intent)),
            refill: if is_wanted {
                (stock.uploads / 2).min(REFILL)
            } else {
                0
            },
        }
    }

    /// Adds the intents that a caller was asked for: none, if they could not be written.
    pub(crate) fn fill(&self, tenant: TenantId, written: Vec<(BlobKey, BlobIntent)>) {
        let written_at = Instant::now();
        if let Some(stock) = self.lock().get_mut(&tenant) {
            stock.is_being_filled = false;
            stock
                .ready
                .extend(written.into_iter().map(|(key, intent)| Ready {
                    key,
                    intent,
                    written_at,
                }));
        }
    }

    /// Ends an upload of a tenant. Returns what is left of the stock if it was the last, to be given up.
    pub(crate) fn leave(&self, tenant: TenantId) -> Vec<BlobIntent> {
        let mut stocks = self.lock();
        let Entry::Occupied(mut stock) = stocks.entry(tenant) else {
            return Vec::new();
        };
        stock.get_mut().uploads -= 1;
        if stock.get().uploads > 0 {
            return Vec::new();
        }
        let left = stock.remove().ready;
        left.into_iter().map(|ready| ready.intent).collect()
    }
}

#[cfg(test)]
mod tests {
    use attache_metadata::LeaseToken;
    use attache_model::{BlobId, OsEntropy, Timestamp};

    use super::*;

    const TENANT: TenantId = TenantId::new(7);
    const MAX_AGE: Duration = Duration::from_secs(30);

    fn intents(count: usize) -> Vec<(BlobKey, BlobIntent)> {
        let intent = |_| {
            let id = BlobId::generate(Timestamp::from_millis(1), &OsEntropy);
            let key = BlobKey::for_blob(TENANT, id);
            let intent = BlobIntent {
                id,
                storage_key: key.to_string(),
                lease: LeaseToken::generate(&OsEntropy),
                lease_for: Duration::from_secs(90),
            };
            (key, intent)
        };
        (0..count).map(intent).collect()
    }

    fn busy(uploads: usize) -> IntentStock {
        let stock = IntentStock::default();
        (0..uploads).for_each(|_| stock.enter(TENANT));
        stock
    }

    #[tokio::test]
    async fn few_uploads_write_their_own() {
        let stock = busy(STOCKED_FROM - 1);
        let taken = stock.take(TENANT, MAX_AGE);
        assert!(taken.intent.is_none());
        assert_eq!(taken.refill, 0);
    }

    #[tokio::test]
    async fn one_caller_is_asked_to_refill() {
        let stock = busy(20);
        assert_eq!(stock.take(TENANT, MAX_AGE).refill, 10);
        assert_eq!(
            stock.take(TENANT, MAX_AGE).refill,
            0,
            "another does already"
        );
        stock.fill(TENANT, intents(10));
        for left in (0..10).rev() {
            let taken = stock.take(TENANT, MAX_AGE);
            assert!(taken.intent.is_some(), "{left} left");
        }
        assert!(stock.take(TENANT, MAX_AGE).intent.is_none());
        assert_eq!(busy(1000).take(TENANT, MAX_AGE).refill, REFILL);
    }

    #[tokio::test(start_paused = true)]
    async fn old_intents_are_not_taken() {
        let stock = busy(20);
        stock.take(TENANT, MAX_AGE);
        stock.fill(TENANT, intents(10));
        tokio::time::advance(MAX_AGE).await;
        assert!(stock.take(TENANT, MAX_AGE).intent.is_none());
    }

    #[tokio::test]
    async fn last_upload_returns_what_is_left() {
        let stock = busy(9);
        stock.take(TENANT, MAX_AGE);
        stock.fill(TENANT, intents(4));
        for _ in 0..8 {
            assert!(stock.leave(TENANT).is_empty());
        }
        assert_eq!(stock.leave(TENANT).len(), 4);
        assert!(stock.lock().is_empty());
        // What is written too late belongs to nobody.
        stock.fill(TENANT, intents(1));
        assert!(stock.lock().is_empty());
    }
}
