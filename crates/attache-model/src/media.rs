//! What a file's bytes are: decided from the bytes first, from what was declared second.

use std::borrow::Cow;
use std::fmt;

use crate::InvalidValue;

/// How many bytes from the start of a file [`MediaType::decide`] looks at, at most.
const SNIFF_BYTES: usize = 8 * 1024;

/// Longest media type that is taken, in bytes.
const TYPE_BYTES: usize = 127;

/// A media type such as `application/pdf` or `text/plain; charset=utf-8`; normalised to lower case,
/// at most 127 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaType(Cow<'static, str>);

/// Other names of a type that has a signature, and the name used here.
const ALIASES: &[(&str, &str)] = &[
    ("application/x-gzip", "application/gzip"),
    ("application/x-pdf", "application/pdf"),
    ("application/x-zip-compressed", "application/zip"),
    ("audio/mp3", "audio/mpeg"),
    ("audio/wav", "audio/x-wav"),
    ("audio/wave", "audio/x-wav"),
    ("audio/vnd.wave", "audio/x-wav"),
    ("image/jpg", "image/jpeg"),
    ("image/pjpeg", "image/jpeg"),
    ("image/x-png", "image/png"),
];

/// Types a browser may show in place; each has a signature that was found in the bytes, or is text
/// that was checked to be text.
const INLINE: &[&str] = &[
    "application/pdf",
    "audio/mpeg",
    "audio/x-wav",
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/plain",
    "video/mp4",
    "video/webm",
];

impl MediaType {
    /// `application/octet-stream`: bytes of no known type.
    pub const OCTET_STREAM: Self = Self(Cow::Borrowed("application/octet-stream"));

