#![doc = include_str!("../README.md")]

mod body;
mod error;
mod key;
mod store;

pub use body::{Body, BodyError, ByteStream};
pub use error::{BlobError, BlobErrorKind, PutError};
pub use key::BlobKey;
pub use store::{
    BlobMeta, BlobReader, BlobStore, ByteRange, Capabilities, KeyPage, PresignOperation,
    PresignedRequest, PutOptions, StoreHealth, StoredBlob,
};
