//! Media types under their aliases, as browsers send them.

use attache_model::{Filename, MediaType};
use attache_service::{IncomingFile, ListRequest, ServiceError, UploadFields, UploadRequest};
use attache_testkit::Fixture;

use super::support::{assert_nothing_left, begin, body, file, send_as};

const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0";
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0";
const WEBM: &[u8] = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87\x81\x04";
const MATROSKA: &[u8] = b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska\x42\x87";
const VORBIS: &[u8] = b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x1e\x01vorbis";
const OPUS: &[u8] = b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead";
const THEORA: &[u8] = b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x2a\x80theora";
const ISOM: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0isommp41";
const MP42_LATE: &[u8] = b"\0\0\0\x18ftypXYZ1\0\0\0\0XYZ1mp42";
const M4A: &[u8] = b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42";
const THREE_GP: &[u8] = b"\0\0\0\x18ftyp3gp4\0\0\0\0isom3gp4";
const QUICKTIME: &[u8] = b"\0\0\0\x14ftypqt  \0\0\0\0qt  ";
const HEIC: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
const MIF1_HEIC: &[u8] = b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic";
const HEIF: &[u8] = b"\0\0\0\x14ftypmif1\0\0\0\0mif1";
const TIFF: &[u8] = b"II*\0\x08\0\0\0\x01\0\0\0";
const ICO: &[u8] = b"\0\0\x01\0\x01\0\x10\x10\0\0";
const BMP: &[u8] = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0";
const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0";
const AIFC: &[u8] = b"FORM\0\0\0\x2eAIFCFVER\0\0\0\x04";
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";
const PKCS: &[u8] = b"\x30\x82\x0a\x15\x02\x01\x03";
const PGP: &[u8] = b"-----BEGIN PGP SIGNATURE-----\n\niQ==\n";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const XLSM: &str = "application/vnd.ms-excel.sheet.macroenabled.12";

