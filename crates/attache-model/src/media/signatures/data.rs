//! Archives, programs and data.

use super::Signature;

pub(super) const SIGNATURES: &[Signature] = &[
    // Compressors: what is inside may have a name of its own.
    Signature::new("application/gzip", &[&[(0, b"\x1f\x8b\x08")]])
        .container()
        .sometimes(&[
            "application/x-compressed",
            "application/x-compressed-tar",
            "application/x-gtar",
            "application/x-tgz",
        ]),
    Signature::new(
        "application/x-bzip2",
        &[
            &[(0, b"BZh"), (4, b"1AY&SY")],
            &[(0, b"BZh"), (4, b"\x17rE8P\x90")],
        ],
    )
    .container()
    .sometimes(&["application/x-bzip-compressed-tar"]),
    Signature::new("application/x-xz", &[&[(0, b"\xfd7zXZ\0")]])
        .container()
        .sometimes(&["application/x-xz-compressed-tar"]),
    Signature::new("application/zstd", &[&[(0, b"\x28\xb5\x2f\xfd")]])
        .container()
        .optional()
        .sometimes(&["application/x-zstd-compressed-tar"]),
    Signature::new("application/x-lz4", &[&[(0, b"\x04\x22\x4d\x18")]])
        .container()
        .optional(),
    Signature::new("application/x-lzip", &[&[(0, b"LZIP\x01")]]).container(),
    Signature::new("application/x-compress", &[&[(0, b"\x1f\x9d")]])
        .weak()
        .optional(),
    Signature::new("application/x-lzma", &[&[(0, b"\x5d\0\0")]])
        .weak()
        .optional(),
    // Archives
    Signature::new(
        "application/x-7z-compressed",
        &[&[(0, b"7z\xbc\xaf\x27\x1c")]],
    )
    .container()
    .sometimes(&["application/x-compressed"]),
    Signature::new(
        "application/vnd.rar",
        &[&[(0, b"Rar!\x1a\x07\0")], &[(0, b"Rar!\x1a\x07\x01\0")]],
    )
    .container()
    .sometimes(&[
        "application/vnd.comicbook-rar",
        "application/x-cbr",
        "application/x-compressed",
    ]),
    Signature::new(
        "application/x-tar",
        &[&[(257, b"ustar\0")], &[(257, b"ustar  \0")]],
    )
    .container()
    .optional()
    .sometimes(&["application/x-gtar"]),
    Signature::new(
        "application/vnd.ms-cab-compressed",
        &[&[(0, b"MSCF\0\0\0\0")]],
    )
    .container(),
    Signature::new(
        "application/vnd.debian.binary-package",
        &[&[(0, b"!<arch>\ndebian-binary")]],
    ),
    Signature::new("application/x-unix-archive", &[&[(0, b"!<arch>\n")]])
        .in_text()
        .container(),
    Signature::new("application/x-rpm", &[&[(0, b"\xed\xab\xee\xdb")]]),
    Signature::new(
        "application/x-cpio",
        &[&[(0, b"070701")], &[(0, b"070702")], &[(0, b"070707")]],
    )
    .weak()
    .optional(),
    Signature::new("application/x-chrome-extension", &[&[(0, b"Cr24")]])
        .weak()
        .optional(),
    // Programs
    Signature::new("application/x-executable", &[&[(0, b"\x7fELF")]]).sometimes(&[
        "application/x-elf",
        "application/x-object",
        "application/x-pie-executable",
        "application/x-sharedlib",
    ]),
    Signature::new(
        "application/x-mach-binary",
        &[
            &[(0, b"\xfe\xed\xfa\xce")],
            &[(0, b"\xfe\xed\xfa\xcf")],
            &[(0, b"\xce\xfa\xed\xfe")],
            &[(0, b"\xcf\xfa\xed\xfe")],
        ],
    ),
    Signature::new(
        "application/vnd.microsoft.portable-executable",
        &[&[(0, b"MZ")]],
    )
    .container(),
    Signature::new("application/java-vm", &[&[(0, b"\xca\xfe\xba\xbe\0\0\0")]])
        .sometimes(&["application/x-mach-binary"]),
    Signature::new("application/wasm", &[&[(0, b"\0asm\x01\0\0\0")]]),
    // Data
    Signature::new("application/vnd.sqlite3", &[&[(0, b"SQLite format 3\0")]])
        .container()
        .sometimes(&["application/geopackage+sqlite3"]),
    Signature::new(
        "application/vnd.ms-access",
        &[
            &[(0, b"\0\x01\0\0Standard Jet DB\0")],
            &[(0, b"\0\x01\0\0Standard ACE DB\0")],
        ],
    ),
    Signature::new("application/vnd.apache.parquet", &[&[(0, b"PAR1")]])
        .weak()
        .optional(),
    Signature::new(
        "application/vnd.tcpdump.pcap",
        &[
            &[(0, b"\xd4\xc3\xb2\xa1\x02\0")],
            &[(0, b"\xa1\xb2\xc3\xd4\0\x02")],
        ],
    ),
    Signature::new("application/x-hdf5", &[&[(0, b"\x89HDF\r\n\x1a\n")]]).container(),
    Signature::new(
        "application/x-netcdf",
        &[&[(0, b"CDF\x01")], &[(0, b"CDF\x02")]],
    ),
    Signature::new("application/x-mobipocket-ebook", &[&[(60, b"BOOKMOBI")]]).container(),
];
