//! Parses key rings: an accepted one survives being written and read again, and an error shows no
//! secret.

#![no_main]

use attache_signing::{KeyRing, Purpose};
use libfuzzer_sys::fuzz_target;

/// A well-formed secret, for the byte 0x01 of the input.
const SECRET: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fuzz_target!(|text: &str| {
    let text = text.replace('\u{1}', SECRET);
    match KeyRing::parse(&text) {
        Ok(ring) => {
            let again = KeyRing::parse(&ring.to_file_text()).expect("a written ring is read");
            let keys = ring.keys().zip(again.keys());
            assert_eq!(ring.keys().count(), again.keys().count());
            for (key, again) in keys {
                assert_eq!(key.id(), again.id());
                let derived = |key: &attache_signing::SigningKey| {
                    key.derived(Purpose::Links).expose().to_vec()
                };
                assert_eq!(derived(key), derived(again));
            }
        }
        Err(error) => {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(SECRET), "{shown}");
        }
    }
});
