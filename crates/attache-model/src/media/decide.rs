//! The decision on a file's type, from its bytes, its declared type and its name.

use super::MediaType;
use super::evidence::TypeEvidence;
use super::names::canonical;
use super::signatures::{Strength, is_always_signed, is_known};
use super::sniff::{Evidence, OLE, ZIP};
use super::text::{has_charset, is_text_type, needs_charset};

/// The type that Windows with Excel sends for CSV.
const EXCEL: &str = "application/vnd.ms-excel";
const CSV: &str = "text/csv";

impl TypeEvidence {
    /// Decides the type by the bytes so far, by the rules of [`MediaType::decide`].
    pub fn decide(&self, declared: Option<&MediaType>, filename: &str) -> MediaType {
        let (head, is_utf8) = self.parts();
        decide(declared, filename, head, is_utf8)
    }
}

impl MediaType {
    /// Decides a file's type.
    ///
    /// `bytes` are all of the file; [`TypeEvidence`] decides for one that passes by in chunks. The rules, in
    /// order:
    ///
    /// - A strong signature in the bytes decides, and leaves a choice only among the types that share it
    ///   (`WebM`, Ogg, MP4, TIFF). A container (zip, OLE, gzip, DER) overrides only a type that has a signature
    ///   of its own, and a weak signature none. Text never overrides another kind of text.
    /// - A declared type stays if the bytes allow it: a kind of text unless they are binary, another one
    ///   unless it always has a signature that they lack.
    /// - Otherwise the filename's extension decides in the same way, then the bytes alone. So a wrong
    ///   declaration is never worse than none.
    ///
    /// The result has the canonical name of its type, and a charset only if it is text: the declared one, or
    /// UTF-8 where the bytes are, beyond ASCII, and readers would assume another.
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
    pub fn decide(declared: Option<&Self>, filename: &str, bytes: &[u8]) -> Self {
        let mut evidence = TypeEvidence::default();
        evidence.observe(bytes);
        evidence.decide(declared, filename)
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
    fn for_record(&self, is_utf8: bool) -> Self {
        let name = canonical(self.essence());
        let declared = self.charset().filter(|charset| *charset != "binary");
        let charset = declared.or((is_utf8 && needs_charset(name)).then_some("utf-8"));
        Self::with_charset(name, charset.filter(|_| has_charset(name)))
    }
}

/// Decides by the first bytes; `is_utf8` is true if all of the file is UTF-8, and not only ASCII.
fn decide(declared: Option<&MediaType>, filename: &str, head: &[u8], is_utf8: bool) -> MediaType {
    let evidence = Evidence::of(head);
    let declared = declared.filter(|declared| !declared.is_octet_stream());
    match declared.filter(|declared| fits(declared, &evidence)) {
        Some(declared) => declared.for_record(is_utf8),
        None => guess(filename, &evidence).for_record(is_utf8),
    }
}

fn guess(filename: &str, evidence: &Evidence<'_>) -> MediaType {
    let by_extension = by_extension(filename).filter(|guess| fits(guess, evidence));
    let Some(found) = evidence.found else {
        let by_markup = || evidence.markup().map(MediaType::known);
        return by_extension
            .or_else(by_markup)
            .unwrap_or(MediaType::OCTET_STREAM);
    };
    let found_type = MediaType::known(found.name);
    match found.strength {
        // The more specific of the two wins.
        Strength::Strong => by_extension.filter(|guess| !guess.includes(&found_type)),
        Strength::Container | Strength::Weak => by_extension,
    }
    .unwrap_or(found_type)
}

/// The types of extensions that `mime_guess` does not know.
const EXTENSIONS: [(&str, &str); 16] = [
    ("amr", "audio/amr"),
    ("bw64", "audio/wav"),
    ("dcm", "application/dicom"),
    ("hl7", "application/hl7-v2"),
    ("jsonl", "application/x-ndjson"),
    ("jxr", "image/jxr"),
    ("lz4", "application/x-lz4"),
    ("mdb", "application/vnd.ms-access"),
    ("ndjson", "application/x-ndjson"),
    ("opus", "audio/opus"),
    ("psd", "image/vnd.adobe.photoshop"),
    ("rf64", "audio/wav"),
    ("sqlite", "application/vnd.sqlite3"),
    ("tnef", "application/ms-tnef"),
    ("vsdx", "application/vnd.ms-visio.drawing"),
    ("zst", "application/zstd"),
];

fn by_extension(filename: &str) -> Option<MediaType> {
    let (_, extension) = filename.rsplit_once('.')?;
    let known = EXTENSIONS
        .iter()
        .find(|(known, _)| extension.eq_ignore_ascii_case(known));
    let name = known.map(|(_, name)| *name);
    let name = name.or_else(|| mime_guess::from_path(filename).first_raw())?;
    // `mime_guess` lists programs as bytes of no known type.
    MediaType::parse(name)
        .ok()
        .filter(|guess| !guess.is_octet_stream())
}

/// Returns `true` if bytes with this evidence can have the type.
fn fits(declared: &MediaType, evidence: &Evidence<'_>) -> bool {
    let name = canonical(declared.essence());
    let is_text = is_text_type(name);
    if is_text && !evidence.may_be_text(declared.charset()) {
        return false;
    }
    let needed = containers(name);
    let needs_proof = !needed.is_empty() || (!is_text && is_always_signed(name));
    if evidence.bears_out(name) {
        return true;
    }
    match evidence.found.map(|found| (found, found.strength)) {
        Some((_, Strength::Strong)) => false,
        Some((found, Strength::Container)) => {
            // What is in the container is known, unless it is just any.
            let is_open = matches!(found.name, ZIP | OLE) || !is_known(name);
            let is_needed = evidence.container().is_some_and(|it| needed.contains(&it));
            !needs_proof || (is_open && is_needed)
        }
        Some((_, Strength::Weak)) | None => !needs_proof,
    }
}

/// Returns the zip or OLE containers, one of which files of this type have to be; empty for others.
pub(super) fn containers(name: &str) -> &'static [&'static str] {
    let is_office = name.starts_with("application/vnd.openxmlformats-officedocument.")
        || (name.starts_with("application/vnd.ms-") && name.ends_with(".macroenabled.12"));
    let is_zip = name.starts_with("application/vnd.oasis.opendocument.")
        || matches!(
            name,
            "application/epub+zip"
                | "application/java-archive"
                | "application/vnd.android.package-archive"
                | "application/vnd.ms-visio.drawing"
                | ZIP
        );
    let is_ole = matches!(
        name,
        "application/msword"
            | "application/vnd.ms-outlook"
            | "application/vnd.ms-powerpoint"
            | "application/vnd.ms-project"
            | "application/vnd.ms-publisher"
            | "application/vnd.visio"
            | "application/x-msi"
            | EXCEL
            | OLE
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