    /// Parses a media type with optional parameters, of which only `charset` is kept.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let refused = || {
            InvalidValue::new(
                "content type",
                "is not a media type such as application/pdf",
            )
        };
        if text.len() > TYPE_BYTES {
            return Err(InvalidValue::new(
                "content type",
                "is longer than 127 bytes",
            ));
        }
        let parsed: mime::Mime = text.trim().parse().map_err(|_| refused())?;
        if parsed.type_() == mime::STAR || parsed.subtype() == mime::STAR {
            return Err(refused());
        }
        let essence = parsed.essence_str().to_ascii_lowercase();
        let charset = parsed
            .get_param(mime::CHARSET)
            .map(|charset| charset.as_str().to_ascii_lowercase());
        Ok(Self(Cow::Owned(match charset {
            Some(charset)
                if charset
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.:+".contains(&b)) =>
            {
                format!("{essence}; charset={charset}")
            }
            _ => essence,
        })))
    }

    /// Decides a file's type.
    ///
    /// A signature found in the bytes decides, except that zip, OLE, XML and text never override a
    /// declared subtype (docx, csv, json). A declared type whose signature is absent becomes
    /// [`OCTET_STREAM`](Self::OCTET_STREAM). Where nothing useful is declared, the bytes decide, then
    /// the filename's extension.
    ///
    /// `head` is the beginning of the file, 8 KiB of it or the whole of a shorter file.
    pub fn decide(declared: Option<&Self>, filename: &str, head: &[u8]) -> Self {
        let head = &head[..head.len().min(SNIFF_BYTES)];
        let found = Found::in_bytes(head);
        match declared.filter(|declared| !declared.is_octet_stream()) {
            Some(declared) => Self::confirm(declared, &found, head),
            None => Self::guess(filename, &found, head),
        }
    }

    fn confirm(declared: &Self, found: &Found, head: &[u8]) -> Self {
        match found {
            Found::Exact(found) if found.canonical() == declared.canonical() => declared.clone(),
            Found::Exact(found) => found.clone(),
            Found::Container(_) | Found::Nothing if declared.signature_fits(found, head) => {
                declared.clone()
            }
            Found::Container(_) | Found::Nothing => Self::OCTET_STREAM,
        }
    }

    fn guess(filename: &str, found: &Found, head: &[u8]) -> Self {
        let by_extension = || {
            let guess = mime_guess::from_path(filename)
                .first_raw()
                .map(Self::parse)?
                .ok()?;
            guess.signature_fits(found, head).then_some(guess)
        };
        match found {
            Found::Exact(found) => found.clone(),
            Found::Container(container) => by_extension().unwrap_or_else(|| container.clone()),
            Found::Nothing => by_extension().unwrap_or(Self::OCTET_STREAM),
        }
    }

    /// Whether bytes in which only `found` was found can be of this type: it has no signature of its
    /// own, or its signature is that of the container.
    fn signature_fits(&self, found: &Found, head: &[u8]) -> bool {
        match (self.container(), found) {
            (Some(needed), Found::Container(container)) => container.essence() == needed,
            (Some(_), _) => false,
            (None, _) if self.essence() == "text/plain" => is_text(head),
            (None, Found::Container(container)) if container.essence() == self.essence() => true,
            (None, _) => !self.has_binary_signature(),
        }
    }

    /// The zip or OLE container that files of this type are, if they are one.
    fn container(&self) -> Option<&'static str> {
        let essence = self.essence();
        let zip = essence.starts_with("application/vnd.openxmlformats-officedocument.")
            || essence.starts_with("application/vnd.oasis.opendocument.")
            || matches!(
                essence,
                "application/epub+zip" | "application/java-archive" | "application/zip"
            );
        let ole = matches!(
            essence,
            "application/msword" | "application/vnd.ms-excel" | "application/vnd.ms-powerpoint"
        );
        if zip {
            Some(ZIP)
        } else if ole {
            Some(OLE)
        } else {
            None
        }
    }

    fn has_binary_signature(&self) -> bool {
        infer::is_mime_supported(self.canonical()) && !is_texty(self.essence())
    }

    fn canonical(&self) -> &str {
        let essence = self.essence();
        ALIASES
            .iter()
            .find(|(alias, _)| *alias == essence)
            .map_or(essence, |(_, name)| name)
    }

    /// The type without parameters.
    pub fn essence(&self) -> &str {
        self.0.split(';').next().unwrap_or_default().trim_end()
    }

    /// Whether it says nothing about the bytes: [`OCTET_STREAM`](Self::OCTET_STREAM), with whatever
    /// parameters.
    pub fn is_octet_stream(&self) -> bool {
        self.essence() == Self::OCTET_STREAM.essence()
    }

    /// The type as it is written in a header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether another site's page could run bytes of this type by naming their URL.
    pub fn is_script(&self) -> bool {
        let subtype = self.essence().rsplit('/').next().unwrap_or_default();
        matches!(
            subtype,
            "javascript"
                | "x-javascript"
                | "ecmascript"
                | "x-ecmascript"
                | "jscript"
                | "livescript"
                | "wasm"
        )
    }

    /// Whether a browser may show bytes of this type in place. Everything else is a download, HTML,
    /// SVG and XML above all.
    pub fn may_be_inline(&self) -> bool {
        INLINE.contains(&self.canonical())
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const ZIP: &str = "application/zip";
const OLE: &str = "application/x-ole-storage";

/// What the first bytes say.
enum Found {
    /// A type with a signature of its own.
    Exact(MediaType),
    /// Only an outer form that many types share: zip, OLE, XML or text.
    Container(MediaType),
    Nothing,
}

impl Found {
    fn in_bytes(head: &[u8]) -> Self {
        if head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
            return Self::Container(MediaType(Cow::Borrowed(OLE)));
        }
        match infer::get(head).map(|kind| kind.mime_type()) {
            None => Self::Nothing,
            Some(mime) if mime == ZIP || is_texty(mime) => {
                Self::Container(MediaType(Cow::Borrowed(mime)))
            }
            Some(mime) => Self::Exact(MediaType(Cow::Borrowed(mime))),
        }
    }
}

fn is_texty(essence: &str) -> bool {
    essence.starts_with("text/") || essence.ends_with("+xml") || essence == "application/xml"
}

