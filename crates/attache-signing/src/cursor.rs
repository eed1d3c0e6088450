//! Cursors: a page's position as an opaque text that only fits the request it was made for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::mac::{self, MAC_BYTES};
use crate::{CanonicalForm, KeyId, KeyRing, Purpose};

/// The longest text that is looked at, in characters.
pub const MAX_CURSOR_CHARS: usize = 4096;

/// The longest payload whose cursor is sure to fit [`MAX_CURSOR_CHARS`], in bytes.
pub const MAX_CURSOR_PAYLOAD_BYTES: usize =
    MAX_CURSOR_CHARS / 4 * 3 - HEAD_BYTES - KeyId::MAX_BYTES - MAC_BYTES;

const VERSION: u8 = 1;

/// Ends the key id, which never contains it.
const ID_END: u8 = b':';

/// The version, and the end of the key id.
const HEAD_BYTES: usize = 2;

/// Why a cursor is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not a text that [`seal_cursor`] makes.
    #[error("the cursor is malformed")]
    Malformed,
    /// Sealed with a key that is not in the ring, as after a rotation: list from the start again.
    #[error("the cursor was made with a key that is no longer in use")]
    UnknownKey,
    /// Altered, or made for another tenant or another filter.
    #[error("the cursor does not belong to this request")]
    Mismatch,
}

/// The bytes that a cursor's MAC covers.
pub fn canonical_cursor(binding: &[u8], payload: &[u8]) -> Vec<u8> {
    CanonicalForm::new("attache/v1/cursor")
        .field("binding", binding)
        .field("payload", payload)
        .into_bytes()
}

/// Seals a payload with the first key of the ring.
///
/// The payload is authenticated, not hidden. The binding (tenant, filter and order, best as a
/// [`CanonicalForm`]) is authenticated and not carried: [`open_cursor`] must be given the same again.
/// A payload of more than [`MAX_CURSOR_PAYLOAD_BYTES`] may make a cursor that is too long to be opened.
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

/// Opens a cursor and answers its payload, if it was sealed with a live key and this same binding.
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

/// Takes a cursor's bytes apart: key id, payload, MAC.
fn split(bytes: &[u8]) -> Option<(KeyId, &[u8], &[u8])> {
    let (&VERSION, rest) = bytes.split_first()? else {
        return None;
    };
    let end = rest.iter().position(|byte| *byte == ID_END)?;
    let id = KeyId::parse(str::from_utf8(&rest[..end]).ok()?).ok()?;
    let (payload, mac) = rest[end + 1..].split_last_chunk::<MAC_BYTES>()?;
    Some((id, payload, mac))
}
