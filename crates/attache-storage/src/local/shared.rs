//! The state that all calls on an open directory share: its descriptors, its lock and its health.

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::disk::Disk;
use super::error::{LocalError, is_out_of_space};
use super::places::Places;
use super::segments::{Allocation, Queues};
use super::space::DiskSpace;
use super::tree::{Tree, create_directory, split_path};

/// The number of directories that are remembered as durable. Forgetting one costs a sync.
const REMEMBERED_DIRECTORIES: usize = 64 * 1024;

/// The open directories of a store, and its lock file.
#[derive(Debug)]
pub(super) struct Directories {
    pub(super) root: OwnedFd,
    pub(super) blobs: OwnedFd,
    pub(super) staging: OwnedFd,
    pub(super) lock: OwnedFd,
}

/// The optional features of the filesystem.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Supported {
    pub(super) unnamed_files: bool,
    pub(super) holes: bool,
}

/// An open directory. Calls in flight keep it, and with it the lock, until they are done.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) root: OwnedFd,
    pub(super) blobs: Tree,
    pub(super) staging: OwnedFd,
    pub(super) disk: Box<dyn Disk>,
    pub(super) space: DiskSpace,
    pub(super) places: Places,
    /// True if a file can be written before it has a name.
    pub(super) supports_unnamed_files: bool,
    /// True if space within a file can be freed, so that small blobs may share one.
    pub(super) supports_holes: bool,
    pub(super) allocation: Allocation,
    pub(super) segments: Queues,
    /// True until a read of the page cache alone is found to be unsupported.
    pub(super) supports_cached_reads: AtomicBool,
    next_name: AtomicU64,
    is_degraded: AtomicBool,
    /// The directories and segments whose names are known to be on the disk.
    durable_directories: Mutex<HashSet<String>>,
    /// Held while the marker is written.
    pub(super) marker: Mutex<()>,
    _lock: OwnedFd,
}

impl Shared {
    pub(super) fn new(
        directories: Directories,
        supported: Supported,
        space: DiskSpace,
        disk: Box<dyn Disk>,
    ) -> Self {
        let Directories {
            root,
            blobs,
            staging,
            lock,
        } = directories;
        Self {
            root,
            blobs: Tree::new(blobs),
            staging,
            disk,
            space,
            places: Places::new(),
            supports_unnamed_files: supported.unnamed_files,
            supports_holes: supported.holes,
            allocation: Allocation::default(),
            segments: Queues::default(),
            supports_cached_reads: AtomicBool::new(true),
            next_name: AtomicU64::new(0),
            is_degraded: AtomicBool::new(false),
            durable_directories: Mutex::default(),
            marker: Mutex::default(),
            _lock: lock,
        }
    }

    /// Returns a new name for a file in staging. It is unique, because this process holds the lock
    /// and staging was emptied.
    pub(super) fn next_staging_name(&self) -> String {
        format!("{}.part", self.next_name.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns [`LocalError::Degraded`] once a sync has failed.
    pub(super) fn check_not_degraded(&self) -> Result<(), LocalError> {
        if self.is_degraded.load(Ordering::Acquire) {
            return Err(LocalError::Degraded);
        }
        Ok(())
    }

    /// Makes a file's bytes durable. Never repeated after a failure: the kernel may have dropped the
    /// pages and would report success.
    pub(super) fn sync_file(&self, file: BorrowedFd<'_>) -> Result<(), LocalError> {
        let synced = self.disk.sync_file(file);
        synced.map_err(|errno| self.sync_failed("syncing a file", errno))
    }

    /// Makes a file's bytes durable, and of its metadata what is needed to read them. Never repeated after a
    /// failure either.
    pub(super) fn sync_data(&self, file: BorrowedFd<'_>) -> Result<(), LocalError> {
        let synced = self.disk.sync_data(file);
        synced.map_err(|errno| self.sync_failed("syncing a segment", errno))
    }

    /// Makes the name of a file below `blobs` durable, unless it is known to be.
    pub(super) fn sync_name(&self, path: &str) -> Result<(), LocalError> {
        if self.directories().contains(path) {
            return Ok(());
        }
        let opened = self.blobs.open_directory(split_path(path).0);
        let directory = opened.map_err(LocalError::system("opening a directory"))?;
        self.sync_directory(directory.as_fd())?;
        self.remember(path);
        Ok(())
    }

    /// Notes that a name below `blobs` was removed.
    pub(super) fn forget_name(&self, path: &str) {
        self.directories().remove(path);
    }

    /// Makes the names in a directory durable.
    pub(super) fn sync_directory(&self, directory: BorrowedFd<'_>) -> Result<(), LocalError> {
        let synced = self.disk.sync_directory(directory);
        synced.map_err(|errno| self.sync_failed("syncing a directory", errno))
    }

    fn sync_failed(&self, action: &'static str, errno: Errno) -> LocalError {
        // Filesystems that allocate late report a full disk here, which is no defect.
        if !is_out_of_space(errno) {
            self.is_degraded.store(true, Ordering::Release);
        }
        LocalError::SyncFailed { action, errno }
    }

    /// Opens a directory below `blobs`, creating it if it is missing. Its name and those above it
    /// are durable.
    pub(super) fn create_directories(&self, path: &str) -> Result<OwnedFd, LocalError> {
        if self.directories().contains(path) {
            match self.blobs.open_directory(path) {
                Err(Errno::NOENT) => self.directories().clear(),
                opened => return opened.map_err(LocalError::system("opening a directory")),
            }
        }
        let open_root = self.blobs.open_directory("");
        let mut directory = open_root.map_err(LocalError::system("opening `blobs`"))?;
        let mut end = 0;
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            end += segment.len();
            let child = create_directory(directory.as_fd(), segment)
                .map_err(LocalError::system("creating a directory"))?;
            // An existing directory may have been created by a call that has not synced it yet, so
            // only a remembered sync counts.
            let walked = path.get(..end).unwrap_or(path);
            if !self.directories().contains(walked) {
                self.sync_directory(directory.as_fd())?;
                self.remember(walked);
            }
            directory = child;
            end += 1;
        }
        Ok(directory)
    }

    fn directories(&self) -> MutexGuard<'_, HashSet<String>> {
        let locked = self.durable_directories.lock();
        locked.unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, path: &str) {
        let mut directories = self.directories();
        if directories.len() >= REMEMBERED_DIRECTORIES {
            directories.clear();
        }
        directories.insert(path.to_owned());
    }

    /// Adds the path and the free bytes to an error that means a full disk.
    pub(super) fn locate(&self, error: LocalError) -> LocalError {
        let directory = self.staging.as_fd();
        self.space.locate(error, self.disk.as_ref(), directory)
    }

    /// Returns the number of bytes that new puts may write: free, not reserved and not granted.
    pub(super) fn free_bytes(&self) -> Result<u64, LocalError> {
        let disk = self.disk.as_ref();
        self.space.free_bytes(disk, self.staging.as_fd())
    }
}
