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

/// Returns the number of files in staging: puts that left something, or are in flight.
pub(crate) fn staged(root: &Path) -> usize {
    std::fs::read_dir(root.join("staging")).unwrap().count()
}

pub(crate) fn store_kind<T: std::fmt::Debug>(result: Result<T, PutError>) -> BlobErrorKind {
    match result {
        Err(PutError::Store(error)) => error.kind(),
        result => panic!("not a failure of the store: {result:?}"),
    }
}
