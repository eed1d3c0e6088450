//! Views of queues, for metrics.

use std::fmt;
use std::sync::Arc;

/// The state of a queue, or of one class of its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStatus {
    /// The name of the queue, such as `database_writes`.
    pub name: &'static str,
    /// The calls that wait.
    pub waiting: usize,
    /// The calls that run.
    pub running: usize,
    /// The calls refused since the start, because their lane held all that one may.
    pub refused_by_lane: u64,
    /// The calls refused since the start, because all lanes together held all that they may.
    pub refused_by_all: u64,
}

/// Shows the state of the classes of one queue.
pub(crate) trait Observe: Send + Sync {
    fn statuses(&self) -> Vec<QueueStatus>;
}

/// A view of a queue, which outlives its owner's interest in it. Cloning is cheap.
#[derive(Clone)]
pub struct QueueMonitor(Arc<dyn Observe>);

impl QueueMonitor {
    pub(crate) fn new(queue: Arc<dyn Observe>) -> Self {
        Self(queue)
    }

    /// Returns the present state, one entry for each class of jobs.
    pub fn statuses(&self) -> Vec<QueueStatus> {
        self.0.statuses()
    }
}

impl fmt::Debug for QueueMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.statuses()).finish()
    }
}

/// Counters of refusals.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Refusals {
    pub(crate) by_lane: u64,
    pub(crate) by_all: u64,
}

impl Refusals {
    pub(crate) fn status(self, name: &'static str, waiting: usize, running: usize) -> QueueStatus {
        QueueStatus {
            name,
            waiting,
            running,
            refused_by_lane: self.by_lane,
            refused_by_all: self.by_all,
        }
    }
}
