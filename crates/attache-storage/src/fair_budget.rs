//! A budget of memory that tenants share fairly.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A number of bytes that buffers share, each on behalf of an owner: a tenant.
///
/// An owner may hold as much as is left free after it: one owner alone holds at most half of the
/// budget, two hold a third each, and so on. So something is always free for an owner that holds
/// nothing yet, however greedy the others are. Beyond its share, an owner may always hold the floor,
/// as long as the budget has room.
#[derive(Debug, Clone)]
pub struct FairBudget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit_bytes: u64,
    floor_bytes: u64,
    held: Mutex<Held>,
    released: Notify,
}

#[derive(Debug, Default)]
struct Held {
    total_bytes: u64,
    /// Of the owners that hold something.
    by_owner: HashMap<Arc<str>, u64>,
}

/// The part of a budget that one buffer holds; returned on drop.
#[derive(Debug)]
pub struct BudgetShare {
    shared: Arc<Shared>,
    owner: Arc<str>,
    held_bytes: u64,
}

/// The budget, or the owner's share of it, is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the memory budget, or the tenant's share of it, is used up")]
pub struct BudgetUsedUp;

impl FairBudget {
    /// Creates a budget of `limit_bytes`, of which each owner may hold `floor_bytes` beyond its share.
    pub fn new(limit_bytes: u64, floor_bytes: u64) -> Self {
        Self {
            shared: Arc::new(Shared {
                limit_bytes,
                floor_bytes,
                held: Mutex::default(),
                released: Notify::new(),
            }),
        }
    }

    /// Returns the share of a buffer that holds nothing yet.
    pub fn begin(&self, owner: &str) -> BudgetShare {
        BudgetShare {
            shared: Arc::clone(&self.shared),
            owner: owner.into(),
            held_bytes: 0,
        }
    }

    /// Returns the number of bytes that are held.
    pub fn held_bytes(&self) -> u64 {
        self.shared.held().total_bytes
    }
}

impl BudgetShare {
    /// Holds `bytes` in all, if that is more than before. A buffer that nobody else holds anything
    /// beside may exceed the budget, so that the only one under way always proceeds.
    ///
    /// # Errors
    ///
    /// [`BudgetUsedUp`] if too much is held; then this share is as before.
    pub fn try_hold(&mut self, bytes: u64) -> Result<(), BudgetUsedUp> {
        let more_bytes = bytes.saturating_sub(self.held_bytes);
        if more_bytes == 0 {
            return Ok(());
        }
        let mut held = self.shared.held();
        let total_bytes = held.total_bytes.saturating_add(more_bytes);
        let of_owner = held.by_owner.get(&self.owner).copied().unwrap_or(0);
        let of_owner = of_owner.saturating_add(more_bytes);
        let is_only = held.total_bytes == self.held_bytes;
        if !is_only && !self.shared.allows(of_owner, total_bytes) {
            return Err(BudgetUsedUp);
        }
        held.total_bytes = total_bytes;
        held.by_owner.insert(Arc::clone(&self.owner), of_owner);
        self.held_bytes = bytes;
        Ok(())
    }

    /// As [`try_hold`](Self::try_hold), but waits until others have released enough. Cancel-safe.
    pub async fn hold(&mut self, bytes: u64) {
        let shared = Arc::clone(&self.shared);
        loop {
            // Created before the attempt, so that a release in between is not missed.
            let released = shared.released.notified();
            if self.try_hold(bytes).is_ok() {
                return;
            }
            released.await;
        }
    }

    /// Returns the number of bytes that this share holds.
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes
    }
}

impl Drop for BudgetShare {
    fn drop(&mut self) {
        if self.held_bytes == 0 {
            return;
        }
        let mut held = self.shared.held();
        held.total_bytes -= self.held_bytes;
        if let Some(of_owner) = held.by_owner.get_mut(&self.owner) {
            *of_owner -= self.held_bytes;
            if *of_owner == 0 {
                held.by_owner.remove(&self.owner);
            }
        }
        drop(held);
        self.shared.released.notify_waiters();
    }
}

impl Shared {
    /// Returns `true` if an owner may hold so much, out of so much in all.
    fn allows(&self, of_owner_bytes: u64, total_bytes: u64) -> bool {
        let Some(free_bytes) = self.limit_bytes.checked_sub(total_bytes) else {
            return false;
        };
        of_owner_bytes <= free_bytes.max(self.floor_bytes)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // No code panics between two changes, so a poisoned lock is fine.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    /// Takes single bytes by `owner` until it is refused, and returns them.
    fn take_all(budget: &FairBudget, owner: &str) -> Vec<BudgetShare> {
        let one = || {
            let mut share = budget.begin(owner);
            share.try_hold(1).ok().map(|()| share)
        };
        std::iter::from_fn(one).collect()
    }

    #[test]
    fn greedy_owners_leave_room_for_others() {
        let budget = FairBudget::new(120, 0);
        let held: Vec<_> = ["a", "b", "c", "d", "e"]
            .map(|owner| take_all(&budget, owner))
            .into_iter()
            .collect();
        let sizes: Vec<_> = held.iter().map(Vec::len).collect();
        assert_eq!(sizes, [60, 30, 15, 7, 4]);
        drop(held);
        assert_eq!(budget.held_bytes(), 0);
        assert!(budget.shared.held().by_owner.is_empty());
    }

    #[test]
    fn floor_is_open_while_there_is_room() {
        let budget = FairBudget::new(100, 40);
        let sizes = ["a", "b", "c"].map(|owner| {
            let held = take_all(&budget, owner);
            let size = held.len();
            std::mem::forget(held);
            size
        });
        assert_eq!(sizes, [50, 40, 10]);
    }

    #[test]
    fn refused_growth_changes_nothing() {
        let budget = FairBudget::new(100, 0);
        let (mut first, mut second) = (budget.begin("a"), budget.begin("a"));
        first.try_hold(30).unwrap();
        second.try_hold(20).unwrap();
        assert_eq!(second.try_hold(21), Err(BudgetUsedUp));
        assert_eq!((second.held_bytes(), budget.held_bytes()), (20, 50));
        second.try_hold(5).unwrap();
        assert_eq!(second.held_bytes(), 20, "a share does not shrink");
        drop(first);
        second.try_hold(50).unwrap();
    }

    #[test]
    fn only_share_may_exceed_the_budget() {
        let budget = FairBudget::new(10, 0);
        let mut only = budget.begin("a");
        only.try_hold(1000).unwrap();
        let mut other = budget.begin("b");
        assert_eq!(other.try_hold(1), Err(BudgetUsedUp));
        drop(only);
        other.try_hold(1).unwrap();
    }

    #[tokio::test]
    async fn waiting_share_holds_once_another_is_dropped() {
        let budget = FairBudget::new(100, 0);
        let mut first = budget.begin("a");
        first.hold(50).await;
        let mut second = budget.begin("a");
        {
            let mut waiting = pin!(second.hold(40));
            assert!(waiting.as_mut().now_or_never().is_none());
            drop(first);
            waiting.await;
        }
        assert_eq!(budget.held_bytes(), 40);
    }
}
