//! Reads slots: the head, and the blob behind it, which is verified.

use std::io::IoSliceMut;
use std::os::fd::BorrowedFd;

use rustix::fs::SeekFrom;
use rustix::io::{Errno, ReadWriteFlags};
use sha2::{Digest as _, Sha256};

use super::place::offset_of;
use super::{HEAD_BYTES, SLOT_BYTES, SLOTS, head};
use crate::StoredBlob;

/// The bytes of a slot that were read.
#[derive(Debug)]
pub(crate) struct ReadSlot {
    pub(crate) bytes: Vec<u8>,
    /// False if they are not those that were stored.
    pub(crate) is_intact: bool,
}

/// Reads the head of a slot. `NOENT` if the slot is empty.
pub(crate) fn read_head(
    file: BorrowedFd<'_>,
    number: u16,
    flags: ReadWriteFlags,
) -> rustix::io::Result<StoredBlob> {
    let mut found = [0; HEAD_BYTES];
    let count = read_at(file, &mut found, offset_of(number), flags)?;
    head::decode(number, found.get(..count).unwrap_or_default()).ok_or(Errno::NOENT)
}

/// Reads the blob in a slot. `NOENT` if there is none.
pub(crate) fn read_slot(
    file: BorrowedFd<'_>,
    number: u16,
    flags: ReadWriteFlags,
) -> rustix::io::Result<ReadSlot> {
    let stored = read_head(file, number, flags)?;
    let mut bytes = vec![0; usize::try_from(stored.size_bytes).unwrap_or(0)];
    let begin = offset_of(number) + HEAD_BYTES as u64;
    let count = read_at(file, &mut bytes, begin, flags)?;
    // A read of cached pages alone may be short because the rest is on the disk.
    if count < bytes.len() && flags.contains(ReadWriteFlags::NOWAIT) {
        return Err(Errno::AGAIN);
    }
    let is_intact =
        count == bytes.len() && Sha256::digest(&bytes)[..] == stored.sha256.as_bytes()[..];
    Ok(ReadSlot { bytes, is_intact })
}

/// Returns the numbers of the slots with a blob, in order.
pub(crate) fn slots_in(file: BorrowedFd<'_>) -> rustix::io::Result<Vec<u16>> {
    let mut numbers = Vec::new();
    let mut next = 0;
    while next < SLOTS {
        // Most slots of most segments are in use; holes between them are skipped.
        let data = match rustix::fs::seek(file, SeekFrom::Data(offset_of(next))) {
            Ok(data) => data,
            Err(Errno::NXIO) => break,
            Err(errno) => return Err(errno),
        };
        let number = u16::try_from(data / SLOT_BYTES).unwrap_or(SLOTS).max(next);
        match read_head(file, number, ReadWriteFlags::empty()) {
            Ok(_) => numbers.push(number),
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
        next = number + 1;
    }
    Ok(numbers)
}

/// Reads until the buffer is full or the file ends.
fn read_at(
    file: BorrowedFd<'_>,
    buffer: &mut [u8],
    offset: u64,
    flags: ReadWriteFlags,
) -> rustix::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        let rest = buffer.get_mut(filled..).unwrap_or_default();
        let from = offset + filled as u64;
        let read = if flags.is_empty() {
            rustix::io::pread(file, rest, from)
        } else {
            rustix::io::preadv2(file, &mut [IoSliceMut::new(rest)], from, flags)
        };
        match read {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}
