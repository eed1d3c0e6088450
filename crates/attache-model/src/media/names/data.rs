//! Archives, programs and data.

use super::Names;

pub(super) const NAMES: &[Names] = &[
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
