//! The local store on a real filesystem: modes, links, locks, leftovers.

use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use attache_storage::{
    BlobErrorKind, BlobStore, BlobStoreExt, Body, ByteRange, LocalBlobStore, LocalOptions,
    PutOptions,
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use rustix::fs::{CWD, FileType, Mode};

use crate::support::{key, open, staged, store_kind};

/// Returns all files and directories below a directory, with their modes.
fn modes_below(path: &Path) -> Vec<(PathBuf, bool, u32)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        let mode = metadata.permissions().mode() & 0o7777;
        found.push((entry.path(), metadata.is_dir(), mode));
        if metadata.is_dir() {
            found.extend(modes_below(&entry.path()));
        }
    }
    found
}

#[tokio::test]
async fn files_and_directories_are_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("some/data");
    let store = open(&root).await;
    store.put_bytes(&key("7/91/blob"), "x").await.unwrap();
    let (body, is_stalled) = stalling_body();
    let other = key("7/91/half");
    // Check while a put is in flight.
    let mut put = store.put(&other, body, PutOptions::default());
    until_staged(&root, &mut put, is_stalled).await;
    let found = modes_below(directory.path());
    assert!(found.iter().any(|(path, ..)| path.ends_with("7/91/blob")));
    for (path, is_directory, mode) in found {
        let wanted = if is_directory { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{}", path.display());
    }
}

/// Returns a body that yields 600 KiB and then stalls, and a future that completes when it does.
fn stalling_body() -> (Body, impl Future<Output = ()>) {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let mut sender = Some(sender);
    let chunk = stream::iter([Ok(Bytes::from(vec![7; 600 * 1024]))]);
    let body = chunk.chain(stream::poll_fn(move |_| {
        if let Some(sender) = sender.take() {
            let _ = sender.send(());
        }
        std::task::Poll::Pending
    }));
    (Body::from_stream(body), async move {
        receiver.await.unwrap();
    })
}

/// Drives a put until its body stalls and its file exists.
async fn until_staged<T: std::fmt::Debug>(
    root: &Path,
    put: &mut (impl Future<Output = T> + Unpin),
    is_stalled: impl Future<Output = ()>,
) {
    tokio::select! {
        biased;
        () = is_stalled => {}
        result = put => panic!("the put ended: {result:?}"),
    }
    while staged(root) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn dropped_put_removes_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let (body, is_stalled) = stalling_body();
    let target = key("7/91/half");
    let mut put = store.put(&target, body, PutOptions::default());
    until_staged(directory.path(), &mut put, is_stalled).await;
    drop(put);
    // A blocking thread removes the file.
    while staged(directory.path()) > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let missing = store.head(&target).await.unwrap_err();
    assert_eq!(missing.kind(), BlobErrorKind::NotFound);
}

#[tokio::test]
async fn runtime_shutdown_removes_unfinished_puts() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_owned();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let store = runtime.block_on(open(&root));
        runtime.block_on(async {
            let (body, is_stalled) = stalling_body();
            tokio::spawn(async move {
                let target = key("7/91/half");
                store.put(&target, body, PutOptions::default()).await
            });
            is_stalled.await;
        });
    })
    .join()
    .unwrap();
    assert_eq!(staged(directory.path()), 0);
    // The lock is released, too.
    open(directory.path()).await;
}

#[tokio::test]
async fn leftovers_of_a_killed_process_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).await);
    // As if killed between writing and renaming.
    std::fs::write(directory.path().join("staging/0.part"), "whole").unwrap();
    std::fs::write(directory.path().join("staging/1.part"), "ha").unwrap();
    let store = open(directory.path()).await;
    assert_eq!(staged(directory.path()), 0);
    assert!(store.list("", None, 9).await.unwrap().keys.is_empty());
    store.put_bytes(&key("7/91/blob"), "x").await.unwrap();
}

#[tokio::test]
async fn second_open_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let second = LocalBlobStore::open(LocalOptions::new(directory.path())).await;
    let refused = second.unwrap_err();
    assert_eq!(refused.kind(), BlobErrorKind::InUse);
    let source = std::error::Error::source(&refused).unwrap();
    assert_eq!(source.to_string(), "another store has the directory open");
    drop(store);
    open(directory.path()).await;
}

