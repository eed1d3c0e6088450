//! Opens a directory as a store: creates what is missing, locks it, empties staging.

use std::fs::DirBuilder;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::LocalOptions;
use super::disk::{Disk, SystemDisk};
use super::error::LocalError;
use super::shared::{Directories, Shared, Supported};
use super::space::DiskSpace;
use super::tree::{FILE_MODE, create_directory, create_file, link_unnamed_file};

/// The entries of the root: the blobs, the files that are being written, and the lock.
pub(super) const BLOBS: &str = "blobs";
pub(super) const STAGING: &str = "staging";
pub(super) const LOCK: &str = ".lock";

const OPEN_ROOT: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// Opens the directory. Blocks.
pub(super) fn open(options: &LocalOptions, disk: Box<dyn Disk>) -> Result<Shared, LocalError> {
    create_root(&options.root, disk.as_ref())?;
    let root = open_root(&options.root)?;
    let lock = lock(root.as_fd())?;
    let create =
        |name, action| create_directory(root.as_fd(), name).map_err(LocalError::system(action));
    let blobs = create(BLOBS, "creating `blobs`")?;
    let staging = create(STAGING, "creating `staging`")?;
    // A rename is possible only within one filesystem.
    if device_of(blobs.as_fd())? != device_of(staging.as_fd())? {
        return Err(LocalError::SplitFilesystem);
    }
    sync(disk.as_ref(), root.as_fd())?;
    empty(staging.as_fd())?;
    let supported = Supported {
        unnamed_files: supports_unnamed_files(disk.as_ref(), staging.as_fd())?,
        holes: supports_holes(disk.as_ref(), staging.as_fd())?,
    };
    let directories = Directories {
        root,
        blobs,
        staging,
        lock,
    };
    Ok(Shared::new(
        directories,
        supported,
        DiskSpace::new(options.root.clone(), options.reserved_bytes),
        disk,
    ))
}

/// Opens a directory that another process may have open, without its lock. Blocks.
pub(super) fn open_read_only(root: &Path) -> Result<Shared, LocalError> {
    let directories = Directories {
        blobs: open_root(&root.join(BLOBS))?,
        root: open_root(root)?,
        // Nothing is ever written here: these take the places of descriptors that only writes use.
        staging: open_root(root)?,
        lock: open_root(root)?,
    };
    let space = DiskSpace::new(root.to_owned(), 0);
    let supported = Supported::default();
    Ok(Shared::new(
        directories,
        supported,
        space,
        Box::new(SystemDisk),
    ))
}

/// The name of a file that tries a feature of the filesystem.
const PROBE: &str = "probe";

/// Tries to free space within a file.
fn supports_holes(disk: &dyn Disk, staging: BorrowedFd<'_>) -> Result<bool, LocalError> {
    let file = create_file(staging, PROBE).map_err(LocalError::system("creating a file"))?;
    let punched = disk.punch_hole(file.as_fd(), 0, 1);
    remove_probe(staging)?;
    Ok(punched.is_ok())
}

fn remove_probe(staging: BorrowedFd<'_>) -> Result<(), LocalError> {
    rustix::fs::unlinkat(staging, PROBE, AtFlags::empty())
        .map_err(LocalError::system("emptying `staging`"))
}

/// Tries to write a file before it has a name. Some filesystems have no such files, and without
/// `/proc` they cannot get a name.
fn supports_unnamed_files(disk: &dyn Disk, staging: BorrowedFd<'_>) -> Result<bool, LocalError> {
    let linked = disk
        .create_unnamed_file(staging)
        .and_then(|file| link_unnamed_file(file.as_fd(), staging, PROBE));
    if linked.is_err() {
        return Ok(false);
    }
    remove_probe(staging)?;
    Ok(true)
}

/// Creates the root and its missing parents, each durable in its own parent.
///
/// Symbolic links in this path are the operator's own and are followed.
fn create_root(root: &Path, disk: &dyn Disk) -> Result<(), LocalError> {
    let missing: Vec<&Path> = root
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    for path in missing.into_iter().rev() {
        let created = DirBuilder::new().mode(0o700).create(path);
        match created.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(LocalError::system("creating the root directory")(errno)),
        }
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let parent = open_root(parent.unwrap_or(Path::new(".")))?;
        sync(disk, parent.as_fd())?;
    }
    Ok(())
}

pub(super) fn open_root(path: &Path) -> Result<OwnedFd, LocalError> {
    rustix::fs::open(path, OPEN_ROOT, Mode::empty())
        .map_err(LocalError::system("opening the root directory"))
}

fn sync(disk: &dyn Disk, directory: BorrowedFd<'_>) -> Result<(), LocalError> {
    let action = "syncing a directory";
    disk.sync_directory(directory)
        .map_err(|errno| LocalError::SyncFailed { action, errno })
}

/// Takes the lock, which lasts as long as its descriptor.
fn lock(root: BorrowedFd<'_>) -> Result<OwnedFd, LocalError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let lock = rustix::fs::openat(root, LOCK, flags, FILE_MODE)
        .map_err(LocalError::system("opening the lock file"))?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(Errno::WOULDBLOCK) => Err(LocalError::Locked),
        Err(errno) => Err(LocalError::system("locking the directory")(errno)),
    }
}

fn device_of(directory: BorrowedFd<'_>) -> Result<u64, LocalError> {
    rustix::fs::fstat(directory)
        .map(|stat| stat.st_dev)
        .map_err(LocalError::system("reading a directory's metadata"))
}

/// Removes the files of puts whose process ended. The lock is held, so no other process is writing
/// them.
fn empty(staging: BorrowedFd<'_>) -> Result<(), LocalError> {
    let failed = LocalError::system("emptying `staging`");
    for entry in rustix::fs::Dir::read_from(staging).map_err(&failed)? {
        let entry = entry.map_err(&failed)?;
        match rustix::fs::unlinkat(staging, entry.file_name(), AtFlags::empty()) {
            // The store creates no directories here; `.` and `..` are listed, too.
            Ok(()) | Err(Errno::NOENT | Errno::ISDIR) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
    Ok(())
}
