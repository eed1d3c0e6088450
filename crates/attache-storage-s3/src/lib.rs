#![doc = include_str!("../README.md")]

mod bucket;
mod clients;
mod credential_cache;
mod credentials;
mod diagnose;
#[cfg(feature = "aws-config")]
mod discovery;
mod error_codes;
mod failure;
mod in_flight;
mod list;
mod marker;
mod memory;
mod multipart;
mod open_upload;
mod options;
mod orphaned_multipart;
mod presign;
mod put;
mod read;
mod resolve_outcome;
mod source;
mod store;
mod tls;

pub use credentials::{S3AccessKey, S3Credentials, S3CredentialsError, S3CredentialsSource};
pub use options::{S3Options, S3OptionsError};
pub use store::S3BlobStore;
