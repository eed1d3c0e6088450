//! Documents that are zips, by the names of their first members.

/// The types that a member named `mimetype`, the first and uncompressed, gives by its content.
const BY_CONTENT: [&str; 5] = [
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.graphics",
    "application/epub+zip",
];

/// Returns the type of a document; `None` for any other zip.
pub(super) fn kind(head: &[u8]) -> Option<&'static str> {
    let mut is_package = false;
    let mut part = None;
    for (name, content) in members(head) {
        match name {
            b"mimetype" => return by_content(content),
            b"[Content_Types].xml" | b"_rels/.rels" => is_package = true,
            b"META-INF/MANIFEST.MF" | b"META-INF/" => return Some("application/java-archive"),
            _ => part = part.or_else(|| by_folder(name)),
        }
        if is_package && part.is_some() {
            return part;
        }
    }
    None
}

/// Returns the type by the folder of a member of an Office Open XML package.
fn by_folder(name: &[u8]) -> Option<&'static str> {
    if name.starts_with(b"word/") {
        Some("application/vnd.openxmlformats-officedocument.wordprocessingml.document")
    } else if name.starts_with(b"xl/") {
        Some("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    } else if name.starts_with(b"ppt/") {
        Some("application/vnd.openxmlformats-officedocument.presentationml.presentation")
    } else {
        None
    }
}

/// Returns the type that the content begins with. A template is told by its declaration only.
fn by_content(content: &[u8]) -> Option<&'static str> {
    let mut longest_first = BY_CONTENT;
    longest_first.sort_by_key(|name| std::cmp::Reverse(name.len()));
    longest_first
        .into_iter()
        .find(|name| content.starts_with(name.as_bytes()))
}

/// Returns the members whose local headers are in the head, each with the bytes behind its name.
///
/// The size of a member may be told only behind its content, so each header is searched for.
fn members(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    memchr::memmem::find_iter(head, b"PK\x03\x04").filter_map(|at| {
        let header = head.get(at..at + 30)?;
        let length = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let name = head.get(at + 30..at + 30 + length(26))?;
        let content = head.get(at + 30 + length(26) + length(28)..)?;
        Some((name, content))
    })
}
