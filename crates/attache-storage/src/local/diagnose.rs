//! Looking a directory over without opening it: what its operator should know.

use std::path::{Path, PathBuf};

use attache_model::Finding;
use rustix::fs::{Access, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::open::{BLOBS, LOCK, STAGING};

/// Why a directory cannot be used as a store.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{} cannot be used", .path.display())]
    Root {
        path: PathBuf,
        #[source]
        error: std::io::Error,
    },
    #[error("{} is not a directory", .path.display())]
    NotADirectory { path: PathBuf },
    #[error("{} cannot be read and written", .path.display())]
    Denied {
        path: PathBuf,
        #[source]
        errno: Errno,
    },
    #[error("the lock {} cannot be looked at", .path.display())]
    Lock {
        path: PathBuf,
        #[source]
        errno: Errno,
    },
}

/// Looks at a directory, blocking.
pub(super) fn diagnose(root: &Path) -> Vec<Finding> {
    let shown = root.display();
    vec![match is_in_use(root) {
        Ok(false) => Finding::fine(format!("{shown}, not in use")),
        Ok(true) => Finding::fine(format!("{shown}, in use by a running server")),
        Err(error) => Finding::failure(&error),
    }]
}

/// Whether a store has it open; an error where none could.
fn is_in_use(root: &Path) -> Result<bool, Unusable> {
    let path = root.to_owned();
    match std::fs::metadata(root) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(Unusable::NotADirectory { path }),
        Err(error) => return Err(Unusable::Root { path, error }),
    }
    require_writable(path)?;
    for part in [BLOBS, STAGING] {
        require_writable(root.join(part))?;
    }
    is_locked(&root.join(LOCK)).map_err(|errno| Unusable::Lock {
        path: root.join(LOCK),
        errno,
    })
}

fn require_writable(path: PathBuf) -> Result<(), Unusable> {
    let access = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::access(&path, access).map_err(|errno| Unusable::Denied { path, errno })
}

fn is_locked(path: &Path) -> rustix::io::Result<bool> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let lock = rustix::fs::open(path, flags, Mode::empty())?;
    // Shared, and given back at once: it only tells whether a store holds the whole lock.
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(errno) => Err(errno),
    }
}

#[cfg(test)]
mod tests {
    use attache_model::FindingLevel::{self, Failure, Fine};

    use super::*;
    use crate::{LocalBlobStore, LocalOptions};

    async fn look(root: &Path) -> (FindingLevel, String) {
        let mut found = LocalBlobStore::diagnose(root).await;
        assert_eq!(found.len(), 1, "{found:?}");
        let found = found.remove(0);
        (found.level, found.text)
    }

    #[tokio::test]
    async fn a_directory_is_looked_at_whether_or_not_it_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("blobs");
        let store = LocalBlobStore::open(LocalOptions::new(&root))
            .await
            .unwrap();
        let shown = root.display();
        let in_use = (Fine, format!("{shown}, in use by a running server"));
        assert_eq!(look(&root).await, in_use);
        drop(store);
        assert_eq!(look(&root).await, (Fine, format!("{shown}, not in use")));
        // Nothing of the look stays: it can be opened at once.
        LocalBlobStore::open(LocalOptions::new(&root))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn what_cannot_be_opened_is_a_failure_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        let (level, text) = look(&root).await;
        assert_eq!(level, Failure);
        assert!(
            text.contains("store cannot be used: No such file"),
            "{text}"
        );
        assert!(!root.exists());

        std::fs::write(&root, "").unwrap();
        let (level, text) = look(&root).await;
        assert_eq!(level, Failure);
        assert!(text.ends_with("store is not a directory"), "{text}");

        std::fs::remove_file(&root).unwrap();
        std::fs::create_dir_all(root.join(BLOBS)).unwrap();
        let (level, text) = look(&root).await;
        assert_eq!(level, Failure);
        assert!(
            text.contains("staging cannot be read and written"),
            "{text}"
        );

        std::fs::create_dir(root.join(STAGING)).unwrap();
        let (level, text) = look(&root).await;
        assert_eq!(level, Failure);
        assert!(text.contains(".lock cannot be looked at"), "{text}");
    }
}
