//! Signatures in the first bytes of a file.

use super::names::canonical;
use super::signatures::Signature;

pub(super) const ZIP: &str = "application/zip";
pub(super) const OLE: &str = "application/x-ole-storage";

/// The result of examining the first bytes. Names are canonical.
#[derive(Debug)]
pub(super) enum Sniffed {
    /// A signature that identifies the type, or a few types that share it.
    Exact {
        name: &'static str,
        shared: Option<&'static Signature>,
    },
    /// A container that many types use: zip, OLE, XML or text.
    Container(&'static str),
    /// No known signature.
    Nothing,
}

impl Sniffed {
    pub(super) fn in_bytes(head: &[u8]) -> Self {
        if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
            return Self::Container(OLE);
        }
        let found = media_key(head).or_else(|| font_key(head));
        let (key, name) = match found.and_then(Signature::of) {
            Some(signature) => (signature.key, signature.name),
            None => match infer::get(head) {
                None => return Self::Nothing,
                Some(kind) => (kind.extension(), canonical(kind.mime_type())),
            },
        };
        if name == ZIP || is_text_type(name) {
            return Self::Container(name);
        }
        if is_text(head) && !WRITTEN_AS_TEXT.contains(&key) {
            return Self::Nothing;
        }
        let shared = Signature::of(key);
        Self::Exact {
            name: shared.map_or(name, |signature| signature.name),
            shared,
        }
    }
}

/// The types that may be pure text and still have their signature. For all others, text wins: a table
/// whose first column is `BMI` is no BMP.
const WRITTEN_AS_TEXT: &[&str] = &["ar", "pdf", "pem", "ps", "rtf"];

/// Returns the key of a video, audio or image container; `infer` distinguishes fewer of them.
fn media_key(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'O', b'g', b'g', b'S', ..] => Some(ogg_key(head)),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => matroska_key(head),
        [
            b'F',
            b'O',
            b'R',
            b'M',
            _,
            _,
            _,
            _,
            b'A',
            b'I',
            b'F',
            b'F' | b'C',
            ..,
        ] => Some("aiff"),
        [b'I', b'D', b'3', ..] => Some("id3"),
        [0xff, 0xf0 | 0xf1 | 0xf8 | 0xf9, rate, ..] if (rate >> 2) & 0xf <= 12 => Some("aac"),
        // Frames of MPEG 1, 2 and 2.5, layers II and III, with valid rates.
        [0xff, 0xe2 | 0xe3 | 0xf2..=0xf5 | 0xfa..=0xfd, rates, ..]
            if (0x10..0xf0).contains(rates) && rates & 0x0c != 0x0c =>
        {
            Some("mp3")
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => iso_key(head),
        _ => None,
    }
}

/// Returns the key by the first codec of the file.
fn ogg_key(head: &[u8]) -> &'static str {
    let codec = head.get(28..).unwrap_or_default();
    if codec.starts_with(b"OpusHead") {
        "opus"
    } else if codec.starts_with(b"\x80theora") {
        "ogv"
    } else {
        "ogg"
    }
}

/// Returns the key by the document type of the EBML header.
fn matroska_key(head: &[u8]) -> Option<&'static str> {
    const NEAR: usize = 256;
    let head = &head[..head.len().min(NEAR)];
    let at = head.windows(2).position(|id| id == b"\x42\x82")?;
    // The length before the name has one to eight bytes.
    let name = head[at + 2..].iter().position(u8::is_ascii_lowercase)?;
    let name = &head[at + 2 + name..];
    if name.starts_with(b"webm") {
        Some("webm")
    } else if name.starts_with(b"matroska") {
        Some("mkv")
    } else {
        None
    }
}

/// Returns the key by the brands of an ISO base media file: MP4, `QuickTime`, 3GP, HEIF, AVIF.
fn iso_key(head: &[u8]) -> Option<&'static str> {
    let size = head.first_chunk().map(|size| u32::from_be_bytes(*size))?;
    let end = usize::try_from(size).unwrap_or(usize::MAX).min(head.len());
    let others = head.get(16..end).unwrap_or_default();
    let has = |brands: &[&[u8; 4]]| {
        others
            .chunks_exact(4)
            .any(|other| brands.iter().any(|brand| other == *brand))
    };
    match head.get(8..12)? {
        b"heic" | b"heix" | b"heim" | b"heis" => Some("heic"),
        b"hevc" | b"hevx" | b"hevm" | b"hevs" => Some("heics"),
        b"avif" | b"avis" => Some("avif"),
        b"mif1" | b"msf1" | b"miaf" => Some(if has(&[b"heic", b"heix"]) {
            "heic"
        } else if has(&[b"hevc", b"hevx"]) {
            "heics"
        } else if has(&[b"avif", b"avis"]) {
            "avif"
        } else {
            "heif"
        }),
        b"qt  " => Some("mov"),
        [b'M', b'4', b'A' | b'B' | b'P', _] => Some("m4a"),
        [b'M', b'4', b'V', _] => Some("m4v"),
        [b'3', b'g', b'2', _] => Some("3g2"),
        [b'3', b'g', _, _] => Some("3gp"),
        brand if is_mp4_brand(brand) => Some("mp4"),
        _ if has(&[b"avif", b"avis"]) => Some("avif"),
        _ if others.chunks_exact(4).any(is_mp4_brand) => Some("mp4"),
        _ => None,
    }
}

fn is_mp4_brand(brand: &[u8]) -> bool {
    matches!(
        brand,
        [b'i', b's', b'o', _]
            | [b'm', b'p', b'4' | b'7', _]
            | [b'c', b'm', b'f', _]
            | [b'N', b'D', _, _]
            | [b'F', b'4', b'V' | b'P', _]
            | b"av01"
            | b"avc1"
            | b"dash"
            | b"hev1"
            | b"hvc1"
            | b"mmp4"
            | b"msdh"
            | b"MSNV"
            | b"NSDC"
            | b"XAVC"
    )
}

/// Returns the key of a font; `infer` knows fewer of them, under older names.
fn font_key(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'w', b'O', b'F', b'F', ..] => Some("woff"),
        [b'w', b'O', b'F', b'2', ..] => Some("woff2"),
        [b't', b't', b'c', b'f', ..] => Some("ttc"),
        [b'O', b'T', b'T', b'O', ..] => Some("otf"),
        [0, 1, 0, 0, 0, ..] | [b't', b'r', b'u', b'e', 0, ..] => Some("ttf"),
        _ => None,
    }
}

/// Returns `true` if the type is a kind of text.
pub(super) fn is_text_type(name: &str) -> bool {
    name.starts_with("text/") || name.ends_with("+xml")
}

/// Returns `true` if the bytes are UTF-8 text without control characters. A character that is cut at the
/// end of `head` is allowed.
pub(super) fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    text.chars()
        .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{c}'))
}

/// Returns `true` if the bytes can be text in a single-byte encoding, as older programs write it.
pub(super) fn is_single_byte_text(head: &[u8]) -> bool {
    head.iter()
        .all(|byte| !byte.is_ascii_control() || matches!(byte, b'\n' | b'\r' | b'\t' | 0x0c))
}
