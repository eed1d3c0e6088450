//! The evidence that the first bytes of a file give of its type.

use super::signatures::{Signature, Strength};
use super::{compound, iso, text, zip};

pub(super) const ZIP: &str = "application/zip";
pub(super) const OLE: &str = "application/x-ole-storage";

/// The bytes behind the beginning in which the header of a PDF may stand, as readers of PDF tolerate.
const PDF_NEAR: usize = 1024;

/// The evidence of the first bytes.
#[derive(Debug)]
pub(super) struct Evidence<'h> {
    head: &'h [u8],
    /// The signature of the bytes; `None` if there is none.
    pub(super) found: Option<&'static Signature>,
    /// True if a PDF's header stands near the beginning, which proves nothing.
    has_pdf_near: bool,
}

impl<'h> Evidence<'h> {
    pub(super) fn of(head: &'h [u8]) -> Self {
        let found = read(head).or_else(|| Signature::in_bytes(head));
        let found = found.filter(|found| match found.strength {
            // A table whose first column is `BMI` is no BMP, and a text in windows-1251 no MP3.
            Strength::Weak => !text::may_be_text(head, None),
            Strength::Strong | Strength::Container => found.is_text || !text::is_utf8_text(head),
        });
        let near = &head[..head.len().min(PDF_NEAR)];
        Self {
            head,
            found,
            has_pdf_near: memchr::memmem::find(near, b"%PDF-").is_some(),
        }
    }

    /// Returns the container that the bytes are, whatever is in it.
    pub(super) fn container(&self) -> Option<&'static str> {
        match self.head {
            [b'P', b'K', ..] => Some(ZIP),
            [0xd0, 0xcf, 0x11, 0xe0, ..] => Some(OLE),
            _ => None,
        }
    }

    /// Returns `true` if the bytes may be text in some charset, or in the declared one.
    pub(super) fn may_be_text(&self, charset: Option<&str>) -> bool {
        text::may_be_text(self.head, charset)
    }

    /// Returns `true` if the bytes, which have no strong signature, bear out that they are of this type.
    pub(super) fn bears_out(&self, name: &str) -> bool {
        (name == PDF && self.has_pdf_near) || self.found.is_some_and(|found| found.allows(name))
    }

    /// Returns the kind of markup that text begins with.
    pub(super) fn markup(&self) -> Option<&'static str> {
        text::markup(self.head)
    }
}

const PDF: &str = "application/pdf";

/// Returns the signature that takes more than bytes at an offset to see.
fn read(head: &[u8]) -> Option<&'static Signature> {
    let name = match head {
        // Bytes at 128 tell more than those before, which DICOM leaves to others.
        _ if head.get(128..132) == Some(b"DICM") => "application/dicom",
        [b'P', b'K', 3 | 5 | 7, _, ..] => zip::kind(head)?,
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => compound::kind(head)?,
        [b'O', b'g', b'g', b'S', ..] => ogg_kind(head),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => matroska_kind(head)?,
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => iso::kind(head)?,
        [_, _, _, _, b'm' | b'w' | b'f' | b'p', ..] if iso::is_old_quicktime(head) => {
            "video/quicktime"
        }
        [0x30, ..] if is_pkcs7(head) => "application/pkcs7-mime",
        [0xff, second, third, ..] => mpeg_kind(*second, *third)?,
        [0x47, ..] if is_transport_stream(head) => "video/mp2t",
        _ if is_pdf(head) => PDF,
        _ => return None,
    };
    Signature::of(name)
}

/// Returns `true` if the header of a PDF is the first thing in the bytes, but for what real files have
/// before it: a byte order mark, blanks, and the commands for a printer.
fn is_pdf(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let is_blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0;
    let start = head
        .iter()
        .position(|byte| !is_blank(byte))
        .unwrap_or(head.len());
    let head = &head[start..];
    let is_header = |bytes: &[u8]| matches!(bytes, [b'%', b'P', b'D', b'F', b'-', b'0'..=b'9', ..]);
    if head.starts_with(b"\x1b%-12345X@PJL") {
        let near = &head[..head.len().min(PDF_NEAR)];
        return memchr::memmem::find(near, b"\n%PDF-").is_some_and(|at| is_header(&head[at + 1..]));
    }
    is_header(head)
}

/// Returns the type by the first codec of the file.
fn ogg_kind(head: &[u8]) -> &'static str {
    let codec = head.get(28..).unwrap_or_default();
    if codec.starts_with(b"OpusHead") {
        "audio/opus"
    } else if codec.starts_with(b"\x80theora") {
        "video/ogg"
    } else {
        "audio/ogg"
    }
}

/// Returns the type by the document type of the EBML header.
fn matroska_kind(head: &[u8]) -> Option<&'static str> {
    const NEAR: usize = 256;
    let head = &head[..head.len().min(NEAR)];
    let at = head.windows(2).position(|id| id == b"\x42\x82")?;
    // The length before the name has one to eight bytes.
    let name = head[at + 2..].iter().position(u8::is_ascii_lowercase)?;
    let name = &head[at + 2 + name..];
    if name.starts_with(b"webm") {
        Some("video/webm")
    } else if name.starts_with(b"matroska") {
        Some("video/x-matroska")
    } else {
        None
    }
}

/// Returns the type of a frame of sound, of which the first byte is 0xff.
fn mpeg_kind(second: u8, third: u8) -> Option<&'static str> {
    match second {
        0xf0 | 0xf1 | 0xf8 | 0xf9 if (third >> 2) & 0xf <= 12 => Some("audio/aac"),
        // Frames of MPEG 1, 2 and 2.5, layers II and III, with valid rates.
        0xe2 | 0xe3 | 0xf2..=0xf5 | 0xfa..=0xfd
            if (0x10..0xf0).contains(&third) && third & 0x0c != 0x0c =>
        {
            Some("audio/mpeg")
        }
        _ => None,
    }
}

/// Returns `true` for packets of 188 bytes, as broadcasts and cameras write them.
fn is_transport_stream(head: &[u8]) -> bool {
    const PACKET: usize = 188;
    head.len() > 2 * PACKET
        && head
            .iter()
            .step_by(PACKET)
            .take(5)
            .all(|byte| *byte == 0x47)
}

/// Returns `true` for a sequence, of known length or not, that begins with the identifier of signed or
/// enveloped data (PKCS #7, CMS).
fn is_pkcs7(head: &[u8]) -> bool {
    const PREFIX: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07";
    let length_bytes = match head.get(1) {
        Some(0x00..=0x80) => 1,
        Some(long @ 0x81..=0x84) => usize::from(long & 0x7f) + 1,
        _ => return false,
    };
    head.get(1 + length_bytes..)
        .is_some_and(|it| it.starts_with(PREFIX))
}
