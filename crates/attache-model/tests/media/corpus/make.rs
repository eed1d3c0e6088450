//! Makers of containers.

/// Makes the beginning of a zip: local headers, each with a name and its stored content.
pub(super) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(0, members)
}

/// Makes a zip whose sizes are told behind the contents, as writers of streams do.
pub(super) fn streamed_zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_with(0x08, members)
}

fn zip_with(flags: u8, members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in members {
        let length = u32::try_from(content.len()).unwrap();
        let sizes = if flags == 0 { length } else { 0 };
        bytes.extend(b"PK\x03\x04\x14\0");
        bytes.extend([flags, 0, 0, 0, 0, 0, 0x21, 0x5c, 0, 0, 0, 0]);
        bytes.extend(sizes.to_le_bytes());
        bytes.extend(sizes.to_le_bytes());
        bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(name.as_bytes());
        bytes.extend(*content);
        if flags != 0 {
            bytes.extend(b"PK\x07\x08\0\0\0\0");
            bytes.extend(length.to_le_bytes());
            bytes.extend(length.to_le_bytes());
        }
    }
    bytes.extend(b"PK\x01\x02\x14\0\x14\0\0\0\0\0");
    bytes
}

/// Makes a compound file whose directory, with these streams, is in the sector `first`.
pub(super) fn compound(first: u32, streams: &[&str]) -> Vec<u8> {
    let mut bytes = vec![0; 512 * (usize::try_from(first).unwrap() + 1)];
    bytes[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    bytes[24..34].copy_from_slice(&[0x3e, 0, 3, 0, 0xfe, 0xff, 9, 0, 6, 0]);
    bytes[48..52].copy_from_slice(&first.to_le_bytes());
    for name in [&["Root Entry"], streams].concat() {
        let mut entry = [0; 128];
        for (at, unit) in name.encode_utf16().enumerate() {
            entry[2 * at..2 * at + 2].copy_from_slice(&unit.to_le_bytes());
        }
        entry[64] = u8::try_from(2 * name.len() + 2).unwrap();
        bytes.extend(entry);
    }
    bytes
}

/// Makes the first box of an ISO base media file, and the name of the next.
pub(super) fn iso(brands: &[&[u8; 4]]) -> Vec<u8> {
    let size = u32::try_from(12 + 4 * brands.len()).unwrap();
    let mut bytes = size.to_be_bytes().to_vec();
    bytes.extend(b"ftyp");
    bytes.extend(brands[0]);
    bytes.extend([0; 4]);
    bytes.extend(brands[1..].iter().copied().flatten());
    bytes.extend(b"\0\0\0\x10moov\0\0\0\x08free");
    bytes
}

/// Joins pieces.
pub(super) fn join(pieces: &[&[u8]]) -> Vec<u8> {
    pieces.concat()
}

/// Makes `length` zeros with bytes at an offset.
pub(super) fn at(offset: usize, piece: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; offset];
    bytes.extend(piece);
    bytes.extend([0; 64]);
    bytes
}
