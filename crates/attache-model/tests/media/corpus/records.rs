//! Mail, signed and sealed data, health records.

use super::Row;
use super::make::{at, join};

const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";

pub(super) fn rows() -> Vec<Row> {
    [mail(), sealed(), health()].concat()
}

fn mail() -> Vec<Row> {
    let eml = "message/rfc822";
    vec![
        ("mail", "a.eml", eml, b"From: a@example.org\r\nSubject: x\r\n\r\nHello\r\n".to_vec()),
        ("mail with an attached PDF", "a.eml", eml, b"From: a@example.org\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n%PDF-1.4\r\n".to_vec()),
        ("mail in 8 bits", "a.eml", eml, b"Received: by x\r\nSubject: Gr\xfc\xdfe\r\n\r\nSch\xf6n\r\n".to_vec()),
        ("mail, signed (S/MIME)", "a.eml", eml, b"Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"\r\n\r\n".to_vec()),
        ("mailbox", "a.mbox", "application/mbox", b"From a@example.org Sat Jan 31 12:00:00 2026\nSubject: x\n\n%PDF-1.4\n".to_vec()),
        ("TNEF", "winmail.dat", "application/ms-tnef", b"\x78\x9f\x3e\x22\x01\0\x01\x90\x08\0".to_vec()),
        ("calendar", "a.ics", "text/calendar", b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n".to_vec()),
        ("vCard", "a.vcf", "text/x-vcard", "BEGIN:VCARD\r\nFN:Jos\u{e9}\r\n".as_bytes().to_vec()),
    ]
}

fn sealed() -> Vec<Row> {
    let p7m = "application/pkcs7-mime";
    vec![
        ("p7m", "a.p7m", p7m, join(&[b"\x30\x82\x0a\x15", SIGNED_DATA, b"\xa0\x82"])),
        ("p7m around a PDF (CAdES)", "a.pdf.p7m", "application/x-pkcs7-mime", join(&[b"\x30\x80", SIGNED_DATA, b"\xa0\x80\x30\x80\x02\x01\x01\x31\x0f\x24\x80\x04\x82\x03\xe8%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"])),
        ("p7m in base64", "a.p7m", p7m, b"MIAGCSqGSIb3DQEHAqCAMIACAQExDzANBglghkgBZQMEAgEF\n".to_vec()),
        ("p7s", "smime.p7s", "application/pkcs7-signature", join(&[b"\x30\x83\x01\x02\x03", SIGNED_DATA])),
        ("p7s by an older client", "smime.p7s", "application/x-pkcs7-signature", join(&[b"\x30\x81\x99", SIGNED_DATA])),
        ("p7b", "a.p7b", "application/x-pkcs7-certificates", join(&[b"\x30\x82\x04\x05", SIGNED_DATA])),
        ("p12", "a.p12", "application/x-pkcs12", b"\x30\x82\x0a\x15\x02\x01\x03\x30\x82".to_vec()),
        ("certificate in DER", "a.cer", "application/pkix-cert", b"\x30\x82\x03\x05\x30\x82\x02\x0e\xa0\x03\x02\x01\x02".to_vec()),
        ("certificate in PEM", "a.pem", "application/x-pem-file", b"-----BEGIN CERTIFICATE-----\nMIID\n".to_vec()),
        ("PGP signature", "a.asc", "application/pgp-signature", b"-----BEGIN PGP SIGNATURE-----\n\niQ==\n".to_vec()),
        ("time stamp", "a.tsr", "application/timestamp-reply", b"\x30\x82\x0a\x15\x30\x03\x02\x01\0\x30\x82".to_vec()),
    ]
}

fn health() -> Vec<Row> {
    let dicom = "application/dicom";
    let with_pdf = [at(128, b"DICM\x02\0\0\0UL\x04\0"), b"%PDF-1.7\n".to_vec()].concat();
    let slide = [b"II*\0".to_vec(), vec![0; 124], b"DICM\x02\0".to_vec()].concat();
    let hl7 =
        b"MSH|^~\\&|LAB|SITE|||20260131||ORU^R01|1|P|2.5\rOBX|1|ED|PDF||^AP^^Base64^JVBERi0\r"
            .to_vec();
    vec![
        ("DICOM", "a.dcm", dicom, at(128, b"DICM\x02\0\0\0UL\x04\0")),
        ("DICOM around a PDF", "a.dcm", dicom, with_pdf),
        ("DICOM that is a TIFF too", "a.dcm", dicom, slide),
        (
            "DICOM without its preamble",
            "a.dcm",
            "application/dicom",
            b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100".to_vec(),
        ),
        ("HL7 v2", "a.hl7", "x-application/hl7-v2+er7", hl7.clone()),
        (
            "HL7 v2 in MLLP",
            "a.hl7",
            "application/hl7-v2",
            join(&[b"\x0b", &hl7, b"\x1c\r"]),
        ),
        (
            "CDA",
            "a.xml",
            "application/xml",
            b"<?xml version=\"1.0\"?><ClinicalDocument xmlns=\"urn:hl7-org:v3\"/>".to_vec(),
        ),
        (
            "FHIR",
            "a.json",
            "application/fhir+json",
            b"{\"resourceType\":\"Patient\",\"text\":\"%PDF-1.4\"}".to_vec(),
        ),
        (
            "EDF",
            "a.edf",
            "application/x-edf",
            join(&[b"0       X X X X", &[b' '; 60]]),
        ),
        (
            "SQLite",
            "a.sqlite",
            "application/x-sqlite3",
            b"SQLite format 3\0\x10\0\x01\x01".to_vec(),
        ),
    ]
}
