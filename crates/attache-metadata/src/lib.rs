#![doc = include_str!("../README.md")]

mod blob_health;
mod blobs;
pub mod conformance;
mod error;
mod events;
mod files;
mod installation;
mod query;
mod repository;
mod tenancy;
mod uploads;

pub use blob_health::{BlobFault, BlobHealthRepository, BlobTotals, LiveBlob, UnknownFault};
pub use blobs::{
    BlobFacts, BlobIntent, BlobLocation, LeaseToken, ReapStage, ReapTask, StorageUsage,
};
pub use error::{RepositoryError, RepositoryErrorKind};
pub use events::{
    EventHook, FileEvent, FileEventKind, OutboxEntry, OutboxRepository, PendingEvent,
};
pub use files::{
    Attempt, Change, CommittedFile, FileChange, IdempotencyKey, NewFile, NewFiles, Refusal,
    StoredFile,
};
pub use installation::{ForgottenBlobs, InstallationRepository, InstallationRow};
pub use query::{
    FilePage, FileQuery, PAGE_TEXT_BYTES, PageKey, PageRequest, Sort, SortDirection, SortField,
    SortValue, StateFilter, text_bytes,
};
pub use repository::{
    BlobRepository, FileRepository, MetadataRepository, TenancyRepository, UploadRepository,
};
pub use tenancy::{ApiKeyRecord, NewApiKey};
pub use uploads::{NewUpload, StagingBlob, StoredUpload};
