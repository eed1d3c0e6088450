//! Documents that are compound files (OLE), by the entries of their directory.

/// The offset in the header of the number of the directory's first sector.
const DIRECTORY_AT: usize = 48;

/// The length of a directory entry.
const ENTRY_BYTES: usize = 128;

/// The streams that only one type has.
const STREAMS: [(&str, &str); 8] = [
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("Current User", "application/vnd.ms-powerpoint"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("__nameid_version1.0", "application/vnd.ms-outlook"),
    ("VisioDocument", "application/vnd.visio"),
];

/// Returns the type of a document whose directory is in the head; `None` for any other compound file, of
/// which encrypted documents are some.
pub(super) fn kind(head: &[u8]) -> Option<&'static str> {
    let number = |at: usize| Some(u16::from_le_bytes(*head.get(at..)?.first_chunk()?));
    let sector_bytes = 1_usize.checked_shl(u32::from(number(30)?))?;
    let first = u32::from_le_bytes(*head.get(DIRECTORY_AT..)?.first_chunk()?);
    let directory_at = usize::try_from(first)
        .ok()?
        .checked_add(1)?
        .checked_mul(sector_bytes)?;
    let directory = head.get(directory_at..)?;
    let directory = &directory[..directory.len().min(sector_bytes)];
    directory
        .chunks_exact(ENTRY_BYTES)
        .filter_map(name_of)
        .find_map(|name| STREAMS.iter().find(|(stream, _)| *stream == name))
        .map(|(_, kind)| *kind)
}

/// Returns the name of an entry: UTF-16 with a final zero, its length in bytes at 64.
fn name_of(entry: &[u8]) -> Option<String> {
    let length = usize::from(u16::from_le_bytes([entry[64], entry[65]]));
    let name = entry.get(..length.checked_sub(2)?.min(64))?;
    let (units, _) = name.as_chunks::<2>();
    String::from_utf16(
        &units
            .iter()
            .map(|it| u16::from_le_bytes(*it))
            .collect::<Vec<_>>(),
    )
    .ok()
}
