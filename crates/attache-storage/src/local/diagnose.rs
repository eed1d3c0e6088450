//! Diagnosis of a directory without opening it as a store.

use std::path::{Path, PathBuf};

use attache_model::Finding;
use rustix::fs::{Access, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::open::{BLOBS, LOCK, STAGING};

/// The reason that a directory cannot be used as a store.
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
    #[error("the lock {} cannot be checked", .path.display())]
    Lock {
        path: PathBuf,
        #[source]
        errno: Errno,
    },
}

/// Diagnoses a directory. Blocks.
pub(super) fn diagnose(root: &Path) -> Vec<Finding> {
    let shown = root.display();
    vec![match is_in_use(root) {
        Ok(false) => Finding::fine(format!("{shown}, not in use")),
        Ok(true) => Finding::fine(format!("{shown}, in use by a running server")),
        Err(error) => Finding::failure(&error),
    }]
}

/// Returns `true` if a store has the directory open, and an error if none could open it.
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
    // A shared lock, released at once: it only shows whether a store holds the exclusive one.
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

    async fn finding(root: &Path) -> (FindingLevel, String) {
        let mut found = LocalBlobStore::diagnose(root).await;
        assert_eq!(found.len(), 1, "{found:?}");
        let found = found.remove(0);
        (found.level, found.text)
    }

    #[tokio::test]
    async fn directory_is_diagnosed_open_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("blobs");
        let store = LocalBlobStore::open(LocalOptions::new(&root))
            .await
            .unwrap();
        let shown = root.display();
        let in_use = (Fine, format!("{shown}, in use by a running server"));
        assert_eq!(finding(&root).await, in_use);
        drop(store);
        assert_eq!(finding(&root).await, (Fine, format!("{shown}, not in use")));
        // The diagnosis keeps no lock.
        LocalBlobStore::open(LocalOptions::new(&root))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn unusable_path_is_a_failure_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        let (level, text) = finding(&root).await;
        assert_eq!(level, Failure);
        assert!(
            text.contains("store cannot be used: No such file"),
            "{text}"
        );
        assert!(!root.exists());

        std::fs::write(&root, "").unwrap();
        let (level, text) = finding(&root).await;
        assert_eq!(level, Failure);
        assert!(text.ends_with("store is not a directory"), "{text}");

        std::fs::remove_file(&root).unwrap();
        std::fs::create_dir_all(root.join(BLOBS)).unwrap();
        let (level, text) = finding(&root).await;
        assert_eq!(level, Failure);
        assert!(
            text.contains("staging cannot be read and written"),
            "{text}"
        );

        std::fs::create_dir(root.join(STAGING)).unwrap();
        let (level, text) = finding(&root).await;
        assert_eq!(level, Failure);
        assert!(text.contains(".lock cannot be checked"), "{text}");
    }
}
