//! Decides types of files: a decision is a type, stands when it is declared (unless it is octet-stream),
//! and is never inline for bytes that a browser could run.

#![no_main]

use attache_model::MediaType;
use libfuzzer_sys::fuzz_target;

/// Types and names that the rules tell apart.
const DECLARED: [&str; 12] = [
    "application/octet-stream",
    "application/pdf",
    "text/plain",
    "text/csv; charset=iso-8859-1",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/json",
    "text/html",
    "image/svg+xml",
    "video/mp4",
    "image/heic",
    "audio/webm",
];

fuzz_target!(|input: (u8, &str, &str, &[u8])| {
    let (known, written, filename, head) = input;
    let declared = match DECLARED.get(usize::from(known)) {
        Some(text) => Some(MediaType::parse(text).expect("a well-formed type")),
        None => MediaType::parse(written).ok(),
    };
    let decided = MediaType::decide(declared.as_ref(), filename, head);
    assert_eq!(MediaType::parse(decided.as_str()).as_ref(), Ok(&decided));
    // Octet-stream is no declaration: the filename's extension would decide.
    if !decided.is_octet_stream() {
        let again = MediaType::decide(Some(&decided), filename, head);
        assert_eq!(again, decided, "declared {declared:?}");
    }
    if decided.may_be_inline() {
        assert!(!decided.is_script(), "{decided}");
        assert!(
            !head.is_empty() || decided.essence() == "text/plain",
            "{decided}"
        );
    }
});
