//! Pictures, sound, film and fonts.

use super::Names;

pub(super) const NAMES: &[Names] = &[
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
    (
        "image/emf",
        &["application/emf", "application/x-emf", "image/x-emf"],
    ),
    (
        "image/wmf",
        &[
            "application/wmf",
            "application/x-msmetafile",
            "application/x-wmf",
            "image/x-win-metafile",
            "image/x-wmf",
        ],
    ),
    (
        "image/x-tga",
        &[
            "application/tga",
            "application/x-targa",
            "application/x-tga",
            "image/targa",
            "image/tga",
            "image/x-icb",
            "image/x-targa",
        ],
    ),
    ("image/vnd.zbrush.pcx", &["image/pcx", "image/x-pcx"]),
    ("image/heic", &["image/x-heic"]),
    ("image/heif", &["image/x-heif"]),
    ("image/x-canon-cr2", &["image/cr2"]),
    ("image/x-canon-cr3", &["image/cr3"]),
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
    ("audio/opus", &["audio/x-opus"]),
    ("audio/x-ms-wma", &["audio/wma"]),
    ("audio/basic", &["audio/au", "audio/x-au"]),
    ("audio/x-caf", &["audio/caf"]),
    (
        "audio/x-mpegurl",
        &[
            "application/m3u",
            "audio/m3u",
            "audio/mpegurl",
            "audio/x-m3u",
        ],
    ),
    ("audio/ac3", &["audio/x-ac3"]),
    ("audio/vnd.dts", &["audio/dts", "audio/x-dts"]),
    ("audio/x-wavpack", &["audio/wavpack"]),
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
            "video/x-avi",
        ],
    ),
    (
        "video/x-ms-asf",
        &["application/vnd.ms-asf", "video/x-ms-wm"],
    ),
    ("video/mpeg", &["video/mpg", "video/x-mpeg", "video/x-mpg"]),
    ("video/x-flv", &["video/flv"]),
    ("video/x-ms-wmv", &["video/wmv"]),
    (
        "video/mp2t",
        &["video/mpeg-ts", "video/vnd.dlna.mpeg-tts", "video/x-mpegts"],
    ),
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
];
