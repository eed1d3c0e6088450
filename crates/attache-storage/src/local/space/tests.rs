//! The reserve is kept, and grants are released.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use rustix::io::{Errno, Result};

use super::super::disk::SystemDisk;
use super::super::fate::Fate;
use super::super::staged::Writer;
use super::super::{LocalBlobStore, LocalOptions};
use super::*;
use crate::{
    BlobErrorKind, BlobKey, BlobStore, BlobStoreExt, Body, BodyVerifier, PutError, PutOptions,
};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const RESERVED_BYTES: u64 = 8 * MIB;
const BATCH_BYTES: u64 = 256 * KIB;
const BLOCK_BYTES: u64 = 4 * KIB;

/// The counters of a disk whose free space only falls, so that the last value is the minimum.
#[derive(Debug, Default)]
struct Meter {
    free_bytes: AtomicU64,
    stat_calls: AtomicU64,
    writes_fail: AtomicBool,
}

impl Meter {
    fn free_bytes(&self) -> u64 {
        self.free_bytes.load(Ordering::SeqCst)
    }

    fn spend(&self, write: impl FnOnce() -> Result<usize>) -> Result<usize> {
        if self.writes_fail.load(Ordering::SeqCst) {
            return Err(Errno::IO);
        }
        let written = write()?;
        let fall = |free: u64| Some(free.saturating_sub(written as u64));
        let order = Ordering::SeqCst;
        let _ = self.free_bytes.fetch_update(order, order, fall);
        Ok(written)
    }
}

#[derive(Debug)]
struct MeteredDisk(Arc<Meter>);

impl Disk for MeteredDisk {
    fn create_unnamed_file(&self, directory: BorrowedFd<'_>) -> Result<OwnedFd> {
        SystemDisk.create_unnamed_file(directory)
    }

    fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
        self.0.spend(|| SystemDisk.write(file, bytes))
    }

    fn write_at(&self, file: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> Result<usize> {
        self.0.spend(|| SystemDisk.write_at(file, bytes, offset))
    }

    fn punch_hole(&self, file: BorrowedFd<'_>, offset: u64, length: u64) -> Result<()> {
        SystemDisk.punch_hole(file, offset, length)
    }

    fn hint_write_back(&self, _: BorrowedFd<'_>, _: u64, _: u64) {}

    fn sync_file(&self, _: BorrowedFd<'_>) -> Result<()> {
        Ok(())
    }

    fn sync_data(&self, _: BorrowedFd<'_>) -> Result<()> {
        Ok(())
    }

    fn sync_directory(&self, _: BorrowedFd<'_>) -> Result<()> {
        Ok(())
    }

    fn stat(&self, directory: BorrowedFd<'_>) -> Result<StatVfs> {
        self.0.stat_calls.fetch_add(1, Ordering::SeqCst);
        let mut stat = SystemDisk.stat(directory)?;
        stat.f_frsize = BLOCK_BYTES;
        stat.f_bavail = self.0.free_bytes() / stat.f_frsize;
        Ok(stat)
    }
}

async fn open(root: &Path, available_bytes: u64) -> (LocalBlobStore, Arc<Meter>) {
    let meter = Arc::new(Meter::default());
    let free_bytes = RESERVED_BYTES + available_bytes;
    meter.free_bytes.store(free_bytes, Ordering::SeqCst);
    let disk = Box::new(MeteredDisk(Arc::clone(&meter)));
    let options = LocalOptions::new(root).with_reserved_bytes(RESERVED_BYTES);
    (LocalBlobStore::open_on(options, disk).await.unwrap(), meter)
}

fn key(name: &str) -> BlobKey {
    BlobKey::parse(name).unwrap()
}

fn zeros(size_bytes: u64) -> Bytes {
    Bytes::from(vec![0; usize::try_from(size_bytes).unwrap()])
}

fn writer(store: &LocalBlobStore, name: &str, exact_size_bytes: Option<u64>) -> Writer {
    let body = Body::from_stream(stream::empty());
    let verifier = BodyVerifier::new(&body, PutOptions::default()).unwrap();
    let shared = Arc::clone(&store.shared);
    Writer::new(shared, key(name), verifier, exact_size_bytes)
}

fn write(writer: Writer, size_bytes: u64) -> Option<Writer> {
    writer.write(&zeros(size_bytes)).ok()
}

/// Returns the bytes that are granted and not written, from the free space that the store reports.
async fn granted_bytes(store: &LocalBlobStore, meter: &Meter) -> u64 {
    let free_bytes = store.health().await.unwrap().free_bytes.unwrap();
    let whole_blocks = meter.free_bytes() / BLOCK_BYTES * BLOCK_BYTES;
    whole_blocks - RESERVED_BYTES - free_bytes
}

async fn wait_for_release(store: &LocalBlobStore, meter: &Meter) {
    let wait = async {
        while granted_bytes(store, meter).await > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), wait).await;
    waited.expect("a grant is never released");
}

fn is_out_of_space<T>(result: &std::result::Result<T, PutError>) -> bool {
    matches!(result, Err(PutError::Store(error)) if error.kind() == BlobErrorKind::OutOfSpace)
}

