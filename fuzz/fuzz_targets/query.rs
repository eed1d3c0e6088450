//! Reads query strings and percent-encoded text: an accepted one survives being written and read again.

#![no_main]

use attache_http::fuzzing::{percent_decode, query_pairs};
use libfuzzer_sys::fuzz_target;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

fuzz_target!(|text: &str| {
    if let Some(decoded) = percent_decode(text.as_bytes()) {
        let lenient = percent_encoding::percent_decode_str(text).decode_utf8();
        assert_eq!(lenient.as_deref(), Ok(decoded.as_str()));
        assert_eq!(percent_decode(encode(&decoded).as_bytes()), Some(decoded));
    }
    if let Some(pairs) = query_pairs(text) {
        let written: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let written = written.join("&");
        // Escaping may make a query longer than is accepted.
        if let Some(again) = query_pairs(&written) {
            assert_eq!(again, pairs);
        } else {
            assert!(written.len() > 8 << 10, "{written}");
        }
    }
});

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
