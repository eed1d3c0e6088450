//! Documents, text, mail and what is signed.

use super::Names;

pub(super) const NAMES: &[Names] = &[
    // Documents
    (
        "application/pdf",
        &[
            "application/acrobat",
            "application/vnd.pdf",
            "application/x-pdf",
            "text/pdf",
            "text/x-pdf",
        ],
    ),
    (
        "application/rtf",
        &["application/x-rtf", "text/rtf", "text/x-rtf"],
    ),
    (
        "application/postscript",
        &[
            "application/ps",
            "application/x-postscript",
            "application/x-ps",
        ],
    ),
    (
        "application/epub+zip",
        &["application/epub", "application/x-epub+zip"],
    ),
    (
        "application/msword",
        &[
            "application/doc",
            "application/vnd.ms-word",
            "application/vnd.msword",
            "application/winword",
            "application/x-msword",
        ],
    ),
    (
        "application/vnd.ms-excel",
        &[
            "application/excel",
            "application/msexcel",
            "application/x-excel",
            "application/x-ms-excel",
            "application/x-msexcel",
            "application/x-xls",
            "application/xls",
        ],
    ),
    (
        "application/vnd.ms-powerpoint",
        &[
            "application/ms-powerpoint",
            "application/mspowerpoint",
            "application/powerpoint",
            "application/x-mspowerpoint",
            "application/x-powerpoint",
        ],
    ),
    (
        "application/dicom",
        &["application/x-dicom", "image/dicom", "image/x-dicom"],
    ),
    (
        "application/vnd.ms-outlook",
        &["application/msoutlook", "application/x-msg"],
    ),
    (
        "application/vnd.ms-access",
        &[
            "application/mdb",
            "application/msaccess",
            "application/vnd.msaccess",
            "application/x-mdb",
            "application/x-msaccess",
        ],
    ),
    (
        "application/vnd.ms-publisher",
        &["application/x-mspublisher"],
    ),
    (
        "application/vnd.visio",
        &["application/visio", "application/x-visio"],
    ),
    ("application/vnd.ms-project", &["application/x-project"]),
    (
        "application/vnd.wordperfect",
        &["application/wordperfect", "application/x-wordperfect"],
    ),
    ("application/vnd.ms-xpsdocument", &["application/xps"]),
    // Text
    (
        "text/csv",
        &[
            "application/csv",
            "application/x-csv",
            "text/comma-separated-values",
            "text/x-comma-separated-values",
            "text/x-csv",
        ],
    ),
    (
        "text/tab-separated-values",
        &["text/tsv", "text/x-tab-separated-values", "text/x-tsv"],
    ),
    ("text/xml", &["application/xml"]),
    ("application/json", &["application/x-json", "text/json"]),
    (
        "application/yaml",
        &["application/x-yaml", "text/x-yaml", "text/yaml"],
    ),
    ("text/markdown", &["text/x-markdown"]),
    ("text/vcard", &["text/x-vcard"]),
    (
        "text/javascript",
        &[
            "application/javascript",
            "application/x-javascript",
            "text/x-javascript",
        ],
    ),
    ("text/calendar", &["application/ics"]),
    ("text/html", &["application/html", "text/x-html"]),
    ("text/x-tex", &["application/x-tex"]),
    ("application/toml", &["text/toml", "text/x-toml"]),
    ("application/sql", &["application/x-sql", "text/x-sql"]),
    (
        "application/x-ndjson",
        &[
            "application/jsonl",
            "application/ndjson",
            "application/x-jsonlines",
        ],
    ),
    ("application/geo+json", &["application/vnd.geo+json"]),
    (
        "application/gpx+xml",
        &[
            "application/gpx",
            "application/x-gpx",
            "application/x-gpx+xml",
        ],
    ),
    // Mail, signatures and health records
    ("message/rfc822", &["application/rfc822", "message/rfc-822"]),
    ("application/mbox", &["application/x-mbox"]),
    ("application/ms-tnef", &["application/vnd.ms-tnef"]),
    ("application/pkcs7-mime", &["application/x-pkcs7-mime"]),
    (
        "application/pkcs7-signature",
        &["application/x-pkcs7-signature"],
    ),
    ("application/pkcs8", &["application/x-pkcs8"]),
    ("application/pkcs10", &["application/x-pkcs10"]),
    (
        "application/pkcs12",
        &["application/x-pfx", "application/x-pkcs12"],
    ),
    ("application/pkix-crl", &["application/x-pkcs7-crl"]),
    ("application/pgp-encrypted", &["application/pgp"]),
    ("application/pgp-keys", &["application/x-pgp-keys"]),
    (
        "application/pgp-signature",
        &["application/x-pgp-signature"],
    ),
    (
        "application/timestamp-reply",
        &["application/x-timestamp-reply"],
    ),
    (
        "application/hl7-v2",
        &[
            "application/edi-hl7",
            "application/hl7v2",
            "x-application/hl7-v2+er7",
        ],
    ),
    ("application/fhir+json", &["application/json+fhir"]),
    ("application/fhir+xml", &["application/xml+fhir"]),
    ("application/fits", &["image/fits", "image/x-fits"]),
];
