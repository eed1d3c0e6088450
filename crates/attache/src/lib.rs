#![doc = include_str!("../README.md")]

#[cfg(all(feature = "sqlite", target_os = "linux"))]
mod data_dir;
#[cfg(all(feature = "sqlite", target_os = "linux"))]
mod embedded;
#[cfg(all(feature = "sqlite", target_os = "linux"))]
mod open_error;
#[cfg(unix)]
pub mod signing_keys;

#[cfg(all(feature = "sqlite", target_os = "linux"))]
pub use embedded::{Embedded, EmbeddedDatabase, EmbeddedOptions, SigningKeySource};
#[cfg(all(feature = "sqlite", target_os = "linux"))]
pub use open_error::OpenError;

#[cfg(feature = "http")]
#[doc(inline)]
pub use attache_http as http;
#[doc(inline)]
pub use attache_metadata as metadata;
#[cfg(feature = "sqlite")]
#[doc(inline)]
pub use attache_metadata_sql as sqlite;
#[doc(inline)]
pub use attache_model as model;
#[doc(inline)]
pub use attache_service as service;
#[doc(inline)]
pub use attache_signing as signing;
#[doc(inline)]
pub use attache_storage as storage;

#[cfg(feature = "http")]
#[doc(no_inline)]
pub use attache_http::{Dialect, Dialects, HttpConfig, HttpService, PublicUrl};
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
    PromisedUpload, ServiceBuilder, ServiceError, UploadFields, UploadRequest, UploadTarget,
};
#[doc(no_inline)]
pub use attache_signing::KeyRing;
#[doc(no_inline)]
pub use attache_storage::{BlobStore, Body};
