//! Wrappers: stores around stores, each of which adds one feature.

mod fault;
mod observed;
mod operation;
mod shared;
mod timeout;

pub use fault::{Fault, FaultBlobStore, FaultEffect, FaultScript};
pub use observed::ObservedBlobStore;
pub use operation::BlobOperation;
pub use timeout::{TimedOut, TimeoutBlobStore, Timeouts};
