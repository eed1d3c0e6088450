#![doc = include_str!("../README.md")]

mod api_key;
mod base62;
mod canonical;
mod cursor;
mod error;
mod key_ring;
mod key_text;
mod link;
mod link_query;
mod mac;
mod parameters;
mod secret;
mod upload_link;
mod upload_link_query;

pub use api_key::{ApiKey, ApiKeyHash, ApiKeyId, MalformedApiKey};
pub use canonical::CanonicalForm;
pub use cursor::{
    CursorError, MAX_CURSOR_CHARS, MAX_CURSOR_PAYLOAD_BYTES, canonical_cursor, open_cursor,
    seal_cursor,
};
pub use error::LinkError;
pub use key_ring::{KeyId, KeyProblem, KeyRing, Purpose, SigningKey};
pub use key_text::KeyRingError;
pub use link::{LinkFields, VerifiedLink, canonical_link, sign_link, verify_link};
pub use link_query::{LinkAction, LinkQuery};
pub use secret::Secret;
pub use upload_link::{
    UploadLinkFields, VerifiedUploadLink, canonical_upload_link, sign_upload_link,
    verify_upload_link,
};
pub use upload_link_query::UploadLinkQuery;
