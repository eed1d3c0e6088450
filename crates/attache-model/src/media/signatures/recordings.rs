//! Pictures, sound, film and fonts.

use super::Signature;

pub(super) const SIGNATURES: &[Signature] = &[
    // Pictures
    Signature::new("image/png", &[&[(0, b"\x89PNG\r\n\x1a\n")]]),
    Signature::new("image/jpeg", &[&[(0, b"\xff\xd8\xff")]]),
    Signature::new("image/gif", &[&[(0, b"GIF87a")], &[(0, b"GIF89a")]]),
    Signature::new("image/webp", &[&[(0, b"RIFF"), (8, b"WEBP")]]),
    Signature::new("image/bmp", &[&[(0, b"BM"), (6, b"\0\0\0\0")]]),
    Signature::new(
        "image/vnd.microsoft.icon",
        &[&[(0, b"\0\0\x01\0")], &[(0, b"\0\0\x02\0")]],
    )
    .weak(),
    Signature::new("image/avif", &[]),
    Signature::new("image/heic", &[]).also(HEIFS),
    Signature::new("image/heic-sequence", &[]).also(HEIFS),
    Signature::new("image/heif", &[]).also(HEIFS),
    Signature::new("image/jxl", &[&[(0, b"\0\0\0\x0cJXL \r\n\x87\n")]]),
    Signature::new("image/jxl", &[&[(0, b"\xff\x0a")]]).weak(),
    Signature::new("image/x-canon-cr3", &[]),
    Signature::new("image/x-canon-cr2", &[&[(0, b"II*\0"), (8, b"CR\x02\0")]])
        .sometimes(RAW_IMAGES),
    Signature::new(
        "image/tiff",
        &[
            &[(0, b"II*\0")],
            &[(0, b"MM\0*")],
            &[(0, b"II+\0\x08\0\0\0")],
            &[(0, b"MM\0+\0\x08\0\0")],
        ],
    )
    .sometimes(RAW_IMAGES),
    Signature::new(
        "image/x-olympus-orf",
        &[&[(0, b"IIRO")], &[(0, b"IIRS")], &[(0, b"MMOR")]],
    ),
    Signature::new("image/x-panasonic-rw2", &[&[(0, b"IIU\0")]])
        .sometimes(&["image/x-panasonic-raw", "image/x-panasonic-rw"]),
    Signature::new("image/x-fuji-raf", &[&[(0, b"FUJIFILMCCD-RAW ")]]),
    Signature::new(
        "image/jp2",
        &[
            &[(0, b"\0\0\0\x0cjP  \r\n\x87\n")],
            &[(0, b"\xff\x4f\xff\x51\0")],
        ],
    )
    .sometimes(&[
        "image/j2c",
        "image/jph",
        "image/jpm",
        "image/jpx",
        "image/x-jp2-codestream",
        "video/mj2",
    ]),
    Signature::new("image/jxr", &[&[(0, b"II\xbc")]]),
    Signature::new(
        "image/vnd.adobe.photoshop",
        &[&[(0, b"8BPS\0\x01")], &[(0, b"8BPS\0\x02")]],
    ),
    Signature::new("image/emf", &[&[(0, b"\x01\0\0\0"), (40, b" EMF")]]),
    Signature::new(
        "image/wmf",
        &[
            &[(0, b"\xd7\xcd\xc6\x9a\0\0")],
            &[(0, b"\x01\0\x09\0\0\x03")],
        ],
    ),
    Signature::new("image/x-xcf", &[&[(0, b"gimp xcf ")]]),
    Signature::new("image/x-exr", &[&[(0, b"\x76\x2f\x31\x01")]]),
    Signature::new("image/vnd.dwg", &[&[(0, b"AC10"), (6, b"\0\0\0")]]),
    Signature::new(
        "application/fits",
        &[&[(0, b"SIMPLE  =                    T")]],
    )
    .in_text(),
    // Film
    Signature::new("video/webm", &[]).also(&["audio/webm"]),
    Signature::new("video/x-matroska", &[]).also(&["audio/x-matroska", "video/matroska-3d"]),
    Signature::new("video/mp4", &[]).also(MP4S),
    Signature::new("video/3gpp", &[]).also(MP4S),
    Signature::new("video/3gpp2", &[]).also(MP4S),
    Signature::new("video/quicktime", &[]),
    Signature::new("video/x-m4v", &[]).also(&["application/mp4", "video/mp4"]),
    Signature::new("video/x-msvideo", &[&[(0, b"RIFF"), (8, b"AVI ")]]),
    Signature::new("video/x-flv", &[&[(0, b"FLV\x01")]]),
    Signature::new(
        "video/x-ms-wmv",
        &[&[(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9")]],
    )
    .also(&["audio/x-ms-wma", "video/x-ms-asf"]),
    Signature::new(
        "video/mpeg",
        &[&[(0, b"\0\0\x01\xba")], &[(0, b"\0\0\x01\xb3")]],
    )
    .optional()
    .sometimes(&["video/mp1s", "video/mp2p"]),
    Signature::new("video/mp2t", &[])
        .optional()
        .sometimes(&["video/mpeg"]),
    Signature::new(
        "application/x-shockwave-flash",
        &[&[(0, b"FWS")], &[(0, b"CWS")], &[(0, b"ZWS")]],
    )
    .weak()
    .optional(),
    // Sound
    Signature::new("audio/mp4", &[]).also(&["application/mp4", "audio/x-m4b"]),
    Signature::new("audio/ogg", &[])
        .also(&["application/ogg", "video/ogg"])
        .sometimes(OGGS),
    Signature::new("audio/opus", &[])
        .also(&["application/ogg", "audio/ogg", "video/ogg"])
        .sometimes(OGGS),
    Signature::new("video/ogg", &[])
        .also(&["application/ogg", "audio/ogg"])
        .sometimes(OGGS),
    Signature::new(
        "audio/wav",
        &[
            &[(0, b"RIFF"), (8, b"WAVE")],
            &[(0, b"RF64"), (8, b"WAVE")],
            &[(0, b"BW64"), (8, b"WAVE")],
            &[(0, b"RIFX"), (8, b"WAVE")],
            &[(0, b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0")],
        ],
    )
    .sometimes(&["audio/x-rf64", "audio/x-w64"]),
    Signature::new("audio/flac", &[&[(0, b"fLaC")]]),
    Signature::new(
        "audio/midi",
        &[&[(0, b"MThd\0\0\0\x06")], &[(0, b"RIFF"), (8, b"RMID")]],
    ),
    Signature::new(
        "audio/aiff",
        &[&[(0, b"FORM"), (8, b"AIFF")], &[(0, b"FORM"), (8, b"AIFC")]],
    ),
    Signature::new("audio/amr", &[&[(0, b"#!AMR")]]).in_text(),
    Signature::new("audio/x-caf", &[&[(0, b"caff\0\x01\0\0")]]),
    Signature::new("audio/basic", &[&[(0, b".snd\0\0\0")]]),
    Signature::new(
        "audio/x-ape",
        &[&[(0, b"MAC "), (5, b"\x0f\0\0")], &[(0, b"MAC \x96\x0f")]],
    ),
    Signature::new("audio/x-wavpack", &[&[(0, b"wvpk"), (9, b"\x04")]]),
    Signature::new("audio/x-dsf", &[&[(0, b"DSD \x1c\0\0\0")]]),
    Signature::new("audio/ac3", &[&[(0, b"\x0b\x77")]])
        .weak()
        .optional(),
    Signature::new("audio/mpeg", &[]).weak(),
    // A tag that stands before the frames of whichever.
    Signature::new(
        "audio/mpeg",
        &[&[(0, b"ID3\x02")], &[(0, b"ID3\x03")], &[(0, b"ID3\x04")]],
    )
    .sometimes(&["audio/aac", "audio/aiff", "audio/flac"]),
    Signature::new("audio/aac", &[&[(0, b"ADIF")]]).weak(),
    // Fonts
    Signature::new("font/woff2", &[&[(0, b"wOF2")]]),
    Signature::new("font/woff", &[&[(0, b"wOFF")]]),
    Signature::new("font/collection", &[&[(0, b"ttcf\0")]]).also(&["font/otf", "font/ttf"]),
    Signature::new("font/otf", &[&[(0, b"OTTO\0")]]).also(&["font/sfnt"]),
    Signature::new("font/ttf", &[&[(0, b"\0\x01\0\0\0")], &[(0, b"true\0")]])
        .also(&["font/otf", "font/sfnt"]),
    Signature::new(
        "application/vnd.ms-fontobject",
        &[
            &[(8, b"\x01\0\x02\0"), (34, b"LP")],
            &[(8, b"\x02\0\x02\0"), (34, b"LP")],
            &[(8, b"\0\0\x01\0"), (34, b"LP")],
        ],
    ),
];

const OGGS: &[&str] = &[
    "audio/speex",
    "audio/vorbis",
    "audio/x-flac+ogg",
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
    "image/tiff-fx",
    "image/x-adobe-dng",
    "image/x-canon-cr2",
    "image/x-dcraw",
    "image/x-epson-erf",
    "image/x-hasselblad-3fr",
    "image/x-kodak-dcr",
    "image/x-kodak-k25",
    "image/x-kodak-kdc",
    "image/x-nikon-nef",
    "image/x-nikon-nrw",
    "image/x-pentax-pef",
    "image/x-phaseone-iiq",
    "image/x-samsung-srw",
    "image/x-sony-arw",
    "image/x-sony-sr2",
    "image/x-sony-srf",
    "image/vnd.ms-modi",
];
