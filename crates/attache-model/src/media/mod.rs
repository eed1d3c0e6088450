//! Media types: parsed, named canonically, and decided from bytes and declaration.

mod compound;
mod decide;
mod evidence;
mod iso;
mod names;
mod parse;
mod signatures;
mod sniff;
#[cfg(test)]
mod tests;
mod text;
mod zip;

use std::borrow::Cow;
use std::fmt;

use crate::InvalidValue;
use names::{all_names, canonical};
use signatures::SUBTYPES;

pub use evidence::TypeEvidence;

/// The maximum length of a media type, in bytes.
const TYPE_BYTES: usize = 127;

/// A media type such as `application/pdf` or `text/plain; charset=utf-8`; normalised to lower case,
/// at most 127 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaType(Cow<'static, str>);

/// The types that a browser may show inline. Each has a signature that was found in the bytes, or is
/// text that was checked to be text.
const INLINE: &[&str] = &[
    "application/pdf",
    "audio/aac",
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/plain",
    "video/mp4",
    "video/webm",
    "video/x-m4v",
];

impl MediaType {
    /// The type `application/octet-stream`: bytes of no known type.
    pub const OCTET_STREAM: Self = Self(Cow::Borrowed("application/octet-stream"));

    /// Parses a media type with optional parameters, of which only `charset` is kept. An alias stays as it
    /// is written: see [`names`](Self::names).
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is longer than 127 bytes, is no media type, or is a range such as
    /// `image/*`.
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
        let (essence, charset) = parse::essence_and_charset(text).ok_or_else(refused)?;
        Ok(Self::with_charset(&essence, charset.as_deref()))
    }

    /// Reads a type that was stored. One that earlier versions took, and that is none, reads as
    /// [`OCTET_STREAM`](Self::OCTET_STREAM).
    pub fn from_stored(text: &str) -> Self {
        Self::parse(text).unwrap_or(Self::OCTET_STREAM)
    }

    /// Creates a type with its charset, which is dropped if both together are too long.
    fn with_charset(essence: &str, charset: Option<&str>) -> Self {
        let written = charset.map(|charset| format!("{essence}; charset={charset}"));
        let written = written.filter(|written| written.len() <= TYPE_BYTES);
        Self(Cow::Owned(written.unwrap_or_else(|| essence.to_owned())))
    }

    /// Creates a type from its canonical name.
    fn known(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Returns the type without parameters.
    pub fn essence(&self) -> &str {
        self.0.split(';').next().unwrap_or_default().trim_end()
    }

    /// Returns `true` for [`OCTET_STREAM`](Self::OCTET_STREAM) with any parameters, which says nothing
    /// about the bytes.
    pub fn is_octet_stream(&self) -> bool {
        self.essence() == Self::OCTET_STREAM.essence()
    }

    /// Returns the charset; `None` if there is none.
    fn charset(&self) -> Option<&str> {
        self.0.split_once("; charset=").map(|(_, charset)| charset)
    }

    /// Returns all names of this type, without parameters. The first is canonical: records have it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        all_names(self.essence())
    }

    /// Returns `true` if both are the same type, under any names and with any parameters.
    pub fn is_same_type(&self, other: &Self) -> bool {
        canonical(self.essence()) == canonical(other.essence())
    }

    /// Returns `true` if every file of the other type has this type too: both are the same, or the other
    /// is a subtype, as HEIC is of HEIF, or made of it, as a docx is a zip.
    fn includes(&self, other: &Self) -> bool {
        let (name, other) = (canonical(self.essence()), canonical(other.essence()));
        name == other
            || decide::containers(other).contains(&name)
            || SUBTYPES
                .iter()
                .any(|(general, subtypes)| *general == name && subtypes.contains(&other))
    }

    /// Returns the type as it is written in a header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns `true` if a page of another site could run bytes of this type by including their URL.
    pub fn is_script(&self) -> bool {
        let subtype = self.essence().rsplit('/').next().unwrap_or_default();
        // Versions count too: `text/javascript1.5`.
        subtype.starts_with("javascript")
            || matches!(
                subtype,
                "x-javascript" | "ecmascript" | "x-ecmascript" | "jscript" | "livescript" | "wasm"
            )
    }

    /// Returns `true` if a browser may show bytes of this type inline. Everything else is a download, HTML,
    /// SVG and XML above all.
    pub fn may_be_inline(&self) -> bool {
        INLINE.contains(&canonical(self.essence()))
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
