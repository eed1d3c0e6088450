//! Failing disks: the results of puts and deletes, and what they leave behind.

mod segments;

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt;
use rustix::fs::StatVfs;
use rustix::io::{Errno, Result};

use super::disk::{Disk, SystemDisk};
use super::error::{LocalError, WriteError};
use super::fate::Fate;
use super::staged::Writer;
use super::{LocalBlobStore, LocalOptions};
use crate::{
    BlobErrorKind, BlobKey, BlobStore, BlobStoreExt, Body, BodyVerifier, PutError, PutOptions,
};

/// The calls that a test can make fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Write,
    SyncFile,
    SyncDirectory,
}

/// The faults of a disk, and counters of its calls.
#[derive(Debug, Default)]
struct Faults {
    next: Mutex<Option<(Step, u64, Errno)>>,
    writes: AtomicU64,
    file_syncs: AtomicU64,
    directory_syncs: AtomicU64,
    /// True of a filesystem on which every file has a name.
    refuses_unnamed_files: bool,
}

impl Faults {
    /// Makes a step fail once, after `calls` successful calls.
    fn fail_after(&self, step: Step, calls: u64, errno: Errno) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = Some((step, calls, errno));
    }

    fn pass(&self, step: Step) -> Result<()> {
        let counter = match step {
            Step::Write => &self.writes,
            Step::SyncFile => &self.file_syncs,
            Step::SyncDirectory => &self.directory_syncs,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        match *next {
            Some((failing, 0, errno)) if failing == step => {
                *next = None;
                Err(errno)
            }
            Some((failing, calls, errno)) if failing == step => {
                *next = Some((failing, calls - 1, errno));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// The real disk with faults. It writes at most 1000 bytes at a time, to show that the rest is not
/// forgotten.
#[derive(Debug)]
struct FaultyDisk(Arc<Faults>);

impl Disk for FaultyDisk {
    fn create_unnamed_file(&self, directory: BorrowedFd<'_>) -> Result<OwnedFd> {
        if self.0.refuses_unnamed_files {
            return Err(Errno::OPNOTSUPP);
        }
        SystemDisk.create_unnamed_file(directory)
    }

    fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
        self.0.pass(Step::Write)?;
        SystemDisk.write(file, &bytes[..bytes.len().min(1000)])
    }

    fn write_at(&self, file: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> Result<usize> {
        self.0.pass(Step::Write)?;
        SystemDisk.write_at(file, &bytes[..bytes.len().min(1000)], offset)
    }

    fn punch_hole(&self, file: BorrowedFd<'_>, offset: u64, length: u64) -> Result<()> {
        if self.0.refuses_unnamed_files {
            return Err(Errno::OPNOTSUPP);
        }
        SystemDisk.punch_hole(file, offset, length)
    }

    fn hint_write_back(&self, file: BorrowedFd<'_>, offset: u64, length: u64) {
        SystemDisk.hint_write_back(file, offset, length);
    }

    fn sync_file(&self, file: BorrowedFd<'_>) -> Result<()> {
        self.0.pass(Step::SyncFile)?;
        SystemDisk.sync_file(file)
    }

    fn sync_data(&self, file: BorrowedFd<'_>) -> Result<()> {
        self.0.pass(Step::SyncFile)?;
        SystemDisk.sync_data(file)
    }

    fn sync_directory(&self, directory: BorrowedFd<'_>) -> Result<()> {
        self.0.pass(Step::SyncDirectory)?;
        SystemDisk.sync_directory(directory)
    }

    fn stat(&self, directory: BorrowedFd<'_>) -> Result<StatVfs> {
        SystemDisk.stat(directory)
    }
}

async fn open(root: &Path) -> (LocalBlobStore, Arc<Faults>) {
    open_on(root, Faults::default()).await
}

/// Opens two directories: in one, files are written before they have a name, in the other in staging.
async fn open_both() -> [(tempfile::TempDir, LocalBlobStore, Arc<Faults>); 2] {
    let mut opened = Vec::new();
    for refuses_unnamed_files in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let faults = Faults {
            refuses_unnamed_files,
            ..Faults::default()
        };
        let (store, faults) = open_on(root.path(), faults).await;
        assert_ne!(store.shared.supports_unnamed_files, refuses_unnamed_files);
        opened.push((root, store, faults));
    }
    opened.try_into().unwrap()
}

async fn open_on(root: &Path, faults: Faults) -> (LocalBlobStore, Arc<Faults>) {
    let faults = Arc::new(faults);
    let disk = Box::new(FaultyDisk(Arc::clone(&faults)));
    let store = LocalBlobStore::open_on(LocalOptions::new(root), disk).await;
    (store.unwrap(), faults)
}

fn key(name: &str) -> BlobKey {
    BlobKey::parse(format!("1/ab/{name}")).unwrap()
}

fn bytes() -> Bytes {
    (0..=250_u8).cycle().take(600_000).collect()
}

async fn put_kind(store: &LocalBlobStore, name: &str) -> BlobErrorKind {
    match store.put_bytes(&key(name), bytes()).await {
        Err(PutError::Store(error)) => error.kind(),
        result => panic!("not a failure of the store: {result:?}"),
    }
}

async fn assert_absent(store: &LocalBlobStore, root: &Path, name: &str) {
    let missing = store.head(&key(name)).await.unwrap_err();
    assert_eq!(missing.kind(), BlobErrorKind::NotFound);
    let staged = std::fs::read_dir(root.join("staging")).unwrap().count();
    assert_eq!(staged, 0, "something is left in staging");
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
    let open = descriptors.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    let unnamed = open.filter(|path| path.starts_with(root));
    let unnamed: Vec<_> = unnamed
        .filter(|path| path.to_string_lossy().contains("/#"))
        .collect();
    assert_eq!(unnamed, Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn full_disk_fails_put_and_nothing_else() {
    for (root, store, faults) in open_both().await {
        for errno in [Errno::NOSPC, Errno::DQUOT] {
            for (step, calls) in [(Step::Write, 0), (Step::Write, 400), (Step::SyncFile, 0)] {
                faults.fail_after(step, calls, errno);
                assert_eq!(put_kind(&store, "a").await, BlobErrorKind::OutOfSpace);
                assert_absent(&store, root.path(), "a").await;
            }
        }
        // There is space again.
        store.put_bytes(&key("a"), bytes()).await.unwrap();
        let read = store.read_to_end(&key("a"), 1_000_000).await.unwrap();
        assert_eq!(read, bytes());
        store.health().await.unwrap();
    }
}

#[tokio::test]
async fn disk_failure_does_not_wait_for_slow_sender() {
    let root = tempfile::tempdir().unwrap();
    let (store, faults) = open(root.path()).await;
    faults.fail_after(Step::Write, 0, Errno::NOSPC);
    let first = futures_util::stream::iter([Ok(bytes())]);
    let body = Body::from_stream(first.chain(futures_util::stream::pending()));
    let outcome = store.put(&key("a"), body, PutOptions::default()).await;
    let Err(PutError::Store(error)) = outcome else {
        panic!("not a failure of the store: {outcome:?}")
    };
    assert_eq!(error.kind(), BlobErrorKind::OutOfSpace);
    assert_absent(&store, root.path(), "a").await;
}

#[tokio::test]
async fn failed_write_fails_put() {
    for (root, store, faults) in open_both().await {
        faults.fail_after(Step::Write, 300, Errno::IO);
        assert_eq!(put_kind(&store, "a").await, BlobErrorKind::Other);
        assert_absent(&store, root.path(), "a").await;
        // An interrupted call is repeated.
        faults.fail_after(Step::Write, 300, Errno::INTR);
        store.put_bytes(&key("b"), bytes()).await.unwrap();
        let read = store.read_to_end(&key("b"), 1_000_000).await.unwrap();
        assert_eq!(read, bytes());
    }
}

#[tokio::test]
async fn put_never_replaces_a_blob() {
    for (_root, store, _) in open_both().await {
        store.put_bytes(&key("a"), "first").await.unwrap();
        let second = store.put_bytes(&key("a"), "second").await;
        assert!(matches!(
            second,
            Err(PutError::Store(error)) if error.kind() == BlobErrorKind::AlreadyExists
        ));
        assert_eq!(store.read_to_end(&key("a"), 9).await.unwrap(), "first");
    }
}

#[tokio::test]
async fn failed_sync_refuses_changes_until_reopened() {
    let root = tempfile::tempdir().unwrap();
    let (store, faults) = open(root.path()).await;
    store.put_bytes(&key("before"), bytes()).await.unwrap();
    faults.fail_after(Step::SyncFile, 0, Errno::IO);
    let syncs = faults.file_syncs.load(Ordering::Relaxed);
    assert_eq!(put_kind(&store, "a").await, BlobErrorKind::Other);
    let retried = faults.file_syncs.load(Ordering::Relaxed) - syncs - 1;
    assert_eq!(retried, 0, "a failed sync was retried");
    assert_absent(&store, root.path(), "a").await;

    assert_eq!(put_kind(&store, "b").await, BlobErrorKind::Unavailable);
    let refused = store.delete(&key("before")).await.unwrap_err();
    assert_eq!(refused.kind(), BlobErrorKind::Unavailable);
    let unfit = store.health().await.unwrap_err();
    assert_eq!(unfit.kind(), BlobErrorKind::Unavailable);
    // Existing blobs are not affected.
    let read = store.read_to_end(&key("before"), 1_000_000).await.unwrap();
    assert_eq!(read, bytes());

    drop(store);
    let (store, _) = open(root.path()).await;
    store.health().await.unwrap();
    store.put_bytes(&key("b"), bytes()).await.unwrap();
}

#[tokio::test]
async fn failed_directory_sync_fails_put() {
    // The first put syncs `blobs` for the tenant, the tenant for the shard, the shard for the blob.
    for calls in 0..3 {
        for (root, store, faults) in open_both().await {
            faults.fail_after(Step::SyncDirectory, calls, Errno::IO);
            assert_eq!(put_kind(&store, "a").await, BlobErrorKind::Other);
            assert_absent(&store, root.path(), "a").await;
            assert_eq!(put_kind(&store, "b").await, BlobErrorKind::Unavailable);
        }
    }
}

#[tokio::test]
async fn failed_sync_fails_delete() {
    let root = tempfile::tempdir().unwrap();
    let (store, faults) = open(root.path()).await;
    store.put_bytes(&key("a"), bytes()).await.unwrap();
    faults.fail_after(Step::SyncDirectory, 0, Errno::IO);
    let failed = store.delete(&key("a")).await.unwrap_err();
    assert_eq!(failed.kind(), BlobErrorKind::Other);
}

#[tokio::test]
async fn new_directories_are_synced_once() {
    let root = tempfile::tempdir().unwrap();
    let (store, faults) = open(root.path()).await;
    let mut synced = faults.directory_syncs.load(Ordering::Relaxed);
    let mut syncs_of = |faults: &Faults| {
        let before = std::mem::replace(&mut synced, faults.directory_syncs.load(Ordering::Relaxed));
        synced - before
    };
    store.put_bytes(&key("a"), "x").await.unwrap();
    assert_eq!(syncs_of(&faults), 3, "blobs, the tenant, the shard");
    store.put_bytes(&key("b"), "x").await.unwrap();
    assert_eq!(syncs_of(&faults), 1, "the shard");
    let other_shard = BlobKey::parse("1/cd/a").unwrap();
    store.put_bytes(&other_shard, "x").await.unwrap();
    assert_eq!(syncs_of(&faults), 2, "the tenant, the shard");
    // A delete that finds nothing syncs, too: an earlier one may have ended between the unlink and
    // the sync.
    store.delete(&key("a")).await.unwrap();
    store.delete(&key("a")).await.unwrap();
    assert_eq!(syncs_of(&faults), 2, "the shard, twice");

    // Removed directories are created and synced again.
    std::fs::remove_dir_all(root.path().join("blobs/1")).unwrap();
    store.put_bytes(&key("c"), "x").await.unwrap();
    assert_eq!(syncs_of(&faults), 3, "blobs, the tenant, the shard");
}

#[tokio::test]
async fn directories_of_an_earlier_process_are_synced() {
    let root = tempfile::tempdir().unwrap();
    let (store, _) = open(root.path()).await;
    store.put_bytes(&key("a"), "x").await.unwrap();
    drop(store);
    // It may have died between creating and syncing them: only an own sync counts.
    let (store, faults) = open(root.path()).await;
    let before = faults.directory_syncs.load(Ordering::Relaxed);
    store.put_bytes(&key("b"), "x").await.unwrap();
    assert_eq!(faults.directory_syncs.load(Ordering::Relaxed) - before, 3);
}

#[tokio::test]
async fn put_abandoned_before_naming_never_appears() {
    for (root, store, _) in open_both().await {
        let body = Body::from(bytes());
        let verifier = BodyVerifier::new(&body, PutOptions::default()).unwrap();
        let writer = Writer::new(Arc::clone(&store.shared), key("a"), verifier, None);
        let Ok(writer) = writer.write(&bytes()) else {
            panic!("the disk does not work");
        };
        let fate = Fate::default();
        fate.abandon();
        let committed = writer.commit(&fate);
        assert!(matches!(
            committed,
            Err(WriteError::Local(LocalError::Abandoned))
        ));
        assert_absent(&store, root.path(), "a").await;
    }
}

#[tokio::test]
async fn reads_work_without_cached_reads() {
    let root = tempfile::tempdir().unwrap();
    let (store, _) = open(root.path()).await;
    store.put_bytes(&key("a"), bytes()).await.unwrap();
    let is_supported = &store.shared.supports_cached_reads;
    assert!(is_supported.swap(false, Ordering::Relaxed));
    let read = store.read_to_end(&key("a"), 1_000_000).await.unwrap();
    assert_eq!(read, bytes());
}
