//! Helpers of the tests.

use std::path::Path;
use std::time::Duration;

use attache_storage::{BlobErrorKind, BlobKey, LocalBlobStore, LocalOptions, PutError};
use tokio::time::{sleep, timeout};

/// Opens a local store.
///
/// A process that another test is starting holds copies of all locks until it executes its
/// program, so a lock can briefly outlive its store.
pub(crate) async fn open(root: &Path) -> LocalBlobStore {
    let opening = async {
        loop {
            match LocalBlobStore::open(LocalOptions::new(root)).await {
                Err(error) if error.kind() == BlobErrorKind::InUse => {
                    sleep(Duration::from_millis(1)).await;
                }
                opened => return opened.unwrap(),
            }
        }
    };
    timeout(Duration::from_secs(20), opening).await.unwrap()
}

pub(crate) fn key(text: &str) -> BlobKey {
    BlobKey::parse(text).unwrap()
}

/// Returns the number of files in staging and of open files without a name: puts that left something,
/// or are in flight.
pub(crate) fn staged(root: &Path) -> usize {
    let named = std::fs::read_dir(root.join("staging")).unwrap().count();
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    // The kernel shows such a file as `/directory/#inode (deleted)`.
    let unnamed = descriptors
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter(|path| path.starts_with(root) && path.to_string_lossy().contains("/#"));
    named + unnamed.count()
}

pub(crate) fn store_kind<T: std::fmt::Debug>(result: Result<T, PutError>) -> BlobErrorKind {
    match result {
        Err(PutError::Store(error)) => error.kind(),
        result => panic!("not a failure of the store: {result:?}"),
    }
}
