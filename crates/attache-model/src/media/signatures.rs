//! Signatures that several types share.
//!
//! Bytes that begin like `WebM` are video or audio; only the client knows which.

/// A signature that more than one type has.
#[derive(Debug)]
pub(super) struct Signature {
    /// The key that [`sniff`](super::sniff) uses, mostly the extension of such files.
    pub(super) key: &'static str,
    /// The type of the bytes, unless one of the others is declared.
    pub(super) name: &'static str,
    /// Other types with this signature, whose files always have a signature that is known here.
    pub(super) also: &'static [&'static str],
    /// Other types with this signature, whose files may also have another one, or none.
    pub(super) sometimes: &'static [&'static str],
}

impl Signature {
    const fn new(
        key: &'static str,
        name: &'static str,
        also: &'static [&'static str],
        sometimes: &'static [&'static str],
    ) -> Self {
        Self {
            key,
            name,
            also,
            sometimes,
        }
    }

    /// Returns the signature with this key.
    pub(super) fn of(key: &str) -> Option<&'static Self> {
        SIGNATURES.iter().find(|signature| signature.key == key)
    }

    /// Returns `true` if a file with this signature can have this type.
    pub(super) fn allows(&self, name: &str) -> bool {
        name == self.name || self.also.contains(&name) || self.sometimes.contains(&name)
    }
}

/// Returns `true` if every file of this type has a signature that is known here.
pub(super) fn is_always_signed(name: &str) -> bool {
    SIGNATURES
        .iter()
        .any(|signature| signature.name == name || signature.also.contains(&name))
}

/// General types and their subtypes, which are accepted where the general type is.
pub(super) const SUBTYPES: &[(&str, &[&str])] = &[
    ("audio/ogg", &["audio/opus"]),
    ("font/sfnt", &["font/otf", "font/ttf"]),
    ("image/heif", &["image/heic"]),
    ("image/heif-sequence", &["image/heic-sequence"]),
];

