//! What a file is, of its bytes and of what was declared.

use super::decide::SNIFF_BYTES;
use super::names::NAMES;
use super::signatures::SIGNATURES;
use super::sniff::is_texty;
use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";
const ZIPPED: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0";
const OLED: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

fn decide(declared: &str, filename: &str, head: &[u8]) -> String {
    let declared = (!declared.is_empty()).then(|| MediaType::parse(declared).unwrap());
    MediaType::decide(declared.as_ref(), filename, head).to_string()
}

#[test]
fn a_signature_decides_over_what_is_declared() {
    assert_eq!(decide("image/png", "a.png", PNG), "image/png");
    assert_eq!(decide("image/png", "a.png", PDF), "application/pdf");
    assert_eq!(decide("text/html", "a.html", PDF), "application/pdf");
    assert_eq!(decide("", "a.txt", PNG), "image/png");
    assert_eq!(
        decide("application/octet-stream", "a", PDF),
        "application/pdf"
    );
}

#[test]
fn octet_stream_says_nothing_whatever_its_parameters() {
    for declared in [
        "application/octet-stream",
        "Application/Octet-Stream; charset=binary",
    ] {
        assert!(MediaType::parse(declared).unwrap().is_octet_stream());
        assert_eq!(decide(declared, "a.txt", b"text"), "text/plain");
    }
    assert!(!MediaType::parse("text/plain").unwrap().is_octet_stream());
}

#[test]
fn a_declared_type_without_its_signature_is_only_bytes() {
    assert_eq!(
        decide("application/pdf", "a.pdf", b"not a pdf"),
        "application/octet-stream"
    );
    assert_eq!(
        decide("image/png", "a.png", b"<html><script>"),
        "application/octet-stream"
    );
    assert_eq!(
        decide("image/png", "a.png", ZIPPED),
        "application/octet-stream"
    );
    assert_eq!(
        decide("", "a.pdf", b"not a pdf"),
        "application/octet-stream"
    );
    assert_eq!(
        decide("text/plain", "a.txt", b"\0\x01\x02"),
        "application/octet-stream"
    );
    assert_eq!(
        decide(DOCX, "a.docx", b"not a zip"),
        "application/octet-stream"
    );
}

#[test]
fn containers_and_text_never_override_a_declared_subtype() {
    assert_eq!(decide(DOCX, "a.docx", ZIPPED), DOCX);
    assert_eq!(
        decide("application/msword", "a.doc", OLED),
        "application/msword"
    );
    assert_eq!(decide("text/csv", "a.csv", b"a,b\n1,2\n"), "text/csv");
    assert_eq!(
        decide("application/json", "a.json", b"{}"),
        "application/json"
    );
    assert_eq!(
        decide("image/svg+xml", "a.svg", b"<?xml version=\"1.0\"?><svg/>"),
        "image/svg+xml"
    );
    assert_eq!(
        decide("text/plain; charset=UTF-8", "a.txt", b"<html>"),
        "text/plain; charset=utf-8"
    );
}

#[test]
fn undeclared_bytes_go_by_signature_then_extension() {
    assert_eq!(decide("", "a.docx", ZIPPED), DOCX);
    assert_eq!(decide("", "a.zip", ZIPPED), "application/zip");
    assert_eq!(decide("", "notes.txt", "naïve".as_bytes()), "text/plain");
    assert_eq!(decide("", "a.csv", b"a,b"), "text/csv");
    assert_eq!(
        decide("", "unknown", b"\x01\x02"),
        "application/octet-stream"
    );
    assert_eq!(decide("", "empty.pdf", b""), "application/octet-stream");
}

#[test]
fn aliases_are_the_same_type() {
    assert_eq!(
        decide("image/jpg", "a.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF"),
        "image/jpg"
    );
    assert!(MediaType::parse("image/jpg").unwrap().may_be_inline());
}

#[test]
fn nothing_that_runs_scripts_is_inline() {
    for active in [
        "text/html",
        "image/svg+xml",
        "application/xml",
        "application/xhtml+xml",
        "text/javascript",
    ] {
        assert!(
            !MediaType::parse(active).unwrap().may_be_inline(),
            "{active}"
        );
    }
    assert!(
        MediaType::parse("Text/Plain; Charset=UTF-8")
            .unwrap()
            .may_be_inline()
    );
}

#[test]
fn only_media_types_parse() {
    assert_eq!(
        MediaType::parse("Text/CSV;charset=UTF-8;x=y")
            .unwrap()
            .as_str(),
        "text/csv; charset=utf-8"
    );
    for wrong in ["", "pdf", "*/*", "image/*", "text/plain\r\nX: y", "a/b/c"] {
        assert!(MediaType::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_character_cut_by_the_window_is_still_text() {
    let mut text = vec![b'a'; SNIFF_BYTES - 1];
    text.extend("é".as_bytes());
    assert_eq!(decide("text/plain", "a.txt", &text), "text/plain");
}
