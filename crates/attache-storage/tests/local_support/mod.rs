//! What the tests of the local store share.

use std::path::Path;

use attache_storage::{BlobErrorKind, BlobKey, LocalBlobStore, LocalOptions, PutError};

pub(crate) async fn open(root: &Path) -> LocalBlobStore {
    LocalBlobStore::open(LocalOptions::new(root)).await.unwrap()
}

pub(crate) fn key(text: &str) -> BlobKey {
    BlobKey::parse(text).unwrap()
}

/// How many puts have left something unfinished, or are under way.
pub(crate) fn staged(root: &Path) -> usize {
    std::fs::read_dir(root.join("staging")).unwrap().count()
}

pub(crate) fn store_kind<T: std::fmt::Debug>(answer: Result<T, PutError>) -> BlobErrorKind {
    match answer {
        Err(PutError::Store(error)) => error.kind(),
        answer => panic!("not a failure of the store: {answer:?}"),
    }
}
