//! The requests in flight that make a blob visible, and the deletes that wait for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use attache_storage::BlobKey;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

/// The keys to which a write is in flight.
///
/// A request that was sent cannot be recalled. If it were dropped with its caller, a delete could
/// overtake it, and the blob would reappear for good. So it continues, and the delete waits.
#[derive(Debug, Default)]
pub(crate) struct InFlightWrites {
    keys: Mutex<HashMap<BlobKey, Weak<RwLock<()>>>>,
}

/// One write in flight. It is dropped when its outcome is known.
#[derive(Debug)]
pub(crate) struct InFlightWrite {
    _guard: OwnedRwLockReadGuard<()>,
}

impl InFlightWrites {
    /// Registers a write. Waits while a delete of the key waits.
    pub(crate) async fn begin(&self, key: &BlobKey) -> InFlightWrite {
        let lock = self.lock_of(key);
        InFlightWrite {
            _guard: lock.read_owned().await,
        }
    }

    /// Waits until no registered write to the key is in flight.
    pub(crate) async fn wait_for(&self, key: &BlobKey) {
        let lock = self.keys().get(key).and_then(Weak::upgrade);
        if let Some(lock) = lock {
            drop(lock.write().await);
        }
    }

    fn lock_of(&self, key: &BlobKey) -> Arc<RwLock<()>> {
        let mut keys = self.keys();
        // Forget completed writes, so that the map is as large as the number in flight.
        keys.retain(|_, lock| lock.strong_count() > 0);
        let known = keys.get(key).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let lock = Arc::new(RwLock::new(()));
            keys.insert(key.clone(), Arc::downgrade(&lock));
            lock
        })
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<BlobKey, Weak<RwLock<()>>>> {
        // No code panics between two changes to the map, so a poisoned lock is fine.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn delete_waits_for_all_writes_to_its_key() {
        let writes = InFlightWrites::default();
        let (key, other) = (BlobKey::parse("a").unwrap(), BlobKey::parse("b").unwrap());
        let first = writes.begin(&key).await;
        let second = writes.begin(&key).await;
        assert!(writes.wait_for(&other).now_or_never().is_some());
        assert!(writes.wait_for(&key).now_or_never().is_none());
        drop(first);
        assert!(writes.wait_for(&key).now_or_never().is_none());
        drop(second);
        assert!(writes.wait_for(&key).now_or_never().is_some());
        drop(writes.begin(&other).await);
        assert_eq!(writes.keys().len(), 1, "a completed write is forgotten");
    }
}
