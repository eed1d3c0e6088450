//! The memory that JSON uploads share, since each is held in memory as a whole. It is taken as their
//! bytes arrive, so that a client that sends nothing holds nothing.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::problem::{Problem, ProblemKind};

/// The number of copies of an upload in memory while it is read: as it came, as the text of a field,
/// and decoded.
const COPIES: u32 = 3;

/// The memory that all JSON uploads share: a permit for each byte.
#[derive(Debug)]
pub(crate) struct JsonBudget {
    limit_bytes: u32,
    free_bytes: Semaphore,
}

/// The part of the budget that one upload holds; returned on drop.
#[derive(Debug)]
pub(crate) struct JsonRoom<'b> {
    budget: &'b JsonBudget,
    held: Option<SemaphorePermit<'b>>,
}

impl JsonBudget {
    /// Creates a budget; more than 4 GiB count as 4 GiB.
    pub(crate) fn new(limit_bytes: u64) -> Self {
        let limit_bytes = u32::try_from(limit_bytes).unwrap_or(u32::MAX);
        let permits = usize::try_from(limit_bytes).unwrap_or(usize::MAX);
        Self {
            limit_bytes,
            free_bytes: Semaphore::new(permits.min(Semaphore::MAX_PERMITS)),
        }
    }

    /// Returns the room of an upload that holds nothing yet.
    pub(crate) fn begin(&self) -> JsonRoom<'_> {
        JsonRoom {
            budget: self,
            held: None,
        }
    }
}

impl JsonRoom<'_> {
    /// Takes room for `body_bytes` in all. An upload that needs more than the whole budget gets the
    /// whole budget, so that the only upload under way always proceeds.
    ///
    /// # Errors
    ///
    /// `unavailable` if other uploads hold too much.
    pub(crate) fn hold(&mut self, body_bytes: usize) -> Result<(), Problem> {
        let body_bytes = u32::try_from(body_bytes).unwrap_or(u32::MAX);
        let wanted_bytes = body_bytes
            .saturating_mul(COPIES)
            .min(self.budget.limit_bytes);
        let held_bytes = self.held.as_ref().map_or(0, SemaphorePermit::num_permits);
        let more_bytes = wanted_bytes.saturating_sub(u32::try_from(held_bytes).unwrap_or(u32::MAX));
        let more = self.budget.free_bytes.try_acquire_many(more_bytes);
        let more = more.map_err(|_| {
            let detail = "too many JSON uploads at once; try again, or send the bytes as they are";
            Problem::new(ProblemKind::Unavailable, detail).retry_soon()
        })?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_as_bytes_arrive_and_returned() {
        let budget = JsonBudget::new(300);
        let (mut first, mut second) = (budget.begin(), budget.begin());
        first.hold(60).unwrap();
        second.hold(40).unwrap();
        assert!(second.hold(41).is_err());
        drop(second);
        first.hold(100).unwrap();
        drop(first);
        assert_eq!(budget.free_bytes.available_permits(), 300);
    }

    #[test]
    fn only_upload_may_exceed_the_budget() {
        let budget = JsonBudget::new(10);
        let mut only = budget.begin();
        only.hold(1000).unwrap();
        let mut other = budget.begin();
        assert!(other.hold(1).is_err());
        drop(only);
        other.hold(1).unwrap();
    }
}
