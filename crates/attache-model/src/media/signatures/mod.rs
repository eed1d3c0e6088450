//! The table of signatures: the bytes that files of a type begin with, and how much they prove.
//!
//! If several rows fit, the first one counts: more specific rows stand before more general ones.

mod data;
mod documents;
mod recordings;

/// The power of a signature over what was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    /// The bytes are of this type, or of one that shares the signature, whatever was declared.
    Strong,
    /// Many types are made of this one: a declared type that has no signature of its own stays.
    Container,
    /// Too short to prove anything: it bears out a type that was declared or named, and loses to text.
    Weak,
}

/// Bytes at an offset.
pub(super) type Piece = (usize, &'static [u8]);

/// A signature, and the types that have it. Names are canonical.
#[derive(Debug)]
pub(super) struct Signature {
    /// The type of the bytes, unless one of the others is declared.
    pub(super) name: &'static str,
    /// The alternatives, each of pieces that must all be there. Empty for a signature that only a
    /// [reader](super::sniff) can see.
    magic: &'static [&'static [Piece]],
    pub(super) strength: Strength,
    /// True if a file may be text from end to end and still have this signature.
    pub(super) is_text: bool,
    /// True if files of this type may lack the signature: a declared one stays without it.
    is_optional: bool,
    /// Other types with this signature, whose files always have a signature that is known here.
    pub(super) also: &'static [&'static str],
    /// Other types with this signature, whose files may also have another one, or none.
    pub(super) sometimes: &'static [&'static str],
}

impl Signature {
    const fn new(name: &'static str, magic: &'static [&'static [Piece]]) -> Self {
        Self {
            name,
            magic,
            strength: Strength::Strong,
            is_text: false,
            is_optional: false,
            also: &[],
            sometimes: &[],
        }
    }

    const fn weak(mut self) -> Self {
        self.strength = Strength::Weak;
        self
    }

    const fn container(mut self) -> Self {
        self.strength = Strength::Container;
        self
    }

    const fn in_text(mut self) -> Self {
        self.is_text = true;
        self
    }

    const fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    const fn also(mut self, names: &'static [&'static str]) -> Self {
        self.also = names;
        self
    }

    const fn sometimes(mut self, names: &'static [&'static str]) -> Self {
        self.sometimes = names;
        self
    }

    /// Returns the first signature with this name.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        all().find(|signature| signature.name == name)
    }

    /// Returns the first signature that the bytes have.
    pub(super) fn in_bytes(head: &[u8]) -> Option<&'static Self> {
        let has =
            |(offset, bytes): &Piece| head.get(*offset..).is_some_and(|it| it.starts_with(bytes));
        all().find(|signature| {
            let mut alternatives = signature.magic.iter();
            alternatives.any(|pieces| pieces.iter().all(has))
        })
    }

    /// Returns `true` if a file with this signature can have this type.
    pub(super) fn allows(&self, name: &str) -> bool {
        name == self.name || self.also.contains(&name) || self.sometimes.contains(&name)
    }
}

const TABLES: [&[Signature]; 3] = [
    documents::SIGNATURES,
    recordings::SIGNATURES,
    data::SIGNATURES,
];

/// Returns every signature, in order.
pub(super) fn all() -> impl Iterator<Item = &'static Signature> {
    TABLES.into_iter().flatten()
}

/// Returns `true` if every file of this type has a signature that is known here.
pub(super) fn is_always_signed(name: &str) -> bool {
    let mut rows = all()
        .filter(|row| row.name == name || row.also.contains(&name))
        .peekable();
    rows.peek().is_some() && rows.all(|row| !row.is_optional)
}

/// Returns `true` if this type is in the table.
pub(super) fn is_known(name: &str) -> bool {
    all().any(|row| row.allows(name))
}

/// General types and their subtypes, which are accepted where the general type is.
pub(super) const SUBTYPES: &[(&str, &[&str])] = &[
    ("application/pkcs7-mime", &["application/cms"]),
    ("audio/ogg", &["audio/opus"]),
    ("font/sfnt", &["font/otf", "font/ttf"]),
    ("image/heif", &["image/heic"]),
    ("image/heif-sequence", &["image/heic-sequence"]),
];
