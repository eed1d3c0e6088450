//! Pictures, sound, film and archives.

use super::Row;
use super::make::{at, iso, join, zip};

pub(super) fn pictures() -> Vec<Row> {
    vec![
        (
            "PNG",
            "a.png",
            "image/png",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(),
        ),
        (
            "JPEG, JFIF",
            "a.jpg",
            "image/jpg",
            b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec(),
        ),
        (
            "JPEG, Exif, with a PDF in a comment",
            "a.jpg",
            "image/pjpeg",
            b"\xff\xd8\xff\xe1\0\x20Exif\0\0II*\0%PDF-1.4".to_vec(),
        ),
        (
            "JPEG without a header",
            "a.jpeg",
            "image/jpeg",
            b"\xff\xd8\xff\xdb\0\x43\0".to_vec(),
        ),
        (
            "GIF",
            "a.gif",
            "image/gif",
            b"GIF89a\x01\0\x01\0\x80".to_vec(),
        ),
        (
            "WebP",
            "a.webp",
            "image/webp",
            b"RIFF\x24\0\0\0WEBPVP8 ".to_vec(),
        ),
        (
            "BMP",
            "a.bmp",
            "image/x-ms-bmp",
            b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0".to_vec(),
        ),
        (
            "icon",
            "a.ico",
            "image/x-icon",
            b"\0\0\x01\0\x01\0\x10\x10\0\0".to_vec(),
        ),
        (
            "TIFF, little end",
            "a.tif",
            "image/tiff",
            b"II*\0\x08\0\0\0\x01\0".to_vec(),
        ),
        (
            "TIFF, big end",
            "a.tiff",
            "image/tif",
            b"MM\0*\0\0\0\x08\0\x01".to_vec(),
        ),
        (
            "BigTIFF, little end",
            "a.tif",
            "image/tiff",
            b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec(),
        ),
        (
            "BigTIFF, big end",
            "a.tif",
            "image/tiff",
            b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10".to_vec(),
        ),
        (
            "DNG",
            "a.dng",
            "image/x-adobe-dng",
            b"II*\0\x08\0\0\0\x01\0".to_vec(),
        ),
        (
            "CR2",
            "a.cr2",
            "image/x-canon-cr2",
            b"II*\0\x10\0\0\0CR\x02\0".to_vec(),
        ),
        (
            "CR3",
            "a.cr3",
            "image/x-canon-cr3",
            iso(&[b"crx ", b"crx ", b"isom"]),
        ),
        (
            "NEF",
            "a.nef",
            "image/x-nikon-nef",
            b"MM\0*\0\0\0\x08\0\x1b".to_vec(),
        ),
        (
            "HEIC by a phone",
            "a.heic",
            "image/heic",
            iso(&[b"heic", b"mif1", b"heic"]),
        ),
        (
            "HEIC under mif1",
            "a.heic",
            "image/heic",
            iso(&[b"mif1", b"mif1", b"heic"]),
        ),
        (
            "HEIC declared as HEIF",
            "a.heif",
            "image/heif",
            iso(&[b"heic", b"mif1", b"heic"]),
        ),
        (
            "AVIF",
            "a.avif",
            "image/avif",
            iso(&[b"avif", b"mif1", b"avif", b"miaf"]),
        ),
        (
            "JPEG XL",
            "a.jxl",
            "image/jxl",
            b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ".to_vec(),
        ),
        (
            "JPEG XL, naked",
            "a.jxl",
            "image/jxl",
            b"\xff\x0a\xfa\x1f\0\0".to_vec(),
        ),
        (
            "JPEG 2000",
            "a.jp2",
            "image/jp2",
            b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ".to_vec(),
        ),
        (
            "PSD",
            "a.psd",
            "image/x-photoshop",
            b"8BPS\0\x01\0\0\0\0\0\0\0\x03".to_vec(),
        ),
        (
            "EMF",
            "a.emf",
            "application/x-emf",
            join(&[b"\x01\0\0\0", &[0; 36], b" EMF\0\0\x01\0"]),
        ),
    ]
}

