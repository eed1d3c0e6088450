//! Pending uploads: announced first, sent afterwards by a client without credentials, either through
//! the service or straight to the store.

mod begin;
mod complete;
pub(crate) mod limits;
mod receive;
mod store;

pub use begin::{PendingUpload, UploadRequest, UploadStatus, UploadTarget};
