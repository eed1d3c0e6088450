//! The decision on a file's type, from its bytes and its declared type.

use super::MediaType;
use super::names::{all_names, canonical};
use super::signatures::is_always_signed;
use super::sniff::{OLE, Sniffed, ZIP, is_single_byte_text, is_text, is_text_type};

/// The maximum number of leading bytes that are examined.
pub(super) const SNIFF_BYTES: usize = 8 * 1024;

/// The type that Windows with Excel sends for CSV.
const EXCEL: &str = "application/vnd.ms-excel";
const CSV: &str = "text/csv";

impl MediaType {
    /// Decides a file's type.
    ///
    /// `head` holds the first 8 KiB of the file, or all of a shorter file. The rules, in order:
    ///
    /// - A signature in the bytes decides. Exceptions: zip, OLE, XML and text never override a declared
    ///   subtype (docx, csv, json), and a signature that several types share (`WebM`, Ogg, MP4, TIFF)
    ///   leaves the choice among them to the declared type.
    /// - A declared type whose signature is absent becomes [`OCTET_STREAM`](Self::OCTET_STREAM).
    ///   Exception: text that is declared as Excel and named `.csv` is CSV.
    /// - Without a declared type, the bytes decide, then the filename's extension.
    ///
    /// The result has the canonical name of its type, and a charset only if it is text.
    ///
    /// ```
    /// use attache_model::MediaType;
    ///
    /// let declared = MediaType::parse("image/png")?;
    /// let pdf = MediaType::decide(Some(&declared), "scan.png", b"%PDF-1.7\n");
    /// assert_eq!(pdf.as_str(), "application/pdf");
    ///
    /// let unknown = MediaType::decide(Some(&declared), "scan.png", b"no picture");
    /// assert!(unknown.is_octet_stream());
    ///
    /// let csv = MediaType::decide(None, "table.csv", b"a,b\n");
    /// assert_eq!(csv.as_str(), "text/csv");
    /// # Ok::<(), attache_model::InvalidValue>(())
    /// ```
    pub fn decide(declared: Option<&Self>, filename: &str, head: &[u8]) -> Self {
        let head = &head[..head.len().min(SNIFF_BYTES)];
        let found = Sniffed::in_bytes(head);
        match declared.filter(|declared| !declared.is_octet_stream()) {
            Some(declared) => confirm(declared, filename, &found, head),
            None => guess(filename, &found, head),
        }
    }

    /// Returns `true` if a file of this type is acceptable where only `accepted` types are.
    ///
    /// `declared` is the type that was declared before [`decide`](Self::decide): a CSV file that was
    /// declared as Excel is accepted as either.
    pub fn is_accepted(&self, declared: Option<&Self>, accepted: &[Self]) -> bool {
        let name = canonical(self.essence());
        let declared = declared.map(|declared| canonical(declared.essence()));
        let is_csv_from_excel = name == CSV && declared == Some(EXCEL);
        accepted.iter().any(|accepted| {
            accepted.includes(self) || (is_csv_from_excel && canonical(accepted.essence()) == EXCEL)
        })
    }

    /// Returns the type under its canonical name.
    fn for_record(&self) -> Self {
        let name = canonical(self.essence());
        let charset = self.charset().filter(|charset| *charset != "binary");
        Self::with_charset(name, charset.filter(|_| has_charset(name)))
    }
}

fn confirm(declared: &MediaType, filename: &str, found: &Sniffed, head: &[u8]) -> MediaType {
    if fits(declared, found, head) {
        return declared.for_record();
    }
    let name = canonical(declared.essence());
    match found {
        Sniffed::Exact { name, .. } => MediaType::known(name),
        Sniffed::Nothing if name == EXCEL && is_csv(filename, head) => MediaType::known(CSV),
        Sniffed::Container(_) | Sniffed::Nothing => MediaType::OCTET_STREAM,
    }
}

fn guess(filename: &str, found: &Sniffed, head: &[u8]) -> MediaType {
    let by_extension = mime_guess::from_path(filename)
        .first_raw()
        .and_then(|guess| MediaType::parse(guess).ok())
        .filter(|guess| fits(guess, found, head))
        .map(|guess| guess.for_record());
    match found {
        // The more specific of the two wins.
        Sniffed::Exact { name, .. } => by_extension
            .filter(|guess| !guess.includes(&MediaType::known(name)))
            .unwrap_or_else(|| MediaType::known(name)),
        Sniffed::Container(container) => {
            by_extension.unwrap_or_else(|| MediaType::known(container))
        }
        Sniffed::Nothing => by_extension.unwrap_or(MediaType::OCTET_STREAM),
    }
}

/// Returns `true` if bytes with this signature can have the declared type: the signature is the type's
/// own, or one that it shares, or the type has none.
fn fits(declared: &MediaType, found: &Sniffed, head: &[u8]) -> bool {
    let name = canonical(declared.essence());
    if name == "text/plain" && !is_text(head) {
        return false;
    }
    match found {
        Sniffed::Exact {
            shared: Some(shared),
            ..
        } => shared.allows(name),
        Sniffed::Exact {
            name: found,
            shared: None,
        } => name == *found,
        Sniffed::Container(container) => match containers(name) {
            [] => name == *container || !is_signed(name),
            needed => needed.contains(container),
        },
        Sniffed::Nothing => containers(name).is_empty() && !is_signed(name),
    }
}

/// Returns the zip or OLE containers, one of which files of this type have to be; empty for others.
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
        // Encrypted documents are OLE.
        &[ZIP, OLE]
    } else if is_zip {
        &[ZIP]
    } else if is_ole {
        &[OLE]
    } else {
        &[]
    }
}

/// Returns `true` if files of this type always have a signature that is known here.
fn is_signed(name: &str) -> bool {
    !is_text_type(name) && (is_always_signed(name) || all_names(name).any(infer::is_mime_supported))
}

/// Returns `true` if a charset is meaningful for this type.
fn has_charset(name: &str) -> bool {
    is_text_type(name)
        || name.ends_with("+json")
        || matches!(name, "application/json" | "application/yaml")
}

/// Returns `true` if the filename and the bytes are those of a CSV file.
fn is_csv(filename: &str, head: &[u8]) -> bool {
    let extension = filename.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
        && is_single_byte_text(head)
}