/// Whether the bytes read as UTF-8 text without control characters; a character cut at the end of
/// `head` does not count against it.
fn is_text(head: &[u8]) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";
    const ZIPPED: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0";
    const OLED: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0";
    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

    fn decide(declared: &str, filename: &str, head: &[u8]) -> String {
        let declared = (!declared.is_empty()).then(|| MediaType::parse(declared).unwrap());
        MediaType::decide(declared.as_ref(), filename, head).to_string()
    }

    #[test]
    fn a_signature_decides_over_what_is_declared() {
        assert_eq!(decide("image/png", "a.png", PNG), "image/png");
        assert_eq!(decide("image/png", "a.png", PDF), "application/pdf");
        assert_eq!(decide("text/html", "a.html", PDF), "application/pdf");
        assert_eq!(decide("", "a.txt", PNG), "image/png");
        assert_eq!(
            decide("application/octet-stream", "a", PDF),
            "application/pdf"
        );
    }

    #[test]
    fn octet_stream_says_nothing_whatever_its_parameters() {
        for declared in [
            "application/octet-stream",
            "Application/Octet-Stream; charset=binary",
        ] {
            assert!(MediaType::parse(declared).unwrap().is_octet_stream());
            assert_eq!(decide(declared, "a.txt", b"text"), "text/plain");
        }
        assert!(!MediaType::parse("text/plain").unwrap().is_octet_stream());
    }

    #[test]
    fn a_declared_type_without_its_signature_is_only_bytes() {
        assert_eq!(
            decide("application/pdf", "a.pdf", b"not a pdf"),
            "application/octet-stream"
        );
        assert_eq!(
            decide("image/png", "a.png", b"<html><script>"),
            "application/octet-stream"
        );
        assert_eq!(
            decide("image/png", "a.png", ZIPPED),
            "application/octet-stream"
        );
        assert_eq!(
            decide("", "a.pdf", b"not a pdf"),
            "application/octet-stream"
        );
        assert_eq!(
            decide("text/plain", "a.txt", b"\0\x01\x02"),
            "application/octet-stream"
        );
        assert_eq!(
            decide(DOCX, "a.docx", b"not a zip"),
            "application/octet-stream"
        );
    }

    #[test]
    fn containers_and_text_never_override_a_declared_subtype() {
        assert_eq!(decide(DOCX, "a.docx", ZIPPED), DOCX);
        assert_eq!(
            decide("application/msword", "a.doc", OLED),
            "application/msword"
        );
        assert_eq!(decide("text/csv", "a.csv", b"a,b\n1,2\n"), "text/csv");
        assert_eq!(
            decide("application/json", "a.json", b"{}"),
            "application/json"
        );
        assert_eq!(
            decide("image/svg+xml", "a.svg", b"<?xml version=\"1.0\"?><svg/>"),
            "image/svg+xml"
        );
        assert_eq!(
            decide("text/plain; charset=UTF-8", "a.txt", b"<html>"),
            "text/plain; charset=utf-8"
        );
    }

    #[test]
    fn undeclared_bytes_go_by_signature_then_extension() {
        assert_eq!(decide("", "a.docx", ZIPPED), DOCX);
        assert_eq!(decide("", "a.zip", ZIPPED), "application/zip");
        assert_eq!(decide("", "notes.txt", "naïve".as_bytes()), "text/plain");
        assert_eq!(decide("", "a.csv", b"a,b"), "text/csv");
        assert_eq!(
            decide("", "unknown", b"\x01\x02"),
            "application/octet-stream"
        );
        assert_eq!(decide("", "empty.pdf", b""), "application/octet-stream");
    }

    #[test]
    fn aliases_are_the_same_type() {
        assert_eq!(
            decide("image/jpg", "a.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF"),
            "image/jpg"
        );
        assert!(MediaType::parse("image/jpg").unwrap().may_be_inline());
    }

    #[test]
    fn nothing_that_runs_scripts_is_inline() {
        for active in [
            "text/html",
            "image/svg+xml",
            "application/xml",
            "application/xhtml+xml",
            "text/javascript",
        ] {
            assert!(
                !MediaType::parse(active).unwrap().may_be_inline(),
                "{active}"
            );
        }
        assert!(
            MediaType::parse("Text/Plain; Charset=UTF-8")
                .unwrap()
                .may_be_inline()
        );
    }

    #[test]
    fn only_media_types_parse() {
        assert_eq!(
            MediaType::parse("Text/CSV;charset=UTF-8;x=y")
                .unwrap()
                .as_str(),
            "text/csv; charset=utf-8"
        );
        for wrong in ["", "pdf", "*/*", "image/*", "text/plain\r\nX: y", "a/b/c"] {
            assert!(MediaType::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_character_cut_by_the_window_is_still_text() {
        let mut text = vec![b'a'; SNIFF_BYTES - 1];
        text.extend("é".as_bytes());
        assert_eq!(decide("text/plain", "a.txt", &text), "text/plain");
    }
}