/// True declarations: the declared type, the bytes, and the type of the record.
const TRUE: &[(&str, &[u8], &str)] = &[
    ("image/heic", HEIC, "image/heic"),
    ("image/heic", MIF1_HEIC, "image/heic"),
    ("image/heif", HEIC, "image/heif"),
    ("image/heif", HEIF, "image/heif"),
    ("audio/webm;codecs=opus", WEBM, "audio/webm"),
    ("video/webm;codecs=vp8,opus", WEBM, "video/webm"),
    ("video/x-matroska", MATROSKA, "video/x-matroska"),
    ("audio/x-matroska", MATROSKA, "audio/x-matroska"),
    ("audio/ogg", VORBIS, "audio/ogg"),
    ("video/ogg", VORBIS, "video/ogg"),
    ("application/ogg", THEORA, "application/ogg"),
    ("audio/ogg; codecs=opus", OPUS, "audio/ogg"),
    ("audio/opus", OPUS, "audio/opus"),
    ("video/ogg", THEORA, "video/ogg"),
    ("video/mp4", ISOM, "video/mp4"),
    ("audio/mp4", ISOM, "audio/mp4"),
    ("video/3gpp", ISOM, "video/3gpp"),
    ("video/mp4", MP42_LATE, "video/mp4"),
    ("audio/x-m4a", M4A, "audio/mp4"),
    ("audio/m4a", M4A, "audio/mp4"),
    ("audio/mp4", M4A, "audio/mp4"),
    ("audio/3gpp", THREE_GP, "audio/3gpp"),
    ("video/quicktime", QUICKTIME, "video/quicktime"),
    ("audio/flac", b"fLaC\0\0\0\x22", "audio/flac"),
    ("audio/flac", b"ID3\x04\0\0\0\0\x02\x01", "audio/flac"),
    ("audio/mp3", b"ID3\x04\0\0\0\0\x02\x01", "audio/mpeg"),
    ("audio/mpeg", b"\xff\xfa\x90\x64\0\0", "audio/mpeg"),
    ("audio/x-aac", b"\xff\xf1\x50\x80\0\0", "audio/aac"),
    ("audio/wav", WAV, "audio/wav"),
    ("audio/vnd.wave", WAV, "audio/wav"),
    ("audio/aiff", AIFC, "audio/aiff"),
    ("audio/mid", b"MThd\0\0\0\x06", "audio/midi"),
    ("video/avi", b"RIFF\x24\0\0\0AVI LIST\0", "video/x-msvideo"),
    ("image/jpg", b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
    ("image/x-icon", ICO, "image/vnd.microsoft.icon"),
    ("image/x-ms-bmp", BMP, "image/bmp"),
    ("image/x-tiff", TIFF, "image/tiff"),
    ("image/x-adobe-dng", TIFF, "image/x-adobe-dng"),
    ("application/x-pdf", PDF, "application/pdf"),
    ("application/pdf; charset=utf-8", PDF, "application/pdf"),
    (
        "application/x-rar-compressed",
        b"Rar!\x1a\x07\x01\0",
        "application/vnd.rar",
    ),
    (
        "application/x-compressed",
        b"Rar!\x1a\x07\0\0",
        "application/x-compressed",
    ),
    (
        "application/x-7z-compressed",
        b"7z\xbc\xaf\x27\x1c\0\x04",
        "application/x-7z-compressed",
    ),
    ("application/x-gzip", GZIP, "application/gzip"),
    ("application/x-tgz", GZIP, "application/x-tgz"),
    ("application/x-zip-compressed", ZIP, "application/zip"),
    (
        "application/x-msdownload",
        b"MZ\x90\0\x03\0",
        "application/vnd.microsoft.portable-executable",
    ),
    ("application/x-pkcs12", PKCS, "application/pkcs12"),
    (
        "application/pgp-signature",
        PGP,
        "application/pgp-signature",
    ),
    (
        "text/plain; charset=utf-8",
        PGP,
        "text/plain; charset=utf-8",
    ),
    ("text/rtf", b"{\\rtf1\\ansi x}", "application/rtf"),
    ("font/woff2", b"wOF2OTTO\0\0\x10\0", "font/woff2"),
    ("application/font-woff", b"wOFF\0\x01\0\0\0", "font/woff"),
    (
        "application/x-font-ttf",
        b"\0\x01\0\0\0\x0b\0\x80",
        "font/ttf",
    ),
    ("font/otf", b"OTTO\0\x0b\0\x80", "font/otf"),
    (DOCX, ZIP, DOCX),
    // With a password.
    (DOCX, OLE, DOCX),
    (XLSM, ZIP, XLSM),
    ("application/msexcel", OLE, "application/vnd.ms-excel"),
    ("application/csv", b"a;b\n", "text/csv"),
    (
        "application/xml",
        b"<?xml version=\"1.0\"?><a/>",
        "text/xml",
    ),
    ("text/csv", b"BMI;weight\n21;70\n", "text/csv"),
    // Windows with Excel.
    ("application/vnd.ms-excel", b"Gr\xf6\xdfe;1\r\n", "text/csv"),
];

/// False declarations: the declared type, bytes of another type, and the type found in them.
const FALSE: &[(&str, &[u8], &str)] = &[
    ("image/heic", b"<html><script>", "text/html"),
    ("image/heic", ISOM, "video/mp4"),
    ("image/avif", HEIC, "image/heic"),
    ("audio/webm", b"<html><script>", "text/html"),
    ("audio/webm", MATROSKA, "video/x-matroska"),
    ("audio/webm", VORBIS, "audio/ogg"),
    ("audio/opus", VORBIS, "audio/ogg"),
    ("video/mp4", QUICKTIME, "video/quicktime"),
    ("video/mp4", M4A, "audio/mp4"),
    ("audio/mp4", b"<svg onload=x>", "image/svg+xml"),
    ("text/html", WEBM, "video/webm"),
    ("image/svg+xml", GZIP, "application/gzip"),
    ("text/html", PGP, "application/x-x509-ca-cert"),
    ("text/plain", OPUS, "audio/opus"),
    ("application/x-pdf", b"no pdf", "application/octet-stream"),
    ("application/pdf", ZIP, "application/zip"),
    ("application/x-icon", PDF, "application/pdf"),
    ("font/woff2", b"<html>", "text/html"),
    (DOCX, PDF, "application/pdf"),
    ("application/x-rar-compressed", ZIP, "application/zip"),
    ("application/vnd.ms-excel", b"<html> <b>", "text/html"),
    (
        "application/vnd.ms-excel",
        b"\0\x01\x02",
        "application/octet-stream",
    ),
];

fn parse(text: &str) -> MediaType {
    MediaType::parse(text).unwrap()
}

fn declared(text: &str) -> IncomingFile {
    named("a.csv", text)
}

fn named(filename: &str, text: &str) -> IncomingFile {
    IncomingFile {
        declared_type: Some(parse(text)),
        ..file(filename)
    }
}

fn only(accept: &str) -> UploadFields {
    UploadFields {
        accept: vec![parse(accept)],
        ..UploadFields::default()
    }
}

#[tokio::test]
async fn true_announced_type_is_recorded() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for (announced, bytes, recorded) in TRUE {
        let filename = Filename::parse("a.csv").unwrap();
        let request = UploadRequest::new(filename, parse(announced));
        let pending = begin(&fixture, &cx, request).await;
        let sent = send_as(&fixture, &pending, Some(announced), body(bytes)).await;
        let record = sent.unwrap_or_else(|error| panic!("{announced}: {error}"));
        assert_eq!(record.content_type.as_str(), *recorded, "{announced}");
    }
}

