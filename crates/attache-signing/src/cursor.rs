//! Cursors: a page's position as opaque text, valid only for the request that it was issued for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::mac::{self, MAC_BYTES};
use crate::{CanonicalForm, KeyId, KeyRing, Purpose};

/// The longest cursor that is accepted, in characters.
pub const MAX_CURSOR_CHARS: usize = 4096;

/// The longest payload whose cursor always fits [`MAX_CURSOR_CHARS`], in bytes.
pub const MAX_CURSOR_PAYLOAD_BYTES: usize =
    MAX_CURSOR_CHARS / 4 * 3 - HEAD_BYTES - KeyId::MAX_BYTES - MAC_BYTES;

const VERSION: u8 = 1;

/// Terminates the key id, which never contains it.
const ID_END: u8 = b':';

/// The length of the version and of the key id's terminator, in bytes.
const HEAD_BYTES: usize = 2;

/// The error for a refused cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not a text that [`seal_cursor`] returns.
    #[error("the cursor is malformed")]
    Malformed,
    /// Sealed with a key that has left the ring: the client must start the list again.
    #[error("the cursor was made with a key that is no longer in use")]
    UnknownKey,
    /// Altered, or issued for another tenant or another filter.
    #[error("the cursor does not belong to this request")]
    Mismatch,
}

/// Returns the bytes that a cursor's MAC covers.
pub fn canonical_cursor(binding: &[u8], payload: &[u8]) -> Vec<u8> {
    CanonicalForm::new("attache/v1/cursor")
        .field("binding", binding)
        .field("payload", payload)
        .into_bytes()
}

/// Seals a payload with the first key of the ring.
///
/// The payload is authenticated, not encrypted. The binding (tenant, filter and order, best as a
/// [`CanonicalForm`]) is authenticated but not included: [`open_cursor`] needs the same binding.
/// A payload longer than [`MAX_CURSOR_PAYLOAD_BYTES`] may give a cursor that is too long to open.
pub fn seal_cursor(ring: &KeyRing, binding: &[u8], payload: &[u8]) -> String {
    let key = ring.signing_key();
    let id = key.id().as_str().as_bytes();
    let mut bytes = Vec::with_capacity(HEAD_BYTES + id.len() + payload.len() + MAC_BYTES);
    bytes.push(VERSION);
    bytes.extend_from_slice(id);
    bytes.push(ID_END);
    bytes.extend_from_slice(payload);
    let covered = canonical_cursor(binding, payload);
    bytes.extend_from_slice(&mac::compute(
        key.derived(Purpose::Cursors).expose(),
        &covered,
    ));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Opens a cursor and returns its payload if it was sealed with a live key and the same binding.
pub fn open_cursor(ring: &KeyRing, binding: &[u8], text: &str) -> Result<Vec<u8>, CursorError> {
    if text.len() > MAX_CURSOR_CHARS {
        return Err(CursorError::Malformed);
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| CursorError::Malformed)?;
    let (id, payload, mac) = split(&bytes).ok_or(CursorError::Malformed)?;
    let key = ring.key(&id).ok_or(CursorError::UnknownKey)?;
    let covered = canonical_cursor(binding, payload);
    if !mac::verify(key.derived(Purpose::Cursors).expose(), &covered, mac) {
        return Err(CursorError::Mismatch);
    }
    Ok(payload.to_vec())
}

/// Splits a cursor's bytes into key id, payload and MAC.
fn split(bytes: &[u8]) -> Option<(KeyId, &[u8], &[u8])> {
    let (&VERSION, rest) = bytes.split_first()? else {
        return None;
    };
    let end = rest.iter().position(|byte| *byte == ID_END)?;
    let id = KeyId::parse(str::from_utf8(&rest[..end]).ok()?).ok()?;
    let (payload, mac) = rest[end + 1..].split_last_chunk::<MAC_BYTES>()?;
    Some((id, payload, mac))
}
