//! Small files with a magic number, bytes without one, and other values that many stories use.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) const PDF: &[u8] =
    b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";

pub(crate) const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";

pub(crate) const HTML: &[u8] =
    b"<!DOCTYPE html><html><script>alert(document.cookie)</script></html>";

pub(crate) const SVG: &[u8] =
    b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(document.cookie)\"/>";

/// A well-formed id that no record has.
pub(crate) const UNKNOWN_ID: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

pub(crate) const ALL_SCOPES: [&str; 6] = [
    "files:read",
    "content:read",
    "files:write",
    "files:claim",
    "files:delete",
    "links:create",
];

/// Bytes without a magic number, different for each seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    // Two bytes that no known file format begins with.
    bytes.extend([0xf1, 0xf2]);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A text as one segment of a path, or as one value of a query.
pub(crate) fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// The id of a record.
#[track_caller]
pub(crate) fn id_of(record: &Value) -> String {
    let id = record["id"].as_str();
    id.unwrap_or_else(|| panic!("no id in {record:#}"))
        .to_owned()
}
