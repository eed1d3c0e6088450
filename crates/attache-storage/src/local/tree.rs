//! A directory tree: every path is resolved beneath the root's descriptor, and no symbolic link is
//! ever followed.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, Result};

/// Access for the owner only, whatever the umask.
pub(super) const DIRECTORY_MODE: Mode = Mode::RWXU;
pub(super) const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

const OPEN_DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// Non-blocking, so that a pipe planted under a blob's name cannot block the thread.
const OPEN_FILE: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK);

/// A directory and everything beneath it.
#[derive(Debug)]
pub(super) struct Tree {
    root: OwnedFd,
    /// True until `openat2` is found to be unsupported; then paths are resolved step by step.
    resolves_paths: AtomicBool,
}

impl Tree {
    pub(super) fn new(root: OwnedFd) -> Self {
        Self {
            root,
            resolves_paths: AtomicBool::new(true),
        }
    }

    /// Creates a tree as on a kernel without `openat2`.
    #[cfg(test)]
    fn stepwise(root: OwnedFd) -> Self {
        Self {
            root,
            resolves_paths: AtomicBool::new(false),
        }
    }

    #[cfg(test)]
    fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Opens the directory at a relative path. The empty path is the root.
    pub(super) fn open_directory(&self, path: &str) -> Result<OwnedFd> {
        let path = if path.is_empty() { "." } else { path };
        self.open(path, OPEN_DIRECTORY)
    }

    /// Opens the file at a relative path for reading.
    pub(super) fn open_file(&self, path: &str) -> Result<OwnedFd> {
        self.open(path, OPEN_FILE)
    }

    /// Opens the file at a relative path for reading and writing.
    pub(super) fn open_file_to_write(&self, path: &str) -> Result<OwnedFd> {
        self.open(
            path,
            OPEN_FILE.difference(OFlags::RDONLY).union(OFlags::RDWR),
        )
    }

    /// Opens a file if that needs no disk access, so that an async thread may try it.
    ///
    /// Any error only means that [`open_file`](Self::open_file) must decide.
    pub(super) fn open_cached_file(&self, path: &str) -> Result<OwnedFd> {
        if !self.resolves_paths.load(Ordering::Relaxed) {
            return Err(Errno::AGAIN);
        }
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::CACHED;
        rustix::fs::openat2(&self.root, path, OPEN_FILE, Mode::empty(), resolve)
    }

    fn open(&self, path: &str, flags: OFlags) -> Result<OwnedFd> {
        if self.resolves_paths.load(Ordering::Relaxed) {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            match rustix::fs::openat2(&self.root, path, flags, Mode::empty(), resolve) {
                // Some sandboxes return EPERM for an unknown call.
                Err(Errno::NOSYS | Errno::PERM) => {
                    self.resolves_paths.store(false, Ordering::Relaxed);
                }
                result => return result,
            }
        }
        self.open_stepwise(path, flags)
    }

    fn open_stepwise(&self, path: &str, flags: OFlags) -> Result<OwnedFd> {
        let (parents, last) = path.rsplit_once('/').unwrap_or(("", path));
        let mut directory: Option<OwnedFd> = None;
        for segment in parents.split('/').filter(|segment| !segment.is_empty()) {
            let parent = directory.as_ref().unwrap_or(&self.root).as_fd();
            directory = Some(open_entry(parent, segment, OPEN_DIRECTORY)?);
        }
        open_entry(
            directory.as_ref().unwrap_or(&self.root).as_fd(),
            last,
            flags,
        )
    }
}

/// Opens one entry of a directory. A symbolic link is `ELOOP`, even if a directory was wanted.
fn open_entry(parent: BorrowedFd<'_>, name: &str, flags: OFlags) -> Result<OwnedFd> {
    let flags = flags | OFlags::NOFOLLOW;
    rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(|errno| match errno {
        Errno::NOTDIR if is_symlink(parent, name) => Errno::LOOP,
        errno => errno,
    })
}

