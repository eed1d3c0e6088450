//! External names: checked once, here. They are data, never a path, a storage key or a header.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::InvalidValue;

/// The maximum length of a filename or display name, in bytes of UTF-8.
const NAME_BYTES: usize = 255;

/// The maximum length of a path whose last segment is a filename, in bytes: that of a path on Linux.
const PATH_BYTES: usize = 4096;

/// Matches Unicode's bidirectional embeddings, overrides and isolates, which can make `exe.fdp` read as
/// `pdf.exe`. The marks U+200E, U+200F and U+061C are none of them: they turn no letter around, and
/// systems that write from right to left insert them by themselves.
const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn check_characters(what: &'static str, text: &str, allowed: &[char]) -> Result<(), InvalidValue> {
    let bad = text
        .chars()
        .find(|c| (c.is_control() || is_bidi_control(*c)) && !allowed.contains(c));
    match bad {
        None => Ok(()),
        Some(c) => Err(InvalidValue::new(
            what,
            format!(
                "has the control character U+{:04X}, which is not allowed",
                u32::from(c)
            ),
        )),
    }
}

fn check_length(what: &'static str, text: &str, max_bytes: usize) -> Result<(), InvalidValue> {
    if text.is_empty() {
        return Err(InvalidValue::new(what, "is empty"));
    }
    if text.len() > max_bytes {
        return Err(InvalidValue::new(
            what,
            format!(
                "is {} bytes long, more than the {max_bytes} allowed",
                text.len()
            ),
        ));
    }
    Ok(())
}

/// Refuses texts that are empty, too long, or have control characters.
pub(crate) fn check_text(what: &'static str, text: &str, max: usize) -> Result<(), InvalidValue> {
    check_length(what, text, max)?;
    check_characters(what, text, &[])
}

/// Normalises a name to NFC and checks it. Texts that cannot become short enough are refused before
/// they are normalised.
pub(crate) fn normalised(
    what: &'static str,
    text: &str,
    max_bytes: usize,
) -> Result<String, InvalidValue> {
    // NFC shortens a text to a third of its bytes at most.
    let name = if text.len() > 4 * max_bytes {
        text.to_owned()
    } else {
        to_nfc(text)
    };
    check_text(what, &name, max_bytes)?;
    Ok(name)
}

/// Converts text to Unicode NFC, the form in which all names are kept. A text that is compared with names
/// has to be converted first.
pub fn to_nfc(text: &str) -> String {
    text.nfc().collect()
}

fn is_slug(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 64
        && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                Self::parse(text)
            }
        }
    };
}

text_type!(
    /// A file's own name: one path segment in Unicode NFC, 1 to 255 bytes, no control or
    /// bidirectional control characters.
    Filename
);

impl Filename {
    /// Takes the last segment of the text (`/` and `\` both separate), normalises it to NFC and checks it.
    /// Nothing else is changed.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is longer than 4096 bytes, or has no valid last segment.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        check_length("filename", text, PATH_BYTES)?;
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = normalised("filename", last, NAME_BYTES)?;
        if name == "." || name == ".." {
            return Err(InvalidValue::new(
                "filename",
                "is a path (`.` or `..`), not a name",
            ));
        }
        Ok(Self(name))
    }

    /// Returns the text after the last dot; `None` if there is no dot, or nothing on one side of it.
    pub fn extension(&self) -> Option<&str> {
        let (stem, extension) = self.0.rsplit_once('.')?;
        (!stem.is_empty() && !extension.is_empty()).then_some(extension)
    }
}

text_type!(
    /// The display name of a record: Unicode NFC, 1 to 255 bytes, no control or
    /// bidirectional control characters.
    DisplayName
);

impl DisplayName {
    /// Normalises the text to NFC and checks it.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is empty, longer than 255 bytes, or has control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        normalised("name", text, NAME_BYTES).map(Self)
    }
}

impl From<&Filename> for DisplayName {
    /// Uses the filename of a record that has no display name of its own.
    fn from(filename: &Filename) -> Self {
        Self(filename.0.clone())
    }
}

text_type!(
    /// The name by which an authenticator knows a principal, such as the `sub` of a token: 1 to 255 bytes
    /// without control characters, unique per tenant.
    PrincipalSubject
);

impl PrincipalSubject {
    /// Parses a subject.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is empty, longer than 255 bytes, or has control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        check_length("subject", text, 255)?;
        check_characters("subject", text, &[])?;
        Ok(Self(text.to_owned()))
    }
}

text_type!(
    /// A free text about a file: 1 to 4096 bytes, without control characters other than tabs and line
    /// breaks.
    Description
);

impl Description {
    /// Parses a description.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is empty, longer than 4096 bytes, or has other control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        check_length("description", text, 4096)?;
        check_characters("description", text, &['\n', '\r', '\t'])?;
        Ok(Self(text.to_owned()))
    }
}

text_type!(
    /// The category of a file: a slug such as `images` or `workout-videos`.
    Category
);

