//! The allocation of slots, and the decision that a blob gets one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use attache_model::{BlobId, TenantId};

use super::place::{SegmentPath, new_segment};
use super::{CAPACITY_BYTES, SLOTS};

/// The puts that wait for the disk from which on small blobs share files. A single sync of a file of its own
/// is as fast, and such files are easier to look after.
const SHARED_FROM: usize = 4;

/// The tenants whose segments are remembered. A forgotten one begins another.
const TENANTS: usize = 1024;

/// The state of the allocation.
#[derive(Debug, Default)]
pub(crate) struct Allocation {
    /// The segment of each tenant that is being filled.
    filling: Mutex<HashMap<TenantId, Filling>>,
    waiting: Arc<AtomicUsize>,
}

/// A segment with slots that were never given away.
#[derive(Debug)]
struct Filling {
    path: String,
    next: u16,
}

impl Allocation {
    /// Returns the key of a free slot for a new blob of at most `max_size_bytes`; `None` if it is to be a file
    /// of its own.
    pub(crate) fn slot(
        &self,
        tenant: TenantId,
        blob: BlobId,
        max_size_bytes: Option<u64>,
    ) -> Option<String> {
        let fits = max_size_bytes.is_some_and(|size| size <= CAPACITY_BYTES);
        if !fits || self.waiting.load(Ordering::Relaxed) < SHARED_FROM {
            return None;
        }
        let locked = self.filling.lock();
        let mut filling = locked.unwrap_or_else(PoisonError::into_inner);
        if filling.len() >= TENANTS && !filling.contains_key(&tenant) {
            filling.clear();
        }
        let segment = filling.entry(tenant).or_insert_with(|| Filling {
            path: new_segment(tenant, blob),
            next: 0,
        });
        let number = segment.next;
        let key = SegmentPath::parse(&segment.path)?.key_of(number);
        segment.next += 1;
        if segment.next == SLOTS {
            filling.remove(&tenant);
        }
        Some(key)
    }

    /// Counts a put that waits for the disk, until the guard is dropped.
    pub(crate) fn waiting(&self) -> WaitingPut {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        WaitingPut(Arc::clone(&self.waiting))
    }
}

/// A put that waits for the disk.
#[derive(Debug)]
pub(crate) struct WaitingPut(Arc<AtomicUsize>);

impl Drop for WaitingPut {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use attache_model::{OsEntropy, Timestamp};

    use super::super::SlotPlace;
    use super::*;

    fn blob() -> BlobId {
        BlobId::generate(Timestamp::from_millis(1_700_000_000_000), &OsEntropy)
    }

    fn slot(allocation: &Allocation, tenant: i64, size_bytes: u64) -> Option<String> {
        allocation.slot(TenantId::new(tenant), blob(), Some(size_bytes))
    }

    #[test]
    fn small_blobs_share_when_many_wait() {
        let allocation = Allocation::default();
        let waiting: Vec<_> = (0..SHARED_FROM).map(|_| allocation.waiting()).collect();
        assert!(slot(&allocation, 7, 0).is_some());
        assert!(slot(&allocation, 7, CAPACITY_BYTES).is_some());
        assert_eq!(slot(&allocation, 7, CAPACITY_BYTES + 1), None);
        assert_eq!(allocation.slot(TenantId::new(7), blob(), None), None);
        drop(waiting);
        assert_eq!(slot(&allocation, 7, 0), None);
    }

    #[test]
    fn no_slot_is_given_twice() {
        let allocation = Allocation::default();
        let _waiting: Vec<_> = (0..SHARED_FROM).map(|_| allocation.waiting()).collect();
        let keys: HashSet<_> = (0..3 * i64::from(SLOTS))
            .map(|count| slot(&allocation, 1 + count % 2, 1).unwrap())
            .collect();
        assert_eq!(keys.len(), 3 * usize::from(SLOTS));
        for key in keys {
            assert!(SlotPlace::of_key(&key).is_some(), "{key}");
        }
    }

    #[test]
    fn remembered_segments_are_bounded() {
        let allocation = Allocation::default();
        let _waiting: Vec<_> = (0..SHARED_FROM).map(|_| allocation.waiting()).collect();
        for tenant in 0..3000 {
            slot(&allocation, tenant, 1).unwrap();
        }
        assert!(allocation.filling.lock().unwrap().len() <= TENANTS);
    }
}