/// The shared signatures, with canonical names. A test ensures that none allows a type that a browser
/// would run or render as a page.
pub(super) const SIGNATURES: &[Signature] = &[
    // Audio and video
    Signature::new("webm", "video/webm", &["audio/webm"], &[]),
    Signature::new(
        "mkv",
        "video/x-matroska",
        &["audio/x-matroska", "video/matroska-3d"],
        &[],
    ),
    Signature::new("ogg", "audio/ogg", &["application/ogg", "video/ogg"], OGGS),
    Signature::new(
        "opus",
        "audio/opus",
        &["application/ogg", "audio/ogg", "video/ogg"],
        OGGS,
    ),
    Signature::new("ogv", "video/ogg", &["application/ogg", "audio/ogg"], OGGS),
    Signature::new("mp4", "video/mp4", MP4S, &[]),
    Signature::new("3gp", "video/3gpp", MP4S, &[]),
    Signature::new("3g2", "video/3gpp2", MP4S, &[]),
    Signature::new("m4a", "audio/mp4", &["application/mp4", "audio/x-m4b"], &[]),
    Signature::new("mov", "video/quicktime", &[], &[]),
    Signature::new("m4v", "video/x-m4v", &["application/mp4", "video/mp4"], &[]),
    Signature::new(
        "wmv",
        "video/x-ms-wmv",
        &["audio/x-ms-wma", "video/x-ms-asf"],
        &[],
    ),
    Signature::new("mpg", "video/mpeg", &[], &["video/mp1s", "video/mp2p"]),
    Signature::new("mp3", "audio/mpeg", &[], &[]),
    Signature::new("aac", "audio/aac", &[], &[]),
    Signature::new("aiff", "audio/aiff", &[], &[]),
    // A tag that stands before the frames of whichever.
    Signature::new("id3", "audio/mpeg", &[], &["audio/aac", "audio/flac"]),
    // Images
    Signature::new("avif", "image/avif", &[], &[]),
    Signature::new("heic", "image/heic", HEIFS, &[]),
    Signature::new("heics", "image/heic-sequence", HEIFS, &[]),
    Signature::new("heif", "image/heif", HEIFS, &[]),
    Signature::new(
        "jp2",
        "image/jp2",
        &[],
        &["image/jph", "image/jpm", "image/jpx", "video/mj2"],
    ),
    Signature::new("tif", "image/tiff", &[], RAW_IMAGES),
    // Documents
    Signature::new("pdf", "application/pdf", &[], ILLUSTRATIONS),
    Signature::new(
        "ps",
        "application/postscript",
        &[],
        &[
            "application/eps",
            "application/illustrator",
            "application/vnd.adobe.illustrator",
            "application/x-eps",
            "image/eps",
            "image/x-eps",
        ],
    ),
    Signature::new(
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        &[],
        &[
            "application/vnd.ms-word.document.macroenabled.12",
            "application/vnd.ms-word.template.macroenabled.12",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
        ],
    ),
    Signature::new(
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        &[],
        &[
            "application/vnd.ms-excel.addin.macroenabled.12",
            "application/vnd.ms-excel.sheet.binary.macroenabled.12",
            "application/vnd.ms-excel.sheet.macroenabled.12",
            "application/vnd.ms-excel.template.macroenabled.12",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
        ],
    ),
    Signature::new(
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        &[],
        &[
            "application/vnd.ms-powerpoint.addin.macroenabled.12",
            "application/vnd.ms-powerpoint.presentation.macroenabled.12",
            "application/vnd.ms-powerpoint.slideshow.macroenabled.12",
            "application/vnd.ms-powerpoint.template.macroenabled.12",
            "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
            "application/vnd.openxmlformats-officedocument.presentationml.template",
        ],
    ),
    Signature::new(
        "odt",
        "application/vnd.oasis.opendocument.text",
        &[],
        &[
            "application/vnd.oasis.opendocument.text-master",
            "application/vnd.oasis.opendocument.text-template",
            "application/vnd.oasis.opendocument.text-web",
        ],
    ),
    Signature::new(
        "ods",
        "application/vnd.oasis.opendocument.spreadsheet",
        &[],
        &["application/vnd.oasis.opendocument.spreadsheet-template"],
    ),
    Signature::new(
        "odp",
        "application/vnd.oasis.opendocument.presentation",
        &[],
        &["application/vnd.oasis.opendocument.presentation-template"],
    ),
    // Fonts
    Signature::new("ttf", "font/ttf", &["font/otf", "font/sfnt"], &[]),
    Signature::new("otf", "font/otf", &["font/sfnt"], &[]),
    Signature::new("ttc", "font/collection", &["font/otf", "font/ttf"], &[]),
    Signature::new("woff", "font/woff", &[], &[]),
    Signature::new("woff2", "font/woff2", &[], &[]),
    Signature::new("eot", "application/vnd.ms-fontobject", &[], &[]),
    // Archives
    Signature::new(
        "gz",
        "application/gzip",
        &[],
        &[
            "application/x-compressed",
            "application/x-compressed-tar",
            "application/x-gtar",
            "application/x-tgz",
        ],
    ),
    Signature::new("tar", "application/x-tar", &[], &["application/x-gtar"]),
    Signature::new(
        "bz2",
        "application/x-bzip2",
        &[],
        &["application/x-bzip-compressed-tar"],
    ),
    Signature::new(
        "xz",
        "application/x-xz",
        &[],
        &["application/x-xz-compressed-tar"],
    ),
    Signature::new(
        "zst",
        "application/zstd",
        &[],
        &["application/x-zstd-compressed-tar"],
    ),
    Signature::new(
        "rar",
        "application/vnd.rar",
        &[],
        &[
            "application/vnd.comicbook-rar",
            "application/x-cbr",
            "application/x-compressed",
        ],
    ),
    Signature::new(
        "7z",
        "application/x-7z-compressed",
        &[],
        &["application/x-compressed"],
    ),
    // Programs and data
    Signature::new(
        "elf",
        "application/x-executable",
        &[],
        &[
            "application/x-elf",
            "application/x-object",
            "application/x-pie-executable",
            "application/x-sharedlib",
        ],
    ),
    Signature::new(
        "sqlite",
        "application/vnd.sqlite3",
        &[],
        &["application/geopackage+sqlite3"],
    ),
    // A sequence in DER, as which much begins that was signed or sealed.
    Signature::new("der", "application/x-x509-ca-cert", &[], SEALED),
    Signature::new("pem", "application/x-x509-ca-cert", &[], ARMOURED),
];

const OGGS: &[&str] = &[
    "audio/speex",
    "audio/vorbis",
    "audio/x-opus+ogg",
    "audio/x-speex",
    "audio/x-speex+ogg",
    "audio/x-vorbis+ogg",
    "video/x-theora+ogg",
];

const MP4S: &[&str] = &[
    "application/mp4",
    "audio/3gpp",
    "audio/3gpp2",
    "audio/mp4",
    "audio/x-m4b",
    "video/3gpp",
    "video/3gpp2",
    "video/mp4",
    "video/x-m4v",
];

const HEIFS: &[&str] = &[
    "image/heic",
    "image/heic-sequence",
    "image/heif",
    "image/heif-sequence",
];

const RAW_IMAGES: &[&str] = &[
    "image/dng",
    "image/x-adobe-dng",
    "image/x-canon-cr2",
    "image/x-dcraw",
    "image/x-epson-erf",
    "image/x-hasselblad-3fr",
    "image/x-kodak-dcr",
    "image/x-nikon-nef",
    "image/x-pentax-pef",
    "image/x-samsung-srw",
    "image/x-sony-arw",
    "image/x-sony-sr2",
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
    "application/x-pkcs12",
    "application/x-pkcs7-certificates",
    "application/x-pkcs7-mime",
    "application/x-pkcs7-signature",
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
    "application/x-x509-user-cert",
    "text/plain",
];
