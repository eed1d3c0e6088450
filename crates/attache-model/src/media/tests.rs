//! Tests of the decision on a file's type.

use super::text::is_text_type;
use super::*;

/// The number of leading bytes that are examined.
const SNIFF_BYTES: usize = 8 * 1024;

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
fn signature_overrides_declared_type() {
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
fn octet_stream_is_no_declaration() {
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
fn declared_type_without_signature_is_octet_stream() {
    assert_eq!(
        decide("application/pdf", "a.pdf", b"not a pdf"),
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

/// As if nothing had been declared: the name and the bytes still count.
#[test]
fn wrong_declared_type_is_ignored() {
    for (declared, filename, head, decided) in [
        ("application/msword", "a.docx", ZIPPED, DOCX),
        ("application/vnd.ms-excel", "a.docx", ZIPPED, DOCX),
        ("application/pdf", "a.csv", b"a,b", "text/csv"),
        ("image/jpeg", "a.png", PNG, "image/png"),
        ("image/png", "a.png", ZIPPED, "application/zip"),
        ("image/png", "a.png", b"<html><script>", "text/html"),
        (
            "text/plain",
            "a.dcm",
            &[&[0; 128][..], b"DICM"].concat(),
            "application/dicom",
        ),
        ("audio/mpeg", "notes.txt", b"text", "text/plain"),
    ] {
        assert_eq!(decide(declared, filename, head), decided, "{declared}");
        assert_eq!(decide("", filename, head), decided, "{filename}");
    }
}

#[test]
fn containers_and_text_keep_declared_subtype() {
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
fn undeclared_type_is_by_signature_then_extension() {
    assert_eq!(decide("", "a.docx", ZIPPED), DOCX);
    assert_eq!(decide("", "a.zip", ZIPPED), "application/zip");
    assert_eq!(
        decide("", "notes.txt", "naïve".as_bytes()),
        "text/plain; charset=utf-8"
    );
    assert_eq!(decide("", "a.csv", b"a,b"), "text/csv");
    assert_eq!(
        decide("", "unknown", b"\x01\x02"),
        "application/octet-stream"
    );
    assert_eq!(decide("", "empty.pdf", b""), "application/octet-stream");
}

#[test]
fn aliases_are_recorded_under_canonical_name() {
    let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF";
    for (declared, head, name) in [
        ("image/jpg", &jpeg[..], "image/jpeg"),
        ("application/x-pdf", PDF, "application/pdf"),
        ("application/pdf; charset=utf-8", PDF, "application/pdf"),
        ("application/x-zip-compressed", ZIPPED, "application/zip"),
        ("application/msexcel", OLED, "application/vnd.ms-excel"),
        ("text/comma-separated-values", b"a,b", "text/csv"),
        (
            "application/csv; charset=cp1252",
            b"a,b",
            "text/csv; charset=cp1252",
        ),
        ("text/plain; charset=binary", b"a,b", "text/plain"),
        ("image/jpg", PDF, "application/pdf"),
        ("application/x-pdf", b"no pdf", "application/octet-stream"),
    ] {
        assert_eq!(decide(declared, "a", head), name, "{declared}");
    }
    let named = MediaType::parse("image/jpg").unwrap();
    assert!(named.may_be_inline());
    assert!(named.is_same_type(&MediaType::parse("Image/PJPEG; charset=x").unwrap()));
    assert_eq!(named.names().next(), Some("image/jpeg"));
}

/// A duplicate or circular alias would compare as a different type.
#[test]
fn names_are_unique_and_canonical() {
    let mut seen = std::collections::HashSet::new();
    for (name, others) in names::types() {
        for name in std::iter::once(name).chain(others.iter()) {
            assert!(seen.insert(*name), "{name} is listed twice");
            assert_eq!(MediaType::parse(name).unwrap().as_str(), *name);
        }
    }
    for signature in signatures::all() {
        let also = signature.also.iter().chain(signature.sometimes);
        for name in std::iter::once(&signature.name).chain(also) {
            assert_eq!(canonical(name), *name, "of {}", signature.name);
            assert_eq!(MediaType::parse(name).unwrap().as_str(), *name);
        }
    }
}

#[test]
fn types_that_browsers_run_are_scripts() {
    // The JavaScript types of the WHATWG MIME Sniffing Standard, and WebAssembly modules.
    for name in [
        "application/ecmascript",
        "application/javascript",
        "application/x-ecmascript",
        "application/x-javascript",
        "text/ecmascript",
        "text/javascript",
        "text/javascript1.0",
        "text/javascript1.1",
        "text/javascript1.2",
        "text/javascript1.3",
        "text/javascript1.4",
        "text/javascript1.5",
        "text/jscript",
        "text/livescript",
        "text/x-ecmascript",
        "text/x-javascript",
        "application/wasm",
    ] {
        assert!(MediaType::parse(name).unwrap().is_script(), "{name}");
    }
    assert!(!MediaType::parse("application/json").unwrap().is_script());
}

#[test]
fn shared_signatures_allow_no_active_type() {
    for signature in signatures::all() {
        for name in signature.also.iter().chain(signature.sometimes) {
            let named = MediaType::parse(name).unwrap();
            assert!(!named.is_script(), "{name}");
            assert!(!is_text_type(name) || *name == "text/plain", "{name}");
        }
    }
    for active in ["text/html", "image/svg+xml", "text/javascript", "text/xml"] {
        for (head, name) in [
            (&b"OggS\0\x02"[..], "audio/ogg"),
            (b"\0\0\0\x10ftypisom\0\0\0\0", "video/mp4"),
            (b"\x1f\x8b\x08\0", "application/gzip"),
            (b"-----BEGIN X-----\n", "application/x-x509-ca-cert"),
        ] {
            assert_eq!(decide(active, "a", head), name, "{active}");
        }
    }
}

#[test]
fn inline_types_require_matching_bytes() {
    for name in INLINE {
        for head in [&b"<html><script>"[..], b"\x01\x02", OLED, ZIPPED] {
            let decided = MediaType::decide(MediaType::parse(name).ok().as_ref(), "a", head);
            let is_text = *name == "text/plain" && head[0] == b'<';
            assert_eq!(decided.may_be_inline(), is_text, "{name} of {head:?}");
        }
    }
}

#[test]
fn sound_that_browsers_play_is_inline() {
    for (name, head) in [
        ("audio/aac", &b"\xff\xf1\x50\x80\x02\x1f\xfc"[..]),
        ("audio/flac", b"fLaC\0\0\0\x22"),
        ("audio/mpeg", b"ID3\x03\0\0\0\0\0\0"),
        ("audio/ogg", b"OggS\0\x02"),
    ] {
        let decided = MediaType::decide(MediaType::parse(name).ok().as_ref(), "a", head);
        assert_eq!(decided.essence(), name);
        assert!(decided.may_be_inline(), "{name}");
    }
}

#[test]
fn text_declared_as_excel_is_csv() {
    let excel = "application/vnd.ms-excel";
    let old = b"Name;Gr\xf6\xdfe\r\nA;1\r\n";
    for (declared, filename, head, decided) in [
        (excel, "a.csv", &old[..], "text/csv"),
        ("application/msexcel", "A.CSV", b"", "text/csv"),
        (excel, "a.xls", old, "application/octet-stream"),
        (excel, "csv", old, "application/octet-stream"),
        (excel, "a.csv", b"\0\x01", "application/octet-stream"),
        (excel, "a.xls", b"<html> ", "text/html"),
        (excel, "a.csv", OLED, excel),
        (excel, "a.csv", PDF, "application/pdf"),
        ("application/msword", "a.csv", old, "text/csv"),
    ] {
        assert_eq!(decide(declared, filename, head), decided, "{filename}");
    }
}

#[test]
fn text_with_magic_letters_stays_text() {
    for (declared, head) in [
        ("text/csv", &b"BMI;weight\n21;70\n"[..]),
        ("text/plain", b"GIF is a format"),
        ("text/markdown", b"ID3 tags, explained"),
        ("text/csv", b"SQLi,1"),
    ] {
        assert_eq!(decide(declared, "a.txt", head), declared);
    }
    let empty_bmp = b"BM\x1a\0\0\0\0\0\0\0";
    assert_eq!(decide("text/csv", "a.csv", empty_bmp), "image/bmp");
    assert_eq!(decide("image/gif", "a", b"GIF"), "application/octet-stream");
    assert_eq!(decide("", "a", b"%!PS-Adobe-3.0"), "application/postscript");
}

#[test]
fn extension_selects_among_shared_signatures() {
    let webm = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm";
    let mp4 = b"\0\0\0\x10ftypisom\0\0\0\0";
    let opus = b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead";
    for (filename, head, decided) in [
        ("a", &webm[..], "video/webm"),
        ("a.weba", webm, "audio/webm"),
        ("a.html", webm, "video/webm"),
        ("a.m4a", mp4, "audio/mp4"),
        ("a.mov", mp4, "video/mp4"),
        ("a.opus", opus, "audio/opus"),
        ("a.otf", b"OTTO\0\x01", "font/otf"),
        ("a.dng", b"II*\0\x08\0\0\0\0\0\0", "image/x-adobe-dng"),
    ] {
        assert_eq!(decide("", filename, head), decided, "{filename}");
    }
}

#[test]
fn general_type_accepts_its_subtypes() {
    let parse = |name| MediaType::parse(name).unwrap();
    let accepts = |accepted, found| parse(found).is_accepted(None, &[parse(accepted)]);
    assert!(accepts("image/heif", "image/heic"));
    assert!(!accepts("image/heic", "image/heif"));
    assert!(accepts("application/x-pdf", "application/pdf; charset=x"));
    assert!(!accepts("application/vnd.ms-excel", "text/csv"));
}

#[test]
fn active_types_are_not_inline() {
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
    // Chrome does not quote the codecs of a recording.
    assert_eq!(
        MediaType::parse("video/webm;codecs=vp8,opus")
            .unwrap()
            .as_str(),
        "video/webm"
    );
    for wrong in [
        "",
        ";charset=x",
        "pdf",
        "*/*",
        "image/*",
        "image/x*",
        "image/",
        "/png",
        "text/plain\r\nX: y",
        "a/b/c",
    ] {
        assert!(MediaType::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn character_cut_at_8_kib_is_still_text() {
    let mut text = vec![b'a'; SNIFF_BYTES - 1];
    text.extend("é".as_bytes());
    assert_eq!(
        decide("text/plain", "a.txt", &text),
        "text/plain; charset=utf-8"
    );
}

/// A stored type is parsed again when it is read.
#[test]
fn media_type_round_trips_at_its_limit() {
    let charset = "x".repeat(TYPE_BYTES - "text/tsv;charset=".len());
    let longest = MediaType::parse(&format!("text/tsv;charset={charset}")).unwrap();
    let decided = MediaType::decide(Some(&longest), "a.tsv", b"a\tb");
    for read in [longest, decided] {
        assert_eq!(MediaType::parse(read.as_str()).unwrap(), read);
    }
}
