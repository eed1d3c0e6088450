//! The system calls whose failure matters most, behind a trait so that tests can make them fail.

use std::fmt;
use std::num::NonZeroU64;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{Advice, FallocateFlags, StatVfs};
use rustix::io::{Errno, Result};

use super::tree;

/// Creates files, writes, syncs, and reports the free space.
pub(super) trait Disk: fmt::Debug + Send + Sync {
    /// Creates a file without a name, if the filesystem has such files.
    fn create_unnamed_file(&self, directory: BorrowedFd<'_>) -> Result<OwnedFd>;

    /// Writes some of the bytes at the file's position and returns how many.
    fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize>;

    /// Writes some of the bytes at an offset and returns how many.
    fn write_at(&self, file: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> Result<usize>;

    /// Makes the bytes of a range zero and frees their space, if the filesystem has holes.
    fn punch_hole(&self, file: BorrowedFd<'_>, offset: u64, length: u64) -> Result<()>;

    /// Asks the kernel to start writing a range back, so that the disk works while bytes still
    /// arrive.
    fn hint_write_back(&self, file: BorrowedFd<'_>, offset: u64, length: u64);

    /// Makes a file's bytes durable.
    fn sync_file(&self, file: BorrowedFd<'_>) -> Result<()>;

    /// Makes a file's bytes durable, and of its metadata what is needed to read them.
    fn sync_data(&self, file: BorrowedFd<'_>) -> Result<()>;

    /// Makes the names in a directory durable.
    fn sync_directory(&self, directory: BorrowedFd<'_>) -> Result<()>;

    /// Returns the statistics of the filesystem that a directory is on.
    fn stat(&self, directory: BorrowedFd<'_>) -> Result<StatVfs>;
}

/// The operating system's disk.
#[derive(Debug)]
pub(super) struct SystemDisk;

impl Disk for SystemDisk {
    fn create_unnamed_file(&self, directory: BorrowedFd<'_>) -> Result<OwnedFd> {
        tree::create_unnamed_file(directory)
    }

    fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
        rustix::io::write(file, bytes)
    }

    fn write_at(&self, file: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> Result<usize> {
        rustix::io::pwrite(file, bytes, offset)
    }

    fn punch_hole(&self, file: BorrowedFd<'_>, offset: u64, length: u64) -> Result<()> {
        let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        rustix::fs::fallocate(file, mode, offset, length)
    }

    fn hint_write_back(&self, file: BorrowedFd<'_>, offset: u64, length: u64) {
        // On Linux "don't need" starts the write-back of dirty pages and drops only clean ones.
        // It is only a hint, so its failure does not matter.
        let _ = rustix::fs::fadvise(file, offset, NonZeroU64::new(length), Advice::DontNeed);
    }

    fn sync_file(&self, file: BorrowedFd<'_>) -> Result<()> {
        rustix::fs::fsync(file)
    }

    fn sync_data(&self, file: BorrowedFd<'_>) -> Result<()> {
        rustix::fs::fdatasync(file)
    }

    fn sync_directory(&self, directory: BorrowedFd<'_>) -> Result<()> {
        rustix::fs::fsync(directory)
    }

    fn stat(&self, directory: BorrowedFd<'_>) -> Result<StatVfs> {
        rustix::fs::fstatvfs(directory)
    }
}

/// Writes all the bytes, however few each call accepts.
pub(super) fn write_all(disk: &dyn Disk, file: BorrowedFd<'_>, bytes: &[u8]) -> Result<()> {
    repeat(bytes, |rest, _| disk.write(file, rest))
}

/// Writes all the bytes from an offset on, however few each call accepts.
pub(super) fn write_all_at(
    disk: &dyn Disk,
    file: BorrowedFd<'_>,
    bytes: &[u8],
    offset: u64,
) -> Result<()> {
    repeat(bytes, |rest, written| {
        disk.write_at(file, rest, offset + written)
    })
}

/// Writes what is left after the bytes written so far, until nothing is.
fn repeat(bytes: &[u8], write: impl Fn(&[u8], u64) -> Result<usize>) -> Result<()> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match write(rest, written as u64) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => written += count,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
