//! Outages of a database or a store: one event when one begins, one when it ends, whatever the number of
//! failed calls.

use std::time::{Duration, Instant};

/// The time without a failure after which an outage is over. Failures that come and go are one outage.
const QUIET: Duration = Duration::from_secs(5);

/// The calls to something that may be away.
#[derive(Debug, Default)]
pub struct Outage {
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    began: Instant,
    last_failure: Instant,
    failures: u64,
}

/// A change between up and away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutageChange {
    /// The first failure of an outage.
    Began,
    /// Calls succeed again, and none has failed for a while.
    Ended {
        /// The number of calls that failed.
        failures: u64,
        /// The time from the first failure to the last.
        lasted: Duration,
    },
}

impl Outage {
    /// Notes that a call failed because the other side was away. Returns the change, if it is one.
    pub fn failed(&mut self, now: Instant) -> Option<OutageChange> {
        if let Some(current) = &mut self.current {
            current.last_failure = now;
            current.failures += 1;
            return None;
        }
        self.current = Some(Current {
            began: now,
            last_failure: now,
            failures: 1,
        });
        Some(OutageChange::Began)
    }

    /// Notes that a call succeeded. Returns the change, if it is one.
    pub fn succeeded(&mut self, now: Instant) -> Option<OutageChange> {
        let is_over = |current: &mut Current| now.duration_since(current.last_failure) >= QUIET;
        let ended = self.current.take_if(is_over)?;
        Some(OutageChange::Ended {
            failures: ended.failures,
            lasted: ended.last_failure.duration_since(ended.began),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outage_changes_twice_however_many_calls_fail() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut outage = Outage::default();
        assert_eq!(outage.succeeded(at(0)), None);
        assert_eq!(outage.failed(at(1)), Some(OutageChange::Began));
        for second in 2..10 {
            assert_eq!(outage.failed(at(second)), None);
            assert_eq!(outage.succeeded(at(second + 1)), None, "failures may go on");
        }
        let ended = OutageChange::Ended {
            failures: 9,
            lasted: Duration::from_secs(8),
        };
        assert_eq!(outage.succeeded(at(14)), Some(ended));
        assert_eq!(outage.succeeded(at(15)), None);
        assert_eq!(outage.failed(at(16)), Some(OutageChange::Began));
    }
}
