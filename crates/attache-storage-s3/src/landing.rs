//! Requests that make a blob visible and outlive whoever gave up on them, and the deletes that wait
//! for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use attache_storage::BlobKey;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

/// The keys on which something is about to land.
///
/// A request that was sent cannot be called back. Were it dropped with its caller, a delete could
/// overtake it, and the blob would come back for good. So it goes on, and the delete waits.
#[derive(Debug, Default)]
pub(crate) struct Landings {
    keys: Mutex<HashMap<BlobKey, Weak<RwLock<()>>>>,
}

/// One request under way. Dropping it says that its outcome is known.
#[derive(Debug)]
pub(crate) struct Landing {
    _guard: OwnedRwLockReadGuard<()>,
}

impl Landings {
    fn keys(&self) -> MutexGuard<'_, HashMap<BlobKey, Weak<RwLock<()>>>> {
        // No code that holds the lock leaves the map half changed, so a poisoned one is fine.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Announces a request. Waits while a delete of the key waits.
    pub(crate) async fn begin(&self, key: &BlobKey) -> Landing {
        let lock = self.lock_of(key);
        Landing {
            _guard: lock.read_owned().await,
        }
    }

    fn lock_of(&self, key: &BlobKey) -> Arc<RwLock<()>> {
        let mut keys = self.keys();
        // Forgets those that are over, so that the map is as large as what is under way.
        keys.retain(|_, lock| lock.strong_count() > 0);
        let known = keys.get(key).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let lock = Arc::new(RwLock::new(()));
            keys.insert(key.clone(), Arc::downgrade(&lock));
            lock
        })
    }

    /// Waits until no announced request on the key is under way.
    pub(crate) async fn settled(&self, key: &BlobKey) {
        let lock = self.keys().get(key).and_then(Weak::upgrade);
        if let Some(lock) = lock {
            drop(lock.write().await);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_delete_waits_for_all_landings_of_its_key() {
        let landings = Landings::default();
        let (key, other) = (BlobKey::parse("a").unwrap(), BlobKey::parse("b").unwrap());
        let first = landings.begin(&key).await;
        let second = landings.begin(&key).await;
        assert!(landings.settled(&other).now_or_never().is_some());
        assert!(landings.settled(&key).now_or_never().is_none());
        drop(first);
        assert!(landings.settled(&key).now_or_never().is_none());
        drop(second);
        assert!(landings.settled(&key).now_or_never().is_some());
        drop(landings.begin(&other).await);
        assert_eq!(landings.keys().len(), 1, "what is over is forgotten");
    }
}
