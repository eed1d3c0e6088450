//! The space on the disk: how much is free beyond the reserve, and how much puts may write.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{StatVfs, StatVfsMountFlags};

use super::disk::Disk;
use super::error::LocalError;

/// The account of one disk.
///
/// The filesystem alone cannot say how much may still be written, because all puts in flight see
/// the same free space. So bytes are granted before they are written, and granted bytes count as
/// used.
#[derive(Debug)]
pub(super) struct DiskSpace {
    /// The directory of the store, for messages.
    root: PathBuf,
    reserved_bytes: u64,
    /// The unwritten bytes of all grants together.
    granted_bytes: Mutex<u64>,
}

impl DiskSpace {
    pub(super) fn new(root: PathBuf, reserved_bytes: u64) -> Self {
        Self {
            root,
            reserved_bytes,
            granted_bytes: Mutex::new(0),
        }
    }

    /// Returns the number of bytes that can still be granted on the disk of a directory.
    pub(super) fn free_bytes(
        &self,
        disk: &dyn Disk,
        directory: BorrowedFd<'_>,
    ) -> Result<u64, LocalError> {
        let granted_bytes = self.granted();
        let stat = stat(disk, directory)?;
        Ok(self.available_after_reserve(*granted_bytes, &stat))
    }

    /// Grants `wanted_bytes`, or only `needed_bytes` if there is less. Returns the granted bytes in
    /// whole blocks, which is what files use.
    pub(super) fn grant(
        &self,
        disk: &dyn Disk,
        directory: BorrowedFd<'_>,
        needed_bytes: u64,
        wanted_bytes: u64,
    ) -> Result<u64, LocalError> {
        let wanted_bytes = wanted_bytes.max(needed_bytes);
        // Locked while the free space is read: bytes written meanwhile may count twice, as written
        // and as granted, but none is missed.
        let mut granted_bytes = self.granted();
        let grant_bytes = if self.reserved_bytes == 0 {
            // Without a reserve, only the disk itself refuses.
            wanted_bytes
        } else {
            let stat = stat(disk, directory)?;
            let available_bytes = self.available_after_reserve(*granted_bytes, &stat);
            [wanted_bytes, needed_bytes]
                .map(|bytes| round_up_to_blocks(bytes, &stat))
                .into_iter()
                .find(|bytes| *bytes <= available_bytes)
                .ok_or_else(|| LocalError::Reserved {
                    root: self.root.clone(),
                    reserved_bytes: self.reserved_bytes,
                    available_bytes,
                    needed_bytes,
                })?
        };
        *granted_bytes = granted_bytes.saturating_add(grant_bytes);
        Ok(grant_bytes)
    }

    /// Adds the path and the free bytes to an error that means a full disk.
    pub(super) fn locate(
        &self,
        error: LocalError,
        disk: &dyn Disk,
        directory: BorrowedFd<'_>,
    ) -> LocalError {
        let Some(errno) = error.out_of_space() else {
            return error;
        };
        let free_bytes = stat(disk, directory)
            .map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize))
            .unwrap_or_default();
        LocalError::DiskFull {
            root: self.root.clone(),
            free_bytes,
            errno,
        }
    }

    /// Removes bytes from the account: they were written, so the filesystem counts them, or never
    /// will be.
    pub(super) fn release(&self, bytes: u64) {
        let mut granted_bytes = self.granted();
        *granted_bytes = granted_bytes.saturating_sub(bytes);
    }

    fn available_after_reserve(&self, granted_bytes: u64, stat: &StatVfs) -> u64 {
        let free_bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
        free_bytes
            .saturating_sub(self.reserved_bytes)
            .saturating_sub(granted_bytes)
    }

    fn granted(&self) -> MutexGuard<'_, u64> {
        let locked = self.granted_bytes.lock();
        locked.unwrap_or_else(PoisonError::into_inner)
    }
}

fn stat(disk: &dyn Disk, directory: BorrowedFd<'_>) -> Result<StatVfs, LocalError> {
    let stat = disk
        .stat(directory)
        .map_err(LocalError::system("reading the free space"))?;
    if stat.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err(LocalError::ReadOnly);
    }
    Ok(stat)
}

fn round_up_to_blocks(bytes: u64, stat: &StatVfs) -> u64 {
    let block_bytes = stat.f_frsize.max(1);
    bytes.div_ceil(block_bytes).saturating_mul(block_bytes)
}

#[cfg(test)]
mod tests;
