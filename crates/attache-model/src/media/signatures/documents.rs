//! Documents, their containers, and what is signed or sealed.

use super::Signature;

/// Canonical names. A test ensures that none allows a type that a browser would run or render as a page.
pub(super) const SIGNATURES: &[Signature] = &[
    // It stands behind 128 bytes that are another format's to use: a TIFF, for viewers of slides.
    Signature::new("application/dicom", &[&[(128, b"DICM")]]).optional(),
    Signature::new("application/pdf", &[])
        .in_text()
        .sometimes(ILLUSTRATIONS),
    Signature::new("application/rtf", &[&[(0, b"{\\rtf")]]).in_text(),
    Signature::new(
        "application/postscript",
        &[
            &[(0, b"%!PS")],
            &[(0, b"\xc5\xd0\xd3\xc6")],
            &[(0, b"\x04%!PS")],
        ],
    )
    .in_text()
    .sometimes(&[
        "application/eps",
        "application/illustrator",
        "application/vnd.adobe.illustrator",
        "application/x-eps",
        "image/eps",
        "image/x-eps",
    ]),
    Signature::new("image/vnd.djvu", &[&[(0, b"AT&TFORM"), (12, b"DJV")]]),
    Signature::new("application/vnd.fdf", &[&[(0, b"%FDF-")]]).in_text(),
    // Office documents: zips with certain members.
    Signature::new(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        &[],
    )
    .container()
    .sometimes(&[
        "application/vnd.ms-word.document.macroenabled.12",
        "application/vnd.ms-word.template.macroenabled.12",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
    ]),
    Signature::new(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        &[],
    )
    .container()
    .sometimes(&[
        "application/vnd.ms-excel.addin.macroenabled.12",
        "application/vnd.ms-excel.sheet.binary.macroenabled.12",
        "application/vnd.ms-excel.sheet.macroenabled.12",
        "application/vnd.ms-excel.template.macroenabled.12",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
    ]),
    Signature::new(
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        &[],
    )
    .container()
    .sometimes(&[
        "application/vnd.ms-powerpoint.addin.macroenabled.12",
        "application/vnd.ms-powerpoint.presentation.macroenabled.12",
        "application/vnd.ms-powerpoint.slideshow.macroenabled.12",
        "application/vnd.ms-powerpoint.template.macroenabled.12",
        "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
        "application/vnd.openxmlformats-officedocument.presentationml.template",
    ]),
    Signature::new("application/vnd.oasis.opendocument.text", &[])
        .container()
        .sometimes(&[
            "application/vnd.oasis.opendocument.text-master",
            "application/vnd.oasis.opendocument.text-template",
            "application/vnd.oasis.opendocument.text-web",
        ]),
    Signature::new("application/vnd.oasis.opendocument.spreadsheet", &[])
        .container()
        .sometimes(&["application/vnd.oasis.opendocument.spreadsheet-template"]),
    Signature::new("application/vnd.oasis.opendocument.presentation", &[])
        .container()
        .sometimes(&["application/vnd.oasis.opendocument.presentation-template"]),
    Signature::new("application/vnd.oasis.opendocument.graphics", &[])
        .container()
        .sometimes(&["application/vnd.oasis.opendocument.graphics-template"]),
    Signature::new("application/epub+zip", &[]).container(),
    Signature::new("application/java-archive", &[])
        .container()
        .sometimes(&["application/vnd.android.package-archive"]),
    Signature::new(
        "application/zip",
        &[
            &[(0, b"PK\x03\x04")],
            &[(0, b"PK\x05\x06")],
            &[(0, b"PK\x07\x08PK\x03\x04")],
            &[(0, b"PK00PK\x03\x04")],
        ],
    )
    .container(),
    // Older ones: compound files with certain entries.
    Signature::new("application/msword", &[]).container(),
    Signature::new("application/vnd.ms-excel", &[]).container(),
    Signature::new("application/vnd.ms-powerpoint", &[]).container(),
    Signature::new("application/vnd.ms-outlook", &[]).container(),
    Signature::new("application/vnd.visio", &[]).container(),
    Signature::new(
        "application/x-ole-storage",
        &[&[(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")]],
    )
    .container(),
    // Signed or sealed data: DER or BER with the identifier of PKCS #7, or any other sequence.
    Signature::new("application/pkcs7-mime", &[])
        .optional()
        .container()
        .sometimes(SEALED),
    Signature::new(
        "application/x-x509-ca-cert",
        &[&[(0, b"\x30\x82"), (4, b"\x30\x82")]],
    )
    .optional()
    .container()
    .sometimes(SEALED),
    Signature::new(
        "application/x-x509-ca-cert",
        &[&[(0, b"-----BEGIN ")], &[(0, b"\xef\xbb\xbf-----BEGIN ")]],
    )
    .optional()
    .in_text()
    .sometimes(ARMOURED),
    Signature::new("application/ms-tnef", &[&[(0, b"\x78\x9f\x3e\x22")]]),
];

const ILLUSTRATIONS: &[&str] = &[
    "application/illustrator",
    "application/vnd.adobe.illustrator",
];

const SEALED: &[&str] = &[
    "application/cms",
    "application/pkcs10",
    "application/pkcs12",
    "application/pkcs7-mime",
    "application/pkcs7-signature",
    "application/pkcs8",
    "application/pkix-cert",
    "application/pkix-crl",
    "application/timestamp-query",
    "application/timestamp-reply",
    "application/timestamped-data",
    "application/x-pkcs7-certificates",
    "application/x-pkcs7-certreqresp",
    "application/x-x509-ca-cert",
    "application/x-x509-user-cert",
];

const ARMOURED: &[&str] = &[
    "application/pem-certificate-chain",
    "application/pgp-encrypted",
    "application/pgp-keys",
    "application/pgp-signature",
    "application/pkcs10",
    "application/pkcs7-mime",
    "application/pkcs7-signature",
    "application/pkcs8",
    "application/pkix-cert",
    "application/pkix-crl",
    "application/x-pem-file",
    "application/x-pkcs7-certificates",
    "application/x-x509-user-cert",
    "text/plain",
];