#[tokio::test]
async fn planted_links_are_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::create_dir(outside.path().join("91")).unwrap();
    std::fs::write(outside.path().join("91/secret"), "secret").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let blobs = directory.path().join("blobs");
    symlink(outside.path(), blobs.join("7")).unwrap();
    std::fs::create_dir_all(blobs.join("8/91")).unwrap();
    symlink(outside.path().join("91/secret"), blobs.join("8/91/blob")).unwrap();

    for planted in ["7/91/secret", "8/91/blob"] {
        let planted = key(planted);
        let refused = store.get(&planted, None).await.unwrap_err();
        assert_eq!(refused.kind(), BlobErrorKind::Corrupt);
        assert!(store.head(&planted).await.is_err());
    }
    // Nothing is written through a linked directory or a linked name.
    let result = store.put_bytes(&key("7/91/new"), "x").await;
    assert_eq!(store_kind(result), BlobErrorKind::Corrupt);
    let result = store.put_bytes(&key("8/91/blob"), "overwritten").await;
    assert_eq!(store_kind(result), BlobErrorKind::AlreadyExists);
    assert_eq!(staged(directory.path()), 0);
    // A listing skips links, and a delete removes the link, not its target.
    assert!(store.list("", None, 9).await.unwrap().keys.is_empty());
    store.delete(&key("8/91/blob")).await.unwrap();
    assert!(store.delete(&key("7/91/secret")).await.is_err());
    let names = std::fs::read_dir(outside.path().join("91")).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [OsStr::new("secret")]);
    let secret = std::fs::read(outside.path().join("91/secret")).unwrap();
    assert_eq!(secret, b"secret");
}

#[tokio::test]
async fn planted_pipe_is_corrupt_and_does_not_block() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let folder = directory.path().join("blobs/7/91");
    std::fs::create_dir_all(&folder).unwrap();
    let pipe = folder.join("pipe");
    rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let refused = store.get(&key("7/91/pipe"), None).await.unwrap_err();
    assert_eq!(refused.kind(), BlobErrorKind::Corrupt);
    assert!(store.list("", None, 9).await.unwrap().keys.is_empty());
}

#[tokio::test]
async fn truncated_file_is_corrupt_not_short() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let target = key("7/91/blob");
    store.put_bytes(&target, vec![7; 600 * 1024]).await.unwrap();
    let mut stream = store.get(&target, None).await.unwrap().stream;
    stream.try_next().await.unwrap();
    let file = std::fs::File::options()
        .write(true)
        .open(directory.path().join("blobs/7/91/blob"))
        .unwrap();
    file.set_len(300 * 1024).unwrap();
    let error = loop {
        match stream.try_next().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a short success"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), BlobErrorKind::Corrupt);
}

#[tokio::test]
async fn impossible_keys_are_refused_and_not_found() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    store.put_bytes(&key("7/91"), "x").await.unwrap();
    let result = store.put_bytes(&key("7/91/blob"), "y").await;
    assert_eq!(store_kind(result), BlobErrorKind::AlreadyExists);
    let missing = store.head(&key("7/91/blob")).await.unwrap_err();
    assert_eq!(missing.kind(), BlobErrorKind::NotFound);
    store.delete(&key("7/91/blob")).await.unwrap();

    let long = key(&"k".repeat(300));
    let result = store.put_bytes(&long, "x").await;
    assert_eq!(store_kind(result), BlobErrorKind::Unsupported);
    let missing = store.get(&long, None).await.unwrap_err();
    assert_eq!(missing.kind(), BlobErrorKind::NotFound);
    store.delete(&long).await.unwrap();
    assert_eq!(staged(directory.path()), 0);
}

#[tokio::test]
async fn listing_stays_in_its_directory() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    store.put_bytes(&key("7/91/blob"), "x").await.unwrap();
    for prefix in ["../", "/", "7//", "../staging/", "7/../7/", "7/91/blob/"] {
        let page = store.list(prefix, None, 9).await.unwrap();
        assert!(page.keys.is_empty(), "{prefix}");
    }
    let page = store.list("", None, 0).await.unwrap();
    assert!(page.keys.is_empty() && page.has_more);
}

#[tokio::test]
async fn put_into_reserve_is_out_of_space() {
    let directory = tempfile::tempdir().unwrap();
    let options = LocalOptions::new(directory.path()).with_reserved_bytes(u64::MAX);
    let store = LocalBlobStore::open(options).await.unwrap();
    let result = store.put_bytes(&key("7/91/blob"), "x").await;
    assert_eq!(store_kind(result), BlobErrorKind::OutOfSpace);
    assert_eq!(store.health().await.unwrap().free_bytes, Some(0));
}

#[tokio::test]
async fn range_reads_only_its_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    let target = key("7/91/blob");
    store.put_bytes(&target, vec![7; 3 << 20]).await.unwrap();
    let range = ByteRange {
        offset_bytes: 1 << 20,
        length_bytes: 5,
    };
    let mut stream = store.get(&target, Some(range)).await.unwrap().stream;
    let first = stream.try_next().await.unwrap().unwrap();
    assert_eq!(first.len(), 5);
    assert!(stream.try_next().await.unwrap().is_none());
}