#[tokio::test]
async fn true_declared_type_is_accepted_by_any_name() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for (name, bytes, recorded) in TRUE {
        for accept in [name, recorded] {
            // The accepted types may be known before the bytes or after them.
            let first = declared(name);
            let stored = fixture
                .service
                .upload(&cx, first, only(accept), body(bytes))
                .await;
            let stored = stored.unwrap_or_else(|error| panic!("{name} for {accept}: {error}"));
            assert_eq!(stored.record.content_type.as_str(), *recorded, "{name}");
            let mut late = fixture.service.open_session(&cx, None).await.unwrap();
            late.add_file(declared(name), body(bytes)).await.unwrap();
            late.commit(only(accept)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn false_declared_type_is_refused_or_corrected() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for (name, bytes, found) in FALSE {
        let filename = Filename::parse("a").unwrap();
        let request = UploadRequest::new(filename, parse(name));
        let pending = begin(&fixture, &cx, request).await;
        let sent = send_as(&fixture, &pending, Some(name), body(bytes)).await;
        assert_refused(sent, name, found);
        let stored = fixture
            .service
            .upload(&cx, named("a", name), only(name), body(bytes))
            .await;
        assert_refused(stored, name, found);
        assert_nothing_left(&fixture, &cx).await;
    }
    for (name, bytes, found) in FALSE {
        let any = UploadFields::default();
        let stored = fixture
            .service
            .upload(&cx, named("a", name), any, body(bytes));
        let record = stored.await.unwrap().record;
        assert_eq!(record.content_type.as_str(), *found, "{name}");
    }
}

fn assert_refused<T: std::fmt::Debug>(outcome: Result<T, ServiceError>, name: &str, is: &str) {
    match outcome {
        Err(ServiceError::TypeNotAccepted { found, .. }) => {
            assert_eq!(found.as_str(), is, "{name}");
        }
        outcome => panic!("{name}: {outcome:?}"),
    }
}

#[tokio::test]
async fn upload_may_be_sent_under_an_alias_of_its_type() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let filename = Filename::parse("a.jpg").unwrap();
    let request = UploadRequest::new(filename, parse("image/jpg"));
    let pending = begin(&fixture, &cx, request).await;
    assert_eq!(pending.upload.content_type.as_str(), "image/jpg");
    let bytes = b"\xff\xd8\xff\xe0\0\x10JFIF";
    let other = send_as(&fixture, &pending, Some("image/png"), body(bytes)).await;
    assert_refused(other, "image/jpg", "image/png");
    let sent = send_as(&fixture, &pending, Some("image/jpeg"), body(bytes)).await;
    assert_eq!(sent.unwrap().content_type.as_str(), "image/jpeg");
}

#[tokio::test]
async fn list_filter_matches_aliases_of_a_type() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    for (name, bytes, _) in [TRUE[0], TRUE[28], TRUE[29]] {
        let any = UploadFields::default();
        let stored = fixture
            .service
            .upload(&cx, declared(name), any, body(bytes));
        stored.await.unwrap();
    }
    for (wanted, count) in [
        ("audio/wav", 2),
        ("audio/wave; charset=x", 2),
        ("audio/x-wav", 2),
        ("image/heic", 1),
        ("audio/flac", 0),
    ] {
        let mut request = ListRequest::default();
        request.query.content_type = Some(parse(wanted));
        let list = fixture.service.list_files(&cx, request).await.unwrap();
        assert_eq!(list.files.len(), count, "{wanted}");
    }
}
