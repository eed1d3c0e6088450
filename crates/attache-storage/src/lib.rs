#![doc = include_str!("../README.md")]

mod body;
pub mod conformance;
mod error;
mod ext;
mod fair_budget;
mod key;
#[cfg(target_os = "linux")]
mod local;
mod marker;
mod memory;
mod store;
mod verified;
mod verify;
mod wrappers;

pub use body::{Body, BodyError, ByteStream};
pub use error::{BlobError, BlobErrorKind, PutError};
pub use ext::{BlobStoreExt, BlobTooLarge};
pub use fair_budget::{BudgetShare, BudgetUsedUp, FairBudget};
pub use key::BlobKey;
#[cfg(target_os = "linux")]
pub use local::{LocalBlobStore, LocalOptions, ReadOnlyLocalBlobStore};
pub use marker::{MARKER_BYTES, MarkerWrite, StoreMarker};
pub use memory::MemoryBlobStore;
pub use store::{
    BlobMeta, BlobReader, BlobStore, ByteRange, Capabilities, KeyPage, PresignOperation,
    PresignedRequest, PutOptions, StoreHealth, StoredBlob,
};
pub use verify::BodyVerifier;
pub use wrappers::{
    BlobOperation, Fault, FaultBlobStore, FaultEffect, FaultScript, ObservedBlobStore, TimedOut,
    TimeoutBlobStore, Timeouts,
};