pub(super) fn sound_and_film() -> Vec<Row> {
    let webm = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87\x81\x04";
    let matroska = b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska\x42\x87";
    let ogg = |codec: &[u8]| [&at(0, b"OggS\0\x02")[..28], codec].concat();
    let packets = [b"\x47\x40\0\x10\0".to_vec(), vec![0xff; 183]]
        .concat()
        .repeat(3);
    vec![
        (
            "MP3 with a tag",
            "a.mp3",
            "audio/mp3",
            b"ID3\x04\0\0\0\0\x02\x01".to_vec(),
        ),
        (
            "MP3, naked",
            "a.mp3",
            "audio/mpeg",
            b"\xff\xfb\x90\x64\0\0".to_vec(),
        ),
        (
            "AAC",
            "a.aac",
            "audio/x-aac",
            b"\xff\xf1\x50\x80\0\0".to_vec(),
        ),
        (
            "WAV",
            "a.wav",
            "audio/x-wav",
            b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0".to_vec(),
        ),
        (
            "RF64",
            "a.wav",
            "audio/wav",
            b"RF64\xff\xff\xff\xffWAVEds64".to_vec(),
        ),
        (
            "BW64",
            "a.wav",
            "audio/vnd.wave",
            b"BW64\xff\xff\xff\xffWAVEds64".to_vec(),
        ),
        ("FLAC", "a.flac", "audio/x-flac", b"fLaC\0\0\0\x22".to_vec()),
        (
            "FLAC with a tag",
            "a.flac",
            "audio/flac",
            b"ID3\x04\0\0\0\0\x02\x01".to_vec(),
        ),
        ("Opus", "a.opus", "audio/opus", ogg(b"OpusHead\x01\x02")),
        (
            "Opus declared as Ogg",
            "a.ogg",
            "audio/ogg; codecs=opus",
            ogg(b"OpusHead\x01\x02"),
        ),
        ("Vorbis", "a.ogg", "audio/ogg", ogg(b"\x01vorbis")),
        ("Theora", "a.ogv", "video/ogg", ogg(b"\x80theora")),
        (
            "M4A",
            "a.m4a",
            "audio/x-m4a",
            iso(&[b"M4A ", b"M4A ", b"mp42"]),
        ),
        (
            "M4A by ffmpeg",
            "a.m4a",
            "audio/mp4",
            iso(&[b"isom", b"isom", b"mp42"]),
        ),
        (
            "AIFF",
            "a.aiff",
            "audio/x-aiff",
            b"FORM\0\0\0\x2eAIFFCOMM".to_vec(),
        ),
        (
            "MIDI",
            "a.mid",
            "audio/mid",
            b"MThd\0\0\0\x06\0\x01".to_vec(),
        ),
        ("AMR", "a.amr", "audio/amr", b"#!AMR\n\x3c\x08".to_vec()),
        (
            "MP4",
            "a.mp4",
            "video/mp4",
            iso(&[b"isom", b"isom", b"mp41"]),
        ),
        (
            "MP4, fragments",
            "a.mp4",
            "video/mp4",
            iso(&[b"iso5", b"dash"]),
        ),
        (
            "QuickTime",
            "a.mov",
            "video/quicktime",
            iso(&[b"qt  ", b"qt  "]),
        ),
        (
            "QuickTime without brands",
            "a.mov",
            "video/quicktime",
            b"\0\0\x10\0moov\0\0\0\x6cmvhd\0\0".to_vec(),
        ),
        ("3GP", "a.3gp", "video/3gpp", iso(&[b"3gp4", b"isom"])),
        ("Matroska", "a.mkv", "video/x-matroska", matroska.to_vec()),
        ("WebM", "a.webm", "video/webm", webm.to_vec()),
        (
            "WebM sound by a browser",
            "a.webm",
            "audio/webm;codecs=opus",
            webm.to_vec(),
        ),
        (
            "AVI",
            "a.avi",
            "video/avi",
            b"RIFF\x24\0\0\0AVI LIST\0".to_vec(),
        ),
        (
            "WMV",
            "a.wmv",
            "video/x-ms-wmv",
            b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa".to_vec(),
        ),
        ("transport stream", "a.mts", "video/mp2t", packets),
        (
            "MPEG",
            "a.mpg",
            "video/mpeg",
            b"\0\0\x01\xba\x44\0".to_vec(),
        ),
    ]
}

pub(super) fn archives() -> Vec<Row> {
    vec![
        (
            "zip",
            "a.zip",
            "application/x-zip-compressed",
            zip(&[("a.txt", b"%PDF-1.4")]),
        ),
        (
            "zip, empty",
            "a.zip",
            "application/zip",
            join(&[b"PK\x05\x06", &[0; 18]]),
        ),
        (
            "zip with a folder named word",
            "a.zip",
            "application/zip",
            zip(&[("word/a.txt", b"x")]),
        ),
        (
            "jar",
            "a.jar",
            "application/java-archive",
            zip(&[("META-INF/MANIFEST.MF", b"x")]),
        ),
        (
            "7z",
            "a.7z",
            "application/x-7z-compressed",
            b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(),
        ),
        (
            "RAR 5",
            "a.rar",
            "application/x-rar-compressed",
            b"Rar!\x1a\x07\x01\0\x33".to_vec(),
        ),
        (
            "RAR 4",
            "a.rar",
            "application/vnd.rar",
            b"Rar!\x1a\x07\0\xcf".to_vec(),
        ),
        (
            "gzip",
            "a.gz",
            "application/x-gzip",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(),
        ),
        (
            "tar in gzip",
            "a.tgz",
            "application/x-tgz",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(),
        ),
        ("tar", "a.tar", "application/x-tar", at(257, b"ustar\x0000")),
        (
            "tar of old",
            "a.tar",
            "application/x-tar",
            at(100, b"0000644\x000001750\x00"),
        ),
        (
            "bzip2",
            "a.bz2",
            "application/x-bzip2",
            b"BZh91AY&SY\x11\x22".to_vec(),
        ),
        (
            "xz",
            "a.xz",
            "application/x-xz",
            b"\xfd7zXZ\0\0\x04".to_vec(),
        ),
        (
            "zstd",
            "a.zst",
            "application/zstd",
            b"\x28\xb5\x2f\xfd\x04\0".to_vec(),
        ),
        (
            "program for Windows",
            "a.exe",
            "application/x-msdownload",
            b"MZ\x90\0\x03\0\0\0".to_vec(),
        ),
        (
            "font",
            "a.woff2",
            "font/woff2",
            b"wOF2OTTO\0\0\x10\0".to_vec(),
        ),
    ]
}
