//! The head of a slot: what the blob behind it is. It is written last, so a slot without one is empty.

use attache_model::Sha256Digest;
use sha2::{Digest as _, Sha256};

use super::{CAPACITY_BYTES, HEAD_BYTES};
use crate::StoredBlob;

const MAGIC: &[u8; 8] = b"attslot1";

/// The bytes that the check at the end of the head covers: the magic, the size, the number of the slot, and
/// the digest of the blob.
const CHECKED_BYTES: usize = 48;

/// Writes the head of a slot.
pub(super) fn encode(number: u16, blob: StoredBlob) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    let mut rest = head.as_mut_slice();
    for part in [
        MAGIC.as_slice(),
        &u32::try_from(blob.size_bytes)
            .unwrap_or(u32::MAX)
            .to_le_bytes(),
        &u32::from(number).to_le_bytes(),
        blob.sha256.as_bytes(),
    ] {
        let (here, after) = rest.split_at_mut(part.len());
        here.copy_from_slice(part);
        rest = after;
    }
    let check = check(&head);
    head[CHECKED_BYTES..].copy_from_slice(&check);
    head
}

/// Reads the head of a slot. `None` if there is none: the slot is empty, or was never completed.
pub(super) fn decode(number: u16, head: &[u8]) -> Option<StoredBlob> {
    let head: &[u8; HEAD_BYTES] = head.try_into().ok()?;
    let (magic, rest) = head.split_first_chunk::<8>()?;
    let (size_bytes, rest) = rest.split_first_chunk::<4>()?;
    let (found_number, rest) = rest.split_first_chunk::<4>()?;
    let (sha256, found_check) = rest.split_first_chunk::<32>()?;
    let size_bytes = u64::from(u32::from_le_bytes(*size_bytes));
    let is_whole = magic == MAGIC
        && u32::from_le_bytes(*found_number) == u32::from(number)
        && size_bytes <= CAPACITY_BYTES
        && found_check == check(head);
    is_whole.then(|| StoredBlob {
        size_bytes,
        sha256: Sha256Digest::from_bytes(*sha256),
    })
}

/// Returns the first bytes of the digest of the head before them.
fn check(head: &[u8; HEAD_BYTES]) -> [u8; HEAD_BYTES - CHECKED_BYTES] {
    let digest = Sha256::digest(&head[..CHECKED_BYTES]);
    let mut check = [0; HEAD_BYTES - CHECKED_BYTES];
    let length = check.len();
    check.copy_from_slice(&digest[..length]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob() -> StoredBlob {
        StoredBlob {
            size_bytes: 4096,
            sha256: Sha256Digest::from_bytes([7; 32]),
        }
    }

    #[test]
    fn head_is_read_as_written() {
        assert_eq!(decode(3, &encode(3, blob())), Some(blob()));
    }

    #[test]
    fn damaged_head_is_none() {
        let head = encode(3, blob());
        for at in 0..HEAD_BYTES {
            let mut damaged = head;
            damaged[at] ^= 1;
            assert_eq!(decode(3, &damaged), None, "byte {at}");
        }
        assert_eq!(decode(4, &head), None, "of another slot");
        assert_eq!(decode(3, &head[..63]), None);
        assert_eq!(decode(3, &[0; HEAD_BYTES]), None);
    }
}
