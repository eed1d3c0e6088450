#![doc = include_str!("../README.md")]

mod bucket;
mod clients;
mod credentials;
mod diagnose;
#[cfg(feature = "aws-config")]
mod discovery;
mod doubt;
mod failure;
mod landing;
mod list;
mod meaning;
mod memory;
mod multipart;
mod open_upload;
mod options;
mod presign;
mod put;
mod read;
mod session;
mod settle;
mod source;
mod store;
mod strays;

pub use credentials::{S3AccessKey, S3Credentials, S3CredentialsError, S3CredentialsSource};
pub use options::{S3Options, S3OptionsError};
pub use store::S3BlobStore;
