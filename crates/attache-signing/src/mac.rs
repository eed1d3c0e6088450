//! HMAC-SHA256, the one MAC of the crate, and HKDF-SHA256 on top of it.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Secret;

/// Length of a MAC, and of every key, in bytes.
pub(crate) const MAC_BYTES: usize = 32;

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// The full MAC of a message.
pub(crate) fn compute(key: &[u8], message: &[u8]) -> [u8; MAC_BYTES] {
    keyed(key)
        .chain_update(message)
        .finalize()
        .into_bytes()
        .into()
}

/// Whether `mac` is the full MAC of the message; takes the same time wherever it differs.
pub(crate) fn verify(key: &[u8], message: &[u8], mac: &[u8]) -> bool {
    keyed(key).chain_update(message).verify_slice(mac).is_ok()
}

/// A 32-byte key for one purpose: HKDF-SHA256 without salt.
pub(crate) fn derive(master: &[u8], info: &str) -> Secret {
    let mut key = vec![0; MAC_BYTES];
    Hkdf::<Sha256>::new(None, master)
        .expand(info.as_bytes(), &mut key)
        .expect("32 bytes are far below what HKDF can give");
    Secret::new(key)
}
