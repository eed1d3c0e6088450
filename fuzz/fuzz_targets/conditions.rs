//! Evaluates conditions and ranges: a range that is honoured lies in the file, and a tag that matches
//! was sent.

#![no_main]

use attache_http::fuzzing::{Outcome, evaluate};
use http::header::{
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

const NAMES: [http::HeaderName; 6] = [
    RANGE,
    IF_RANGE,
    IF_MATCH,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE,
];

/// Values that random bytes hardly become. In the input, a byte from 0xf0 on stands for one of them.
const PIECES: [&str; 16] = [
    "\"5\"",
    "W/\"5\"",
    "bytes=",
    "bytes=-",
    ", ",
    "-",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Sun, 06 Nov 1994 08:49:38 GMT",
    "18446744073709551615",
    "99999999999999999999",
    "*",
    "\"",
    "GMT",
    "0",
];

fuzz_target!(|input: (u64, Vec<(u8, Vec<u8>)>)| {
    let (size_bytes, lines) = input;
    let mut headers = HeaderMap::new();
    for (name, text) in lines.into_iter().take(8) {
        if let Ok(value) = HeaderValue::from_bytes(&expand(&text)) {
            headers.append(&NAMES[usize::from(name) % NAMES.len()], value);
        }
    }
    let sent = |name, tag: &[u8]| {
        headers.get_all(name).iter().any(|value| {
            let value = value.as_bytes();
            value.trim_ascii() == b"*" || value.windows(tag.len()).any(|found| found == tag)
        })
    };
    match evaluate(&headers, size_bytes) {
        Outcome::Partial { first, last } => {
            assert!(
                first <= last && last < size_bytes,
                "{first}-{last}/{size_bytes}"
            );
            assert!(headers.contains_key(RANGE));
        }
        Outcome::Unsatisfiable => assert!(headers.contains_key(RANGE)),
        Outcome::NotModified => {
            assert!(sent(IF_NONE_MATCH, b"\"5\"") || headers.contains_key(IF_MODIFIED_SINCE))
        }
        Outcome::Failed => {
            assert!(headers.contains_key(IF_MATCH) || headers.contains_key(IF_UNMODIFIED_SINCE))
        }
        Outcome::Full => assert!(
            !headers.contains_key(IF_MATCH) || sent(IF_MATCH, b"\"5\""),
            "If-Match was ignored"
        ),
    }
});

fn expand(text: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    for byte in text {
        match PIECES.get(usize::from(*byte).wrapping_sub(0xf0)) {
            Some(piece) => value.extend_from_slice(piece.as_bytes()),
            None => value.push(*byte),
        }
    }
    value
}
