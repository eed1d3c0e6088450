#![doc = include_str!("../README.md")]

mod access;
mod administration;
mod authenticate;
mod blob_health;
mod builder;
mod change;
mod claim;
mod commit;
mod download;
mod error;
mod find;
mod identity;
mod incoming;
mod intent;
mod lease;
mod lifecycle;
mod lifetime;
mod links;
mod list;
mod live_key_ring;
mod monitor;
mod reaper;
mod reservation;
mod seams;
mod service;
mod session;
mod staging;
mod stock;
mod upload_guard;
mod uploads;
mod verify;

pub use access::Action;
pub use administration::{Administration, ApiKeyRequest, IssuedApiKey};
pub use authenticate::{ApiKeyAuthenticator, Authenticator};
pub use builder::ServiceBuilder;
pub use change::FilePatch;
pub use download::{Content, Download};
pub use error::ServiceError;
pub use identity::{
    Halves, IdentityError, InstallationGuard, Marker, RestoreReport, Standing, compare_halves,
};
pub use incoming::{IncomingFile, UploadFields};
pub use links::{IssuedLink, LinkRequest};
pub use list::{FileList, ListRequest};
pub use reaper::ReapReport;
pub use seams::{Downloads, Inspector, StagedFile, Verdict};
pub use service::FileService;
pub use session::UploadSession;
pub use uploads::{PendingUpload, UploadRequest, UploadStatus, UploadTarget};
pub use verify::{VerifyEvent, VerifyOptions, VerifyReport, verify};

/// The types of the crates below that callers of this one need.
pub use attache_metadata::{
    Change, CommittedFile, FileQuery, IdempotencyKey, Sort, SortDirection, SortField, StateFilter,
};
pub use attache_signing::{LinkAction, UploadLinkQuery};
pub use attache_storage::{
    BlobError, BlobReader, Body, BodyError, BudgetShare, BudgetUsedUp, ByteRange, FairBudget,
    PresignedRequest,
};
