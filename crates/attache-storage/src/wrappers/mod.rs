//! Stores around stores: each adds one thing and passes everything else through.

mod fault;
mod observe;
mod operation;
mod prefix;
mod retry;
mod shared;
mod timeout;

pub use fault::{Fault, FaultBlobStore, FaultEffect, FaultScript};
pub use observe::{BlobCall, BlobOutcome, ObserveBlobStore, Observer};
pub use operation::BlobOperation;
pub use prefix::PrefixBlobStore;
pub use retry::{RetryBlobStore, RetryPolicy};
pub use timeout::{TimedOut, TimeoutBlobStore, Timeouts};