#[tokio::test]
async fn interleaved_puts_stop_at_the_reserve() {
    let root = tempfile::tempdir().unwrap();
    let (store, meter) = open(root.path(), 8 * MIB).await;
    let mut writers: Vec<Writer> = (0..8).map(|_| writer(&store, "a", None)).collect();
    // 32 MiB in all, if there were space.
    for _ in 0..16 {
        writers = writers
            .into_iter()
            .filter_map(|writer| write(writer, BATCH_BYTES))
            .collect();
    }
    assert!(writers.is_empty(), "more was written than was available");
    // To the last block: small grants succeed where large ones would not.
    assert_eq!(meter.free_bytes(), RESERVED_BYTES);
    assert_eq!(granted_bytes(&store, &meter).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_puts_leave_the_reserve() {
    let root = tempfile::tempdir().unwrap();
    let (store, meter) = open(root.path(), 20 * MIB).await;
    let puts = (0..16).map(|number| {
        let chunks = vec![zeros(100 * KIB); 30];
        let body = Body::from_stream(stream::iter(chunks).map(Ok));
        let (store, key) = (&store, key(&number.to_string()));
        async move { store.put(&key, body, PutOptions::default()).await }
    });
    let results = join_all(puts).await;
    let refused = results.iter().filter(|result| is_out_of_space(result));
    let stored = results.iter().filter(|result| result.is_ok());
    let (refused, stored) = (refused.count(), stored.count());
    // Six fit. The disk never regains what the others wrote before they were refused.
    assert!(refused >= 10 && refused + stored == 16, "{results:?}");
    assert!(meter.free_bytes() >= RESERVED_BYTES);
    assert_eq!(granted_bytes(&store, &meter).await, 0);
}

#[tokio::test]
async fn grant_is_released_however_the_put_ends() {
    let root = tempfile::tempdir().unwrap();
    let (store, meter) = open(root.path(), 64 * MIB).await;
    let begin = |name| {
        let first = write(writer(&store, name, None), BATCH_BYTES).unwrap();
        write(first, BATCH_BYTES).unwrap()
    };

    let committed = begin("a");
    // The second grant was as large as the body so far, and half of it was written.
    assert_eq!(granted_bytes(&store, &meter).await, BATCH_BYTES);
    assert!(committed.commit(&Fate::default()).is_ok());
    assert_eq!(granted_bytes(&store, &meter).await, 0);

    let abandoned = begin("b");
    let fate = Fate::default();
    fate.abandon();
    assert!(abandoned.commit(&fate).is_err());
    assert_eq!(granted_bytes(&store, &meter).await, 0);

    begin("c").discard();
    assert_eq!(granted_bytes(&store, &meter).await, 0);

    let dropped = begin("d");
    assert_eq!(granted_bytes(&store, &meter).await, BATCH_BYTES);
    drop(dropped);
    wait_for_release(&store, &meter).await;

    let failing = begin("e");
    meter.writes_fail.store(true, Ordering::SeqCst);
    assert!(write(failing, BATCH_BYTES).is_none());
    assert_eq!(granted_bytes(&store, &meter).await, 0);
}

#[tokio::test]
async fn declared_body_is_granted_only_its_rest() {
    let root = tempfile::tempdir().unwrap();
    let (store, meter) = open(root.path(), 64 * MIB).await;
    let declared = writer(&store, "a", Some(2 * BATCH_BYTES + 1));
    let declared = write(declared, BATCH_BYTES).unwrap();
    let declared = write(declared, BATCH_BYTES).unwrap();
    // One byte is left, which takes a block.
    assert_eq!(granted_bytes(&store, &meter).await, BLOCK_BYTES);
    declared.discard();
}

#[tokio::test]
async fn free_space_is_read_once_per_grant() {
    let root = tempfile::tempdir().unwrap();
    let (store, meter) = open(root.path(), 64 * MIB).await;
    let mut writer = writer(&store, "a", None);
    for _ in 0..128 {
        writer = write(writer, BATCH_BYTES).unwrap();
    }
    let stat_calls = meter.stat_calls.load(Ordering::SeqCst);
    assert!(stat_calls <= 12, "{stat_calls} times for 32 MiB");
    assert!(granted_bytes(&store, &meter).await < 4 * MIB);
    writer.discard();
}

#[tokio::test]
async fn empty_body_leaves_the_reserve() {
    let root = tempfile::tempdir().unwrap();
    let (store, meter) = open(root.path(), BLOCK_BYTES).await;
    store.put_bytes(&key("a"), "").await.unwrap();
    store.put_bytes(&key("b"), "x").await.unwrap();
    let refused = store.put_bytes(&key("c"), "").await;
    assert!(is_out_of_space(&refused));
    let shown = format!("{:?}", refused.unwrap_err());
    let root = root.path().display().to_string();
    assert!(
        shown.contains(&root) && shown.contains("available_bytes: 0"),
        "{shown}"
    );
    assert_eq!(granted_bytes(&store, &meter).await, 0);
}

#[tokio::test]
async fn put_without_reserve_ignores_free_space() {
    let root = tempfile::tempdir().unwrap();
    let meter = Arc::new(Meter::default());
    let disk = Box::new(MeteredDisk(Arc::clone(&meter)));
    let options = LocalOptions::new(root.path());
    let store = LocalBlobStore::open_on(options, disk).await.unwrap();
    store.put_bytes(&key("a"), zeros(MIB)).await.unwrap();
    assert_eq!(meter.stat_calls.load(Ordering::SeqCst), 0);
}
