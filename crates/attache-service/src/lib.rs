#![doc = include_str!("../README.md")]

mod access;
mod administration;
mod arrival;
mod attempt;
mod authenticate;
mod builder;
mod change;
mod claim;
mod commit;
mod direct_upload;
mod download;
mod error;
mod find;
mod inspect;
mod lifecycle;
mod lifetime;
mod links;
mod list;
mod reaper;
mod service;
mod staging;
mod upload;

pub use access::Action;
pub use administration::{Administration, ApiKeyRequest, IssuedApiKey};
pub use authenticate::{ApiKeyAuthenticator, Authenticator};
pub use builder::ServiceBuilder;
pub use change::FilePatch;
pub use direct_upload::{PendingUpload, UploadRequest, UploadStatus, UploadTarget};
pub use download::{Content, Download, Downloads};
pub use error::ServiceError;
pub use inspect::{Inspector, StagedFile, Verdict};
pub use links::{IssuedLink, LinkRequest};
pub use list::{FileList, ListRequest};
pub use reaper::ReapReport;
pub use service::FileService;
pub use upload::{IncomingFile, UploadFields, UploadSession};

/// What callers of this crate need from the crates below it.
pub use attache_metadata::{
    Change, CommittedFile, FileQuery, IdempotencyKey, Sort, SortDirection, SortField, StateFilter,
};
pub use attache_signing::{LinkAction, UploadLinkQuery};
pub use attache_storage::{BlobError, BlobReader, Body, BodyError, ByteRange, PresignedRequest};
