//! The aliases of media types. Records have the canonical name; requests may use any.

/// The types with several names: the canonical name, and its aliases.
///
/// The canonical name is the registered one if browsers know it, otherwise the one that they know.
pub(super) const NAMES: &[(&str, &[&str])] = &[
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
    // Images
    (
        "image/jpeg",
        &["image/jpg", "image/pipeg", "image/pjpeg", "image/x-jpeg"],
    ),
    (
        "image/png",
        &["image/apng", "image/vnd.mozilla.apng", "image/x-png"],
    ),
    ("image/webp", &["image/x-webp"]),
    (
        "image/bmp",
        &[
            "image/ms-bmp",
            "image/x-bitmap",
            "image/x-bmp",
            "image/x-ms-bmp",
            "image/x-windows-bmp",
        ],
    ),
    ("image/tiff", &["image/tif", "image/x-tif", "image/x-tiff"]),
    (
        "image/vnd.microsoft.icon",
        &["image/ico", "image/icon", "image/x-ico", "image/x-icon"],
    ),
    (
        "image/jp2",
        &["image/jpeg2000", "image/jpeg2000-image", "image/x-jp2"],
    ),
    ("image/jxr", &["image/vnd.ms-photo"]),
    (
        "image/vnd.adobe.photoshop",
        &[
            "application/photoshop",
            "application/x-photoshop",
            "image/photoshop",
            "image/psd",
            "image/x-photoshop",
            "image/x-psd",
        ],
    ),
    (
        "image/vnd.djvu",
        &["image/djvu", "image/x-djvu", "image/x.djvu"],
    ),
    (
        "image/vnd.dwg",
        &[
            "application/acad",
            "application/autocad_dwg",
            "application/dwg",
            "application/x-acad",
            "application/x-dwg",
            "drawing/dwg",
            "image/x-dwg",
        ],
    ),
    // Sound
    (
        "audio/mpeg",
        &[
            "audio/mp3",
            "audio/mpeg3",
            "audio/mpg",
            "audio/x-mp3",
            "audio/x-mpeg",
            "audio/x-mpeg-3",
            "audio/x-mpg",
        ],
    ),
    (
        "audio/wav",
        &[
            "audio/vnd.wave",
            "audio/wave",
            "audio/x-pn-wav",
            "audio/x-wav",
        ],
    ),
    ("audio/flac", &["audio/x-flac"]),
    (
        "audio/mp4",
        &["audio/m4a", "audio/mp4a-latm", "audio/x-m4a", "audio/x-mp4"],
    ),
    ("audio/x-m4b", &["audio/m4b"]),
    ("audio/3gpp", &["audio/3gp"]),
    (
        "audio/aac",
        &[
            "audio/aacp",
            "audio/vnd.dlna.adts",
            "audio/x-aac",
            "audio/x-hx-aac-adts",
        ],
    ),
    ("audio/ogg", &["audio/x-ogg"]),
    ("audio/x-matroska", &["audio/matroska"]),
    ("audio/midi", &["audio/mid", "audio/x-mid", "audio/x-midi"]),
    ("audio/aiff", &["audio/aif", "audio/x-aif", "audio/x-aiff"]),
    ("audio/amr", &["audio/x-amr"]),
    ("audio/x-ape", &["audio/ape", "audio/x-monkeys-audio"]),
    ("audio/x-dsf", &["audio/dsf"]),
    // Film
    ("video/mp4", &["video/x-mp4"]),
    ("video/x-m4v", &["video/m4v"]),
    ("video/quicktime", &["video/mov", "video/x-quicktime"]),
    ("video/3gpp", &["video/3gp"]),
    ("video/3gpp2", &["video/3g2"]),
    ("video/x-matroska", &["video/matroska", "video/mkv"]),
    ("video/ogg", &["video/x-ogg"]),
    ("application/ogg", &["application/x-ogg"]),
    (
        "video/x-msvideo",
        &[
            "application/x-troff-msvideo",
            "video/avi",
            "video/msvideo",
            "video/vnd.avi",
        ],
    ),
    (
        "video/x-ms-asf",
        &["application/vnd.ms-asf", "video/x-ms-wm"],
    ),
    ("video/mpeg", &["video/mpg", "video/x-mpeg", "video/x-mpg"]),
    ("video/x-flv", &["video/flv"]),
    // Fonts
    (
        "font/ttf",
        &[
            "application/font-ttf",
            "application/x-font-truetype",
            "application/x-font-ttf",
            "application/x-truetype-font",
            "font/truetype",
        ],
    ),
    (
        "font/otf",
        &[
            "application/font-otf",
            "application/vnd.ms-opentype",
            "application/x-font-opentype",
            "application/x-font-otf",
            "font/opentype",
        ],
    ),
    ("font/sfnt", &["application/font-sfnt"]),
    (
        "font/woff",
        &["application/font-woff", "application/x-font-woff"],
    ),
    (
        "font/woff2",
        &["application/font-woff2", "application/x-font-woff2"],
    ),
    (
        "application/vnd.ms-fontobject",
        &["application/x-font-eot", "font/eot"],
    ),
    // Archives
    (
        "application/zip",
        &[
            "application/x-zip",
            "application/x-zip-compressed",
            "multipart/x-zip",
        ],
    ),
    (
        "application/gzip",
        &[
            "application/gzip-compressed",
            "application/gzipped",
            "application/x-gunzip",
            "application/x-gzip",
            "application/x-gzip-compressed",
        ],
    ),
    (
        "application/vnd.rar",
        &[
            "application/rar",
            "application/x-rar",
            "application/x-rar-compressed",
        ],
    ),
    (
        "application/x-7z-compressed",
        &["application/7z", "application/x-7z", "application/x-7zip"],
    ),
    (
        "application/x-bzip2",
        &[
            "application/bzip2",
            "application/x-bz2",
            "application/x-bzip",
        ],
    ),
    ("application/x-xz", &["application/xz"]),
    ("application/zstd", &["application/x-zstd"]),
    ("application/x-lzip", &["application/lzip"]),
    ("application/x-lz4", &["application/lz4"]),
    (
        "application/x-tar",
        &["application/tar", "application/x-ustar"],
    ),
    ("application/x-cpio", &["application/cpio"]),
    (
        "application/x-unix-archive",
        &["application/x-ar", "application/x-archive"],
    ),
    (
        "application/vnd.debian.binary-package",
        &["application/x-deb", "application/x-debian-package"],
    ),
    (
        "application/x-rpm",
        &["application/x-redhat-package-manager"],
    ),
    (
        "application/vnd.ms-cab-compressed",
        &[
            "application/cab",
            "application/x-cab",
            "application/x-cab-compressed",
        ],
    ),
    (
        "application/java-archive",
        &[
            "application/jar",
            "application/x-jar",
            "application/x-java-archive",
        ],
    ),
    // Programs and data
    (
        "application/vnd.microsoft.portable-executable",
        &[
            "application/exe",
            "application/x-dosexec",
            "application/x-exe",
            "application/x-ms-dos-executable",
            "application/x-msdos-program",
            "application/x-msdownload",
            "application/x-winexe",
        ],
    ),
    (
        "application/java-vm",
        &[
            "application/java",
            "application/java-byte-code",
            "application/x-java",
            "application/x-java-applet",
            "application/x-java-class",
            "application/x-java-vm",
        ],
    ),
    (
        "application/x-chrome-extension",
        &["application/x-google-chrome-extension"],
    ),
    (
        "application/x-shockwave-flash",
        &["application/vnd.adobe.flash.movie"],
    ),
    (
        "application/vnd.sqlite3",
        &["application/sqlite3", "application/x-sqlite3"],
    ),
];

/// Returns the canonical name of a type.
pub(super) fn canonical(essence: &str) -> &str {
    NAMES
        .iter()
        .find(|(_, others)| others.contains(&essence))
        .map_or(essence, |(name, _)| name)
}

/// Returns all names of a type, the canonical one first.
pub(super) fn all_names(essence: &str) -> impl Iterator<Item = &str> {
    let name = canonical(essence);
    let others = NAMES.iter().find(|(first, _)| *first == name);
    std::iter::once(name).chain(
        others
            .into_iter()
            .flat_map(|(_, others)| others.iter().copied()),
    )
}
