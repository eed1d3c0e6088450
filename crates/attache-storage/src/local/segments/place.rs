//! The place of a blob in a segment, as its key says it.

use attache_model::{BlobId, TenantId};

use super::{SLOT_BYTES, SLOTS};

/// The last directory of a segment's path. The service's other keys have two hex digits there.
const DIRECTORY: &str = "small";

/// The hex digits of a segment's name: those of a blob id.
const NAME_DIGITS: usize = 32;

/// The hex digits of a slot's number.
const NUMBER_DIGITS: usize = 4;

/// The path of a segment below `blobs`: `7/small/{32 hex digits}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentPath<'k>(&'k str);

impl<'k> SegmentPath<'k> {
    /// Returns the path if it is that of a segment.
    pub(crate) fn parse(path: &'k str) -> Option<Self> {
        let (directory, name) = path.rsplit_once('/')?;
        let is_segment = is_hex(name, NAME_DIGITS) && is_directory_of_segments(directory);
        is_segment.then_some(Self(path))
    }

    pub(crate) fn as_str(self) -> &'k str {
        self.0
    }

    /// Returns the key of a slot.
    pub(crate) fn key_of(self, number: u16) -> String {
        format!("{}/{number:04x}", self.0)
    }
}

/// A slot of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotPlace<'k> {
    pub(crate) segment: SegmentPath<'k>,
    pub(crate) number: u16,
}

impl<'k> SlotPlace<'k> {
    /// Returns the slot that a key names; `None` of a blob that is a file of its own.
    pub(crate) fn of_key(key: &'k str) -> Option<Self> {
        let (segment, number) = key.rsplit_once('/')?;
        let segment = SegmentPath::parse(segment)?;
        let number =
            is_hex(number, NUMBER_DIGITS).then(|| u16::from_str_radix(number, 16).ok())??;
        (number < SLOTS).then_some(Self { segment, number })
    }
}

/// Returns the path of a new segment of a tenant.
pub(super) fn new_segment(tenant: TenantId, blob: BlobId) -> String {
    format!("{tenant}/{DIRECTORY}/{}", blob.as_uuid().simple())
}

/// Returns the first byte of a slot.
pub(super) fn offset_of(number: u16) -> u64 {
    u64::from(number) * SLOT_BYTES
}

fn is_directory_of_segments(path: &str) -> bool {
    path.rsplit_once('/')
        .is_some_and(|(_, last)| last == DIRECTORY)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: &str = "7/small/0190163d8694739baea5966c26f8ad91";

    #[test]
    fn keys_of_slots_are_told_from_others() {
        let segment = SegmentPath::parse(SEGMENT).unwrap();
        for number in [0, 1, 0xab, SLOTS - 1] {
            let key = segment.key_of(number);
            assert_eq!(SlotPlace::of_key(&key), Some(SlotPlace { segment, number }));
        }
        for other in [
            "7/91/0190163d-8694-739b-aea5-966c26f8ad91",
            "small/0190163d8694739baea5966c26f8ad91/0000",
            "7/small/0190163d8694739baea5966c26f8ad91",
            "7/small/0190163d8694739baea5966c26f8ad91/400",
            "7/small/0190163d8694739baea5966c26f8ad91/0400",
            "7/small/0190163d8694739baea5966c26f8ad91/00AB",
            "7/small/0190163d8694739baea5966c26f8ad91/+001",
            "7/small/0190163d8694739baea5966c26f8ad9/0000",
            "7/large/0190163d8694739baea5966c26f8ad91/0000",
            "7/small/0190163d8694739baea5966c26f8ad91/0000/0000",
        ] {
            assert_eq!(SlotPlace::of_key(other), None, "{other}");
        }
    }

    #[test]
    fn key_below_prefix_names_the_slot_too() {
        let key = format!("prefix/{SEGMENT}/000f");
        let place = SlotPlace::of_key(&key).unwrap();
        assert_eq!(place.segment.as_str(), format!("prefix/{SEGMENT}"));
        assert_eq!(place.number, 15);
    }
}
