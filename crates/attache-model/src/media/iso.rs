//! ISO base media files, by their brands: MP4, `QuickTime`, 3GP, HEIF, AVIF, CR3.

/// Returns the type of a file whose first box names its brands.
pub(super) fn kind(head: &[u8]) -> Option<&'static str> {
    let size = head.first_chunk().map(|size| u32::from_be_bytes(*size))?;
    let end = usize::try_from(size).unwrap_or(usize::MAX).min(head.len());
    let others = head.get(16..end).unwrap_or_default();
    let has = |brands: &[&[u8; 4]]| {
        others
            .chunks_exact(4)
            .any(|other| brands.iter().any(|brand| other == *brand))
    };
    match head.get(8..12)? {
        b"heic" | b"heix" | b"heim" | b"heis" => Some("image/heic"),
        b"hevc" | b"hevx" | b"hevm" | b"hevs" => Some("image/heic-sequence"),
        b"avif" | b"avis" => Some("image/avif"),
        b"mif1" | b"mif2" | b"msf1" | b"miaf" => Some(if has(&[b"heic", b"heix"]) {
            "image/heic"
        } else if has(&[b"hevc", b"hevx"]) {
            "image/heic-sequence"
        } else if has(&[b"avif", b"avis"]) {
            "image/avif"
        } else {
            "image/heif"
        }),
        b"crx " => Some("image/x-canon-cr3"),
        b"qt  " => Some("video/quicktime"),
        [b'M', b'4', b'A' | b'B' | b'P', _] => Some("audio/mp4"),
        [b'M', b'4', b'V', _] => Some("video/x-m4v"),
        [b'3', b'g', b'2', _] => Some("video/3gpp2"),
        [b'3', b'g', _, _] => Some("video/3gpp"),
        brand if is_mp4_brand(brand) => Some("video/mp4"),
        _ if has(&[b"avif", b"avis"]) => Some("image/avif"),
        _ if others.chunks_exact(4).any(is_mp4_brand) => Some("video/mp4"),
        _ => None,
    }
}

/// Returns `true` for a `QuickTime` film from before brands: its first boxes are known ones.
pub(super) fn is_old_quicktime(head: &[u8]) -> bool {
    let boxes: [&[u8; 4]; 5] = [b"moov", b"mdat", b"wide", b"free", b"pnot"];
    let Some((size, rest)) = head.split_first_chunk() else {
        return false;
    };
    let size = usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX);
    let name: Option<&[u8; 4]> = rest.first_chunk();
    match name {
        Some(b"moov") => matches!(rest.get(8..12), Some(b"mvhd" | b"cmov" | b"rmra")),
        Some(b"mdat") => size >= 8 && rest.len() > 4,
        Some(b"wide" | b"free" | b"pnot") => {
            let next = head.get(size.saturating_add(4)..size.saturating_add(8));
            next.is_some_and(|next| boxes.iter().any(|name| next == *name))
        }
        _ => false,
    }
}

fn is_mp4_brand(brand: &[u8]) -> bool {
    matches!(
        brand,
        [b'i', b's', b'o', _]
            | [b'm', b'p', b'4' | b'7', _]
            | [b'c', b'm', b'f', _]
            | [b'N', b'D', _, _]
            | [b'F', b'4', b'V' | b'P', _]
            | b"av01"
            | b"avc1"
            | b"dash"
            | b"hev1"
            | b"hvc1"
            | b"mmp4"
            | b"msdh"
            | b"MSNV"
            | b"NSDC"
            | b"XAVC"
    )
}