impl Category {
    /// Parses a category: an ASCII letter or digit, then up to 63 more of those, `.`, `_` or `-`.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is not such a slug.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        if is_slug(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidValue::new(
            "category",
            "is not 1 to 64 of A-Z a-z 0-9 . _ - beginning with a letter or digit",
        ))
    }
}

text_type!(
    /// The name of a tenant in URLs and on the command line.
    TenantSlug
);

impl TenantSlug {
    /// Parses a slug: an ASCII letter or digit, then up to 63 more of those, `.`, `_` or `-`.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is not such a slug.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        if is_slug(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidValue::new(
            "tenant",
            "is not 1 to 64 of A-Z a-z 0-9 . _ - beginning with a letter or digit",
        ))
    }
}

text_type!(
    /// The identifier of a person, chosen by the tenant: Unicode NFC, 1 to 256 bytes without control
    /// characters, and not `.` or `..`, which a URL cannot carry as a segment.
    PersonIdentifier
);

impl PersonIdentifier {
    /// Normalises an identifier to NFC and checks it. Nothing else is changed.
    ///
    /// # Errors
    ///
    /// Returns an error if `text` is empty, longer than 256 bytes, has control characters, or is `.` or `..`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let identifier = normalised("person", text, 256)?;
        if identifier == "." || identifier == ".." {
            return Err(InvalidValue::new(
                "person",
                "is `.` or `..`, which a URL cannot carry",
            ));
        }
        Ok(Self(identifier))
    }

    /// Returns the identifier in Unicode NFD, as one may have been stored before they were normalised.
    pub fn decomposed(&self) -> String {
        self.0.nfd().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn filename_is_the_last_segment_in_nfc() {
        for (sent, kept) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\scans\\a.pdf", "a.pdf"),
            ("re\u{0301}sume\u{0301}.pdf", "r\u{e9}sum\u{e9}.pdf"),
            ("中文 \"2\" 100%.pdf", "中文 \"2\" 100%.pdf"),
            (" leading and trailing ", " leading and trailing "),
            ("\u{200f}\u{5e7}.pdf\u{200e}", "\u{200f}\u{5e7}.pdf\u{200e}"),
            ("\u{61c}\u{645}.pdf", "\u{61c}\u{645}.pdf"),
        ] {
            assert_eq!(Filename::parse(sent).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn hostile_filenames_are_refused() {
        for sent in [
            "",
            "a/",
            "..",
            "a/..",
            "a\0b",
            "a\nb",
            "gpj\u{202e}fdp.exe",
            "\u{202a}x",
            "\u{202b}x",
            "\u{202c}x",
            "\u{202d}x",
            "\u{2066}x",
            "\u{2067}x",
            "\u{2068}x",
            "x\u{2069}",
            "a\u{7f}",
        ] {
            assert!(Filename::parse(sent).is_err(), "{sent:?}");
        }
        assert!(Filename::parse(&"é".repeat(127)).is_ok());
        assert!(Filename::parse(&"é".repeat(128)).is_err());
    }

    #[test]
    fn every_name_is_kept_in_nfc() {
        let (sent, kept) = ("Jose\u{301} \u{1112}\u{1161}\u{11ab}", "Jos\u{e9} \u{d55c}");
        assert_eq!(Filename::parse(sent).unwrap().as_str(), kept);
        assert_eq!(DisplayName::parse(sent).unwrap().as_str(), kept);
        assert_eq!(PersonIdentifier::parse(sent).unwrap().as_str(), kept);
        assert_eq!(crate::Holder::parse(sent).unwrap().as_str(), kept);
        // 256 bytes, but 384 as they were sent.
        let long = "e\u{301}".repeat(128);
        assert!(PersonIdentifier::parse(&long).is_ok());
        assert!(PersonIdentifier::parse(&format!("{long}a")).is_err());
    }

    #[test]
    fn extension_needs_text_on_both_sides() {
        let of = |name| {
            Filename::parse(name)
                .unwrap()
                .extension()
                .map(str::to_owned)
        };
        assert_eq!(of("a.tar.gz").as_deref(), Some("gz"));
        assert_eq!(of(".bashrc"), None);
        assert_eq!(of("a."), None);
    }

    #[test]
    fn slugs_begin_with_a_letter_or_digit() {
        assert!(Category::parse("workout-videos").is_ok());
        assert!(TenantSlug::parse(&"a".repeat(64)).is_ok());
        for wrong in ["", "-a", "a/b", "ä", " a", &"a".repeat(65)] {
            assert!(Category::parse(wrong).is_err(), "{wrong}");
            assert!(TenantSlug::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn filename_parses_to_itself(text in "\\PC{0,80}") {
            if let Ok(name) = Filename::parse(&text) {
                prop_assert!(!name.as_str().contains(['/', '\\']));
                prop_assert_eq!(Filename::parse(name.as_str()).unwrap(), name);
            }
        }
    }
}
