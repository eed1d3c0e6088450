//! The marker of a directory: a file beside the blobs.

use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::PoisonError;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::disk::write_all;
use super::error::LocalError;
use super::open::open_root;
use super::shared::Shared;
use super::tree::create_file;
use crate::{MARKER_BYTES, MarkerWrite};

/// The file. No key has its name: segments of keys do not begin with a dot.
const MARKER: &str = ".installation";

/// The marker that is being written. It becomes [`MARKER`] with one rename.
const NEW_MARKER: &str = ".installation.new";

/// Reads the marker of a directory that may be open elsewhere. Blocks.
pub(super) fn read_at(root: &Path) -> Result<Option<String>, LocalError> {
    match open_root(root) {
        Ok(root) => read(root.as_fd()),
        Err(LocalError::System {
            errno: Errno::NOENT,
            ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the marker. Blocks.
pub(super) fn read(root: BorrowedFd<'_>) -> Result<Option<String>, LocalError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(root, MARKER, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        opened => opened.map_err(LocalError::system("opening the marker"))?,
    };
    let mut text = vec![0; MARKER_BYTES + 1];
    let mut length = 0;
    while let Some(rest) = text.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match rustix::io::read(&file, rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(LocalError::system("reading the marker")(errno)),
        }
    }
    text.truncate(length);
    let text = String::from_utf8(text).ok();
    let text = text.filter(|text| text.len() <= MARKER_BYTES);
    text.map(Some).ok_or(LocalError::BadMarker)
}

/// Writes the marker and makes it durable. Blocks.
pub(super) fn write(shared: &Shared, text: &str, write: MarkerWrite) -> Result<(), LocalError> {
    shared.check_not_degraded()?;
    let _alone = shared.marker.lock().unwrap_or_else(PoisonError::into_inner);
    let root = shared.root.as_fd();
    if write == MarkerWrite::Create && read(root)?.is_some() {
        return Err(LocalError::system("creating the marker")(Errno::EXIST));
    }
    // What a write that was interrupted left.
    match rustix::fs::unlinkat(root, NEW_MARKER, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(LocalError::system("removing an unfinished marker")(errno)),
    }
    let file = create_file(root, NEW_MARKER).map_err(LocalError::system("creating the marker"))?;
    write_all(shared.disk.as_ref(), file.as_fd(), text.as_bytes())
        .map_err(LocalError::system("writing the marker"))?;
    shared.sync_file(file.as_fd())?;
    rustix::fs::renameat(root, NEW_MARKER, root, MARKER)
        .map_err(LocalError::system("naming the marker"))?;
    shared.sync_directory(root)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use crate::{
        BlobErrorKind, BlobStore as _, LocalBlobStore, LocalOptions, MARKER_BYTES, MarkerWrite,
        StoreMarker as _,
    };

    async fn open(root: &std::path::Path) -> LocalBlobStore {
        LocalBlobStore::open(LocalOptions::new(root)).await.unwrap()
    }

    #[tokio::test]
    async fn marker_outlives_its_store_and_is_no_blob() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        assert_eq!(LocalBlobStore::marker_at(&root).await.unwrap(), None);
        assert!(!root.exists());
        let store = open(&root).await;
        assert_eq!(store.read_marker().await.unwrap(), None);
        store
            .write_marker("one", MarkerWrite::Create)
            .await
            .unwrap();
        let refused = store.write_marker("two", MarkerWrite::Create).await;
        assert_eq!(refused.unwrap_err().kind(), BlobErrorKind::AlreadyExists);
        store.write_marker("2", MarkerWrite::Replace).await.unwrap();
        assert!(store.list("", None, 10).await.unwrap().keys.is_empty());
        // Also from outside, while the store is open.
        let seen = LocalBlobStore::marker_at(&root).await.unwrap();
        assert_eq!(seen.as_deref(), Some("2"));
        drop(store);
        let read = open(&root).await.read_marker().await.unwrap();
        assert_eq!(read.as_deref(), Some("2"));
        let file = std::fs::metadata(root.join(".installation")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn unfinished_or_damaged_marker_is_no_marker() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await;
        std::fs::write(folder.path().join(".installation.new"), "half").unwrap();
        assert_eq!(store.read_marker().await.unwrap(), None);
        store
            .write_marker("one", MarkerWrite::Create)
            .await
            .unwrap();
        for damaged in [vec![b'a'; MARKER_BYTES + 1], vec![0xff]] {
            std::fs::write(folder.path().join(".installation"), damaged).unwrap();
            let refused = store.read_marker().await.unwrap_err();
            assert_eq!(refused.kind(), BlobErrorKind::Corrupt);
        }
    }
}
