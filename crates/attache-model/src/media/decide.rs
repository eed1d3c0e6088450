//! What a file is, of what its bytes say and what was declared.

use super::MediaType;
use super::names::{all_names, canonical};
use super::signatures::is_always_signed;
use super::sniff::{Found, OLE, ZIP, is_text, is_text_of_old, is_texty};

/// How many bytes from the start of a file are looked at, at most.
pub(super) const SNIFF_BYTES: usize = 8 * 1024;

/// What Windows with Excel declares a table in text to be, and what that is.
const EXCEL: &str = "application/vnd.ms-excel";
const CSV: &str = "text/csv";

impl MediaType {
    /// Decides a file's type.
    ///
    /// A signature found in the bytes decides, except that zip, OLE, XML and text never override a
    /// declared subtype (docx, csv, json), and that one which several types share (`WebM`, Ogg, MP4,
    /// TIFF) is of the declared one of them. A declared type whose signature is absent becomes
    /// [`OCTET_STREAM`](Self::OCTET_STREAM), but for text declared to be of Excel in a file named
    /// `.csv`: that is CSV. Where nothing useful is declared, the bytes decide, then the filename's
    /// extension.
    ///
    /// The answer has the name of its type that records have, whichever was declared, and a charset
    /// only where it is text.
    ///
    /// `head` is the beginning of the file, 8 KiB of it or the whole of a shorter file.
    pub fn decide(declared: Option<&Self>, filename: &str, head: &[u8]) -> Self {
        let head = &head[..head.len().min(SNIFF_BYTES)];
        let found = Found::in_bytes(head);
        match declared.filter(|declared| !declared.is_octet_stream()) {
            Some(declared) => confirm(declared, filename, &found, head),
            None => guess(filename, &found, head),
        }
    }

    /// Whether a file of this type will do where only `accepted` is taken. `declared` is what it was
    /// declared to be before [`decide`](Self::decide) said that it is this: a table in text that is
    /// declared to be of Excel is CSV, and is what it was declared to be as well.
    pub fn is_accepted(&self, declared: Option<&Self>, accepted: &[Self]) -> bool {
        let name = canonical(self.essence());
        let declared = declared.map(|declared| canonical(declared.essence()));
        let is_table_of_excel = name == CSV && declared == Some(EXCEL);
        accepted.iter().any(|accepted| {
            accepted.takes_in(self) || (is_table_of_excel && canonical(accepted.essence()) == EXCEL)
        })
    }

    /// The type under the name that records have for it.
    fn for_record(&self) -> Self {
        let name = canonical(self.essence());
        let charset = self.charset().filter(|charset| *charset != "binary");
        Self::with_charset(name, charset.filter(|_| has_charset(name)))
    }
}

fn confirm(declared: &MediaType, filename: &str, found: &Found, head: &[u8]) -> MediaType {
    if fits(declared, found, head) {
        return declared.for_record();
    }
    let name = canonical(declared.essence());
    match found {
        Found::Exact { name, .. } => MediaType::known(name),
        Found::Nothing if name == EXCEL && is_csv(filename, head) => MediaType::known(CSV),
        Found::Container(_) | Found::Nothing => MediaType::OCTET_STREAM,
    }
}

fn guess(filename: &str, found: &Found, head: &[u8]) -> MediaType {
    let by_extension = mime_guess::from_path(filename)
        .first_raw()
        .and_then(|guess| MediaType::parse(guess).ok())
        .filter(|guess| fits(guess, found, head))
        .map(|guess| guess.for_record());
    match found {
        // Where the bytes are the more exact, they are right.
        Found::Exact { name, .. } => by_extension
            .filter(|guess| !guess.takes_in(&MediaType::known(name)))
            .unwrap_or_else(|| MediaType::known(name)),
        Found::Container(container) => by_extension.unwrap_or_else(|| MediaType::known(container)),
        Found::Nothing => by_extension.unwrap_or(MediaType::OCTET_STREAM),
    }
}

/// Whether bytes in which `found` was found can be of this type: the signature is its own, or one it
/// shares, or it has none.
fn fits(declared: &MediaType, found: &Found, head: &[u8]) -> bool {
    let name = canonical(declared.essence());
    if name == "text/plain" && !is_text(head) {
        return false;
    }
    match found {
        Found::Exact {
            shared: Some(shared),
            ..
        } => shared.bears_out(name),
        Found::Exact {
            name: found,
            shared: None,
        } => name == *found,
        Found::Container(container) => match containers(name) {
            [] => name == *container || !is_signed(name),
            needed => needed.contains(container),
        },
        Found::Nothing => containers(name).is_empty() && !is_signed(name),
    }
}

/// The zip or OLE containers that files of this type can be, where they have to be one.
fn containers(name: &str) -> &'static [&'static str] {
    let is_office = name.starts_with("application/vnd.openxmlformats-officedocument.")
        || (name.starts_with("application/vnd.ms-") && name.ends_with(".macroenabled.12"));
    let is_zip = name.starts_with("application/vnd.oasis.opendocument.")
        || matches!(
            name,
            "application/epub+zip" | "application/java-archive" | ZIP
        );
    let is_ole = matches!(
        name,
        "application/msword" | "application/vnd.ms-powerpoint" | EXCEL
    );
    if is_office {
        // With a password they are OLE.
        &[ZIP, OLE]
    } else if is_zip {
        &[ZIP]
    } else if is_ole {
        &[OLE]
    } else {
        &[]
    }
}

/// Whether files of this type always have a signature, and one that is known here.
fn is_signed(name: &str) -> bool {
    !is_texty(name) && (is_always_signed(name) || all_names(name).any(infer::is_mime_supported))
}

/// Whether a charset says anything of a file of this type.
fn has_charset(name: &str) -> bool {
    is_texty(name)
        || name.ends_with("+json")
        || matches!(name, "application/json" | "application/yaml")
}

/// Whether it is named as a table in text, and can be one.
fn is_csv(filename: &str, head: &[u8]) -> bool {
    let extension = filename.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) && is_text_of_old(head)
}
