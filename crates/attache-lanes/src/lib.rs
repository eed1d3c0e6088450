#![doc = include_str!("../README.md")]

mod fair;
mod gate;
mod monitor;
#[cfg(test)]
mod properties;
mod work;

pub use fair::{FairQueue, Push, QueueLimits};
pub use gate::{Gate, GateLimits, Permit};
pub use monitor::{QueueMonitor, QueueStatus};
pub use work::{ClassLimits, Pushed, Running, WorkQueue};

/// The reason why something may not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The lane holds all that one may.
    #[error("too many calls of this tenant wait")]
    LaneFull,
    /// All lanes together hold all that they may, and no other holds more than this one.
    #[error("too many calls wait")]
    Full,
    /// The queue is closed.
    #[error("the queue is closed")]
    Closed,
}
