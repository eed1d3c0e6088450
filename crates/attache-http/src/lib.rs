#![doc = include_str!("../README.md")]

pub mod base64;
pub mod conditional;
pub mod content_disposition;
pub mod entity_tag;
pub mod multipart;
pub mod query;
pub mod range;
