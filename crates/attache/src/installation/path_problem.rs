//! The reason why a path cannot be used: another account's, of another kind, on a read-only filesystem.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};
use rustix::io::Errno;

/// The kind of thing that must be at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// A directory, to create and remove files in.
    Directory,
    /// A file, to read and write.
    WritableFile,
    /// A file, to read.
    ReadableFile,
}

/// A path that this process cannot use, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathProblem {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    NotADirectory,
    NotAFile,
    ReadOnlyFilesystem,
    Denied(Denial),
}

/// An access that the modes of a file forbid.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Denial {
    verb: &'static str,
    owner: u32,
    group: u32,
    mode: u32,
    process: u32,
}

impl PathProblem {
    /// Returns the path at fault, which may be a parent of the one that was to be used.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Finds the reason why this process cannot use `path`, or create it if nothing is there. Returns
    /// `None` if the modes forbid nothing.
    pub(super) fn find(path: &Path, expected: Expected) -> Option<Self> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let ancestors: Vec<_> = path.ancestors().skip(1).collect();
        let mut last = Path::new("/");
        for directory in ancestors.into_iter().rev() {
            if !exists(directory) {
                return Self::of(last, Expected::Directory);
            }
            if let Some(problem) = Self::of_parent(directory) {
                return Some(problem);
            }
            last = directory;
        }
        if exists(&path) {
            Self::of(&path, expected)
        } else {
            Self::of(last, Expected::Directory)
        }
    }

    fn of_parent(path: &Path) -> Option<Self> {
        Self::check(path, true, Access::EXEC_OK, "enter")
    }

    fn of(path: &Path, expected: Expected) -> Option<Self> {
        let write = Access::READ_OK | Access::WRITE_OK;
        match expected {
            Expected::Directory => Self::check(path, true, write | Access::EXEC_OK, "write in"),
            Expected::WritableFile => Self::check(path, false, write, "read and write"),
            Expected::ReadableFile => Self::check(path, false, Access::READ_OK, "read"),
        }
    }

    fn check(path: &Path, is_directory: bool, access: Access, verb: &'static str) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        let problem = |reason| Self {
            path: path.to_owned(),
            reason,
        };
        if found.is_dir() != is_directory {
            return Some(problem(if is_directory {
                Reason::NotADirectory
            } else {
                Reason::NotAFile
            }));
        }
        match rustix::fs::accessat(CWD, path, access, AtFlags::EACCESS) {
            Err(Errno::ROFS) => Some(problem(Reason::ReadOnlyFilesystem)),
            Err(Errno::ACCESS | Errno::PERM) => Some(problem(Reason::Denied(Denial {
                verb,
                owner: found.uid(),
                group: found.gid(),
                mode: found.mode() & 0o7777,
                process: rustix::process::geteuid().as_raw(),
            }))),
            _ => None,
        }
    }
}

fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

impl fmt::Display for PathProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            Reason::NotADirectory => write!(f, "{path} is not a directory"),
            Reason::NotAFile => write!(f, "{path} is a directory, and must be a file"),
            Reason::ReadOnlyFilesystem => write!(f, "{path} is on a read-only filesystem"),
            Reason::Denied(denial) => {
                let Denial {
                    verb,
                    owner,
                    group,
                    mode,
                    process,
                } = denial;
                write!(
                    f,
                    "the user {process} of this process may not {verb} {path}, which belongs to user \
                     {owner}, group {group} and has mode {mode:04o}"
                )?;
                if owner == process {
                    write!(f, ": change its mode")
                } else {
                    write!(
                        f,
                        ": run as that user, or give it to this one with `chown {process}`"
                    )
                }
            }
        }
    }
}

impl std::error::Error for PathProblem {}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn denial(owner: u32, process: u32) -> PathProblem {
        PathProblem {
            path: "/data/attache.db".into(),
            reason: Reason::Denied(Denial {
                verb: "read and write",
                owner,
                group: 0,
                mode: 0o600,
                process,
            }),
        }
    }

    #[test]
    fn denial_names_path_owner_mode_and_remedy() {
        assert_eq!(
            denial(0, 999).to_string(),
            "the user 999 of this process may not read and write /data/attache.db, which belongs to \
             user 0, group 0 and has mode 0600: run as that user, or give it to this one with \
             `chown 999`"
        );
        assert!(denial(999, 999).to_string().ends_with("change its mode"));
    }

    #[test]
    fn first_path_at_fault_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "x").unwrap();
        for (path, expected, at_fault, text) in [
            (
                file.clone(),
                Expected::Directory,
                &*file,
                "is not a directory",
            ),
            (
                file.join("a/b"),
                Expected::Directory,
                &*file,
                "is not a directory",
            ),
            (
                directory.path().to_owned(),
                Expected::WritableFile,
                directory.path(),
                "must be a file",
            ),
        ] {
            let problem = PathProblem::find(&path, expected).unwrap();
            assert_eq!(problem.path(), at_fault);
            assert!(problem.to_string().contains(text), "{problem}");
        }
        assert_eq!(PathProblem::find(&file, Expected::WritableFile), None);
        let new = directory.path().join("new/attache.db");
        assert_eq!(PathProblem::find(&new, Expected::WritableFile), None);
    }

    #[test]
    fn denied_directory_and_file_are_found() {
        // The modes hold nobody back who runs as root.
        if rustix::process::geteuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let closed = directory.path().join("closed");
        std::fs::create_dir(&closed).unwrap();
        std::fs::set_permissions(&closed, Permissions::from_mode(0o500)).unwrap();
        let problem = PathProblem::find(&closed.join("new"), Expected::WritableFile).unwrap();
        assert_eq!(problem.path(), closed);
    }
}
