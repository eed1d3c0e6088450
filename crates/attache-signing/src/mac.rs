//! HMAC-SHA256, the only MAC of this crate, and HKDF-SHA256 on top of it.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Secret;

/// The length of a MAC and of every key, in bytes.
pub(crate) const MAC_BYTES: usize = 32;

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC accepts keys of any length")
}

/// Computes the full MAC of a message.
pub(crate) fn compute(key: &[u8], message: &[u8]) -> [u8; MAC_BYTES] {
    keyed(key)
        .chain_update(message)
        .finalize()
        .into_bytes()
        .into()
}

/// Returns `true` if `mac` is the full MAC of the message. Runs in constant time.
pub(crate) fn verify(key: &[u8], message: &[u8], mac: &[u8]) -> bool {
    keyed(key).chain_update(message).verify_slice(mac).is_ok()
}

/// Derives a 32-byte key for one purpose: HKDF-SHA256 without salt.
pub(crate) fn derive(master: &[u8], info: &str) -> Secret {
    let mut key = vec![0; MAC_BYTES];
    Hkdf::<Sha256>::new(None, master)
        .expand(info.as_bytes(), &mut key)
        .expect("HKDF can produce 32 bytes");
    Secret::new(key)
}
