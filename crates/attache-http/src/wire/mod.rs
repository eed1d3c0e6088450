//! The formats of HTTP that this crate reads and writes itself.

pub(crate) mod accept;
pub(crate) mod base64;
pub(crate) mod codings;
pub(crate) mod conditional;
pub(crate) mod content_disposition;
pub(crate) mod content_type;
mod encoded_word;
pub(crate) mod entity_tag;
pub(crate) mod json_body;
pub(crate) mod multipart;
mod parameters;
pub(crate) mod percent;
pub(crate) mod query;
pub(crate) mod range;
pub(crate) mod response_body;
pub(crate) mod scalars;