fn is_symlink(parent: BorrowedFd<'_>, name: &str) -> bool {
    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

/// Creates a directory, or opens the existing one, and corrects its mode.
pub(super) fn create_directory(parent: BorrowedFd<'_>, name: &str) -> Result<OwnedFd> {
    match rustix::fs::mkdirat(parent, name, DIRECTORY_MODE) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno),
    }
    let directory = open_entry(parent, name, OPEN_DIRECTORY)?;
    if Mode::from_raw_mode(rustix::fs::fstat(&directory)?.st_mode) != DIRECTORY_MODE {
        rustix::fs::fchmod(&directory, DIRECTORY_MODE)?;
    }
    Ok(directory)
}

/// Creates a new file.
pub(super) fn create_file(parent: BorrowedFd<'_>, name: &str) -> Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(parent, name, flags, FILE_MODE)?;
    // The umask may have removed bits.
    rustix::fs::fchmod(&file, FILE_MODE)?;
    Ok(file)
}

/// Opens a file for reading and writing, and creates it if it is missing.
pub(super) fn open_segment(parent: BorrowedFd<'_>, name: &str) -> Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // The umask can only remove bits, and an owner's bits that it removes are an operator's mistake.
    rustix::fs::openat(parent, name, flags | OFlags::NONBLOCK, FILE_MODE)
}

/// Creates a file that has no name yet, in the directory where it will get one. The kernel removes it if it
/// never does.
pub(super) fn create_unnamed_file(directory: BorrowedFd<'_>) -> Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, ".", flags, FILE_MODE)?;
    // The umask may have removed bits.
    rustix::fs::fchmod(&file, FILE_MODE)?;
    Ok(file)
}

/// Gives a file that was created without a name its name, unless the name is taken.
pub(super) fn link_unnamed_file(
    file: BorrowedFd<'_>,
    directory: BorrowedFd<'_>,
    name: &str,
) -> Result<()> {
    // The way by the descriptor alone, `AT_EMPTY_PATH`, requires a capability.
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, path, directory, name, AtFlags::SYMLINK_FOLLOW)
}

/// Splits a path into its directory, `""` if there is none, and its last name.
pub(super) fn split_path(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::*;

    fn both_modes(path: &Path) -> [Tree; 2] {
        let open = || rustix::fs::open(path, OPEN_DIRECTORY, Mode::empty()).unwrap();
        [Tree::new(open()), Tree::stepwise(open())]
    }

    #[test]
    fn symbolic_links_are_never_followed() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::create_dir(outside.path().join("91")).unwrap();
        std::fs::write(outside.path().join("91/secret"), "secret").unwrap();
        let inside = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(inside.path().join("8/91")).unwrap();
        symlink(outside.path(), inside.path().join("7")).unwrap();
        symlink(outside.path().join("91"), inside.path().join("8/92")).unwrap();
        symlink(
            outside.path().join("91/secret"),
            inside.path().join("8/91/b"),
        )
        .unwrap();
        for tree in both_modes(inside.path()) {
            for path in ["7/91/secret", "8/92/secret", "8/91/b"] {
                assert_eq!(tree.open_file(path).unwrap_err(), Errno::LOOP, "{path}");
                assert!(tree.open_cached_file(path).is_err(), "{path}");
            }
            assert_eq!(tree.open_directory("7").unwrap_err(), Errno::LOOP);
            assert_eq!(tree.open_directory("7/91").unwrap_err(), Errno::LOOP);
            let created = create_directory(tree.root(), "7").unwrap_err();
            assert_eq!(created, Errno::LOOP);
            assert!(tree.open_directory("8/91").is_ok());
        }
    }

    #[test]
    fn path_above_root_is_refused() {
        let inside = tempfile::tempdir().unwrap();
        let tree =
            Tree::new(rustix::fs::open(inside.path(), OPEN_DIRECTORY, Mode::empty()).unwrap());
        assert_eq!(tree.open_directory("..").unwrap_err(), Errno::XDEV);
    }

    #[test]
    fn existing_directory_gets_owner_only_mode() {
        let inside = tempfile::tempdir().unwrap();
        let path = inside.path().join("a");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        for tree in both_modes(inside.path()) {
            create_directory(tree.root(), "a").unwrap();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o700);
        }
    }
}
