//! Room for JSON uploads, which are in memory as a whole: taken as their bytes arrive, so that whoever
//! sends nothing holds nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::problem::{Problem, ProblemKind};

/// How often the bytes of an upload are in memory while it is read: as they came, as the text of a
/// field, and decoded.
const COPIES: u64 = 3;

/// The memory that all JSON uploads share.
#[derive(Debug)]
pub(crate) struct JsonBudget {
    limit_bytes: u64,
    held_bytes: AtomicU64,
}

/// What one upload holds of the budget; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct JsonRoom<'b> {
    budget: &'b JsonBudget,
    held_bytes: u64,
}

impl JsonBudget {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self {
            limit_bytes,
            held_bytes: AtomicU64::new(0),
        }
    }

    /// An upload that holds nothing yet.
    pub(crate) fn begin(&self) -> JsonRoom<'_> {
        JsonRoom {
            budget: self,
            held_bytes: 0,
        }
    }
}

impl JsonRoom<'_> {
    /// Makes sure there is room for `body_bytes` in all. The only upload under way always gets it.
    ///
    /// # Errors
    ///
    /// `unavailable`, where other uploads hold too much.
    pub(crate) fn hold(&mut self, body_bytes: usize) -> Result<(), Problem> {
        let wanted = (body_bytes as u64).saturating_mul(COPIES);
        let more = wanted.saturating_sub(self.held_bytes);
        let before = self.budget.held_bytes.fetch_add(more, Ordering::Relaxed);
        self.held_bytes += more;
        let others = (before + more).saturating_sub(self.held_bytes);
        if others > 0 && before + more > self.budget.limit_bytes {
            let detail = "too many JSON uploads at once; try again, or send the bytes as they are";
            return Err(Problem::new(ProblemKind::Unavailable, detail).retry_soon());
        }
        Ok(())
    }
}

impl Drop for JsonRoom<'_> {
    fn drop(&mut self) {
        self.budget
            .held_bytes
            .fetch_sub(self.held_bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_as_bytes_arrive_and_given_back() {
        let budget = JsonBudget::new(300);
        let (mut first, mut second) = (budget.begin(), budget.begin());
        first.hold(60).unwrap();
        second.hold(40).unwrap();
        assert!(second.hold(41).is_err());
        drop(second);
        first.hold(100).unwrap();
        drop(first);
        assert_eq!(budget.held_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn one_upload_alone_may_exceed_the_budget() {
        let budget = JsonBudget::new(10);
        let mut only = budget.begin();
        only.hold(1000).unwrap();
        let mut other = budget.begin();
        assert!(other.hold(1).is_err());
    }
}
