#![doc = include_str!("../README.md")]

#[cfg(all(feature = "sqlite", feature = "postgres", target_os = "linux"))]
pub mod data_migration;
#[cfg(all(any(feature = "sqlite", feature = "postgres"), target_os = "linux"))]
mod installation;
#[cfg(unix)]
pub mod signing_keys;

#[cfg(all(any(feature = "sqlite", feature = "postgres"), target_os = "linux"))]
pub use installation::{
    DatabaseLocation, Installation, InstallationDatabase, InstallationOptions, OpenError,
    PathProblem, SigningKeySource, StorageLocation,
};

#[cfg(feature = "http")]
#[doc(inline)]
pub use attache_http as http;
#[doc(inline)]
pub use attache_lanes as lanes;
#[doc(inline)]
pub use attache_metadata as metadata;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[doc(inline)]
pub use attache_metadata_sql as sql;
#[doc(inline)]
pub use attache_model as model;
#[doc(inline)]
pub use attache_service as service;
#[doc(inline)]
pub use attache_signing as signing;
#[doc(inline)]
pub use attache_storage as storage;
#[cfg(feature = "s3")]
#[doc(inline)]
pub use attache_storage_s3 as s3;

#[cfg(feature = "http")]
#[doc(no_inline)]
pub use attache_http::{Dialect, Dialects, HttpConfig, HttpService, OriginPattern, PublicUrl};
#[doc(no_inline)]
pub use attache_metadata::MetadataRepository;
#[doc(no_inline)]
pub use attache_model::{
    Context, FileId, FileRecord, Filename, Holder, InvalidValue, Limits, Principal, RequestId,
    Scope, Scopes, TenantSlug,
};
#[doc(no_inline)]
pub use attache_service::{
    Administration, ApiKeyRequest, Downloads, FileService, IncomingFile, ListRequest,
    PendingUpload, ServiceBuilder, ServiceError, UploadFields, UploadRequest, UploadTarget,
};
#[doc(no_inline)]
pub use attache_signing::KeyRing;
#[doc(no_inline)]
pub use attache_storage::{BlobStore, Body};

/// Runs the examples of the embedding guide as tests.
#[cfg(all(doctest, feature = "http", feature = "sqlite"))]
#[doc = include_str!("../../../docs/EMBEDDING.md")]
struct Embedding;
