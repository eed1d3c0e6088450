//! A disk whose syncs do not return, and who waits for it.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustix::fs::StatVfs;
use rustix::io::Result;
use tokio::task::JoinSet;

use super::super::disk::{Disk, SystemDisk};
use super::super::{LocalBlobStore, LocalOptions};
use super::CHANGES;
use crate::{BlobKey, BlobStore, BlobStoreExt, PutError, StoredBlob};

/// Longer than anything here takes that does not wait for the syncs.
const PATIENCE: Duration = Duration::from_secs(30);

/// The syncs of files that have begun, while they are held back.
#[derive(Debug, Default)]
struct Syncs {
    state: Mutex<(bool, usize)>,
    released: Condvar,
}

impl Syncs {
    fn hold(&self) {
        self.state.lock().unwrap().0 = true;
    }

    fn release(&self) {
        self.state.lock().unwrap().0 = false;
        self.released.notify_all();
    }

    fn begun(&self) -> usize {
        self.state.lock().unwrap().1
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        let held = self.released.wait_while(state, |(is_held, _)| *is_held);
        drop(held.unwrap());
    }
}

/// The real disk, whose syncs of files can be held back.
#[derive(Debug)]
struct SlowDisk(Arc<Syncs>);

impl Disk for SlowDisk {
    fn create_unnamed_file(&self, directory: BorrowedFd<'_>) -> Result<OwnedFd> {
        SystemDisk.create_unnamed_file(directory)
    }

    fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
        SystemDisk.write(file, bytes)
    }

    fn write_at(&self, file: BorrowedFd<'_>, bytes: &[u8], offset: u64) -> Result<usize> {
        SystemDisk.write_at(file, bytes, offset)
    }

    fn punch_hole(&self, file: BorrowedFd<'_>, offset: u64, length: u64) -> Result<()> {
        SystemDisk.punch_hole(file, offset, length)
    }

    fn hint_write_back(&self, file: BorrowedFd<'_>, offset: u64, length: u64) {
        SystemDisk.hint_write_back(file, offset, length);
    }

    fn sync_file(&self, file: BorrowedFd<'_>) -> Result<()> {
        self.0.pass();
        SystemDisk.sync_file(file)
    }

    fn sync_data(&self, file: BorrowedFd<'_>) -> Result<()> {
        self.0.pass();
        SystemDisk.sync_data(file)
    }

    fn sync_directory(&self, directory: BorrowedFd<'_>) -> Result<()> {
        SystemDisk.sync_directory(directory)
    }

    fn stat(&self, directory: BorrowedFd<'_>) -> Result<StatVfs> {
        SystemDisk.stat(directory)
    }
}

async fn open(root: &Path) -> (Arc<LocalBlobStore>, Arc<Syncs>) {
    let syncs = Arc::new(Syncs::default());
    let disk = Box::new(SlowDisk(Arc::clone(&syncs)));
    let store = LocalBlobStore::open_on(LocalOptions::new(root), disk).await;
    (Arc::new(store.unwrap()), syncs)
}

fn key(tenant: u8, number: usize) -> BlobKey {
    BlobKey::parse(format!("{tenant}/ab/{number}")).unwrap()
}

type Puts = JoinSet<std::result::Result<StoredBlob, PutError>>;

fn begin_puts(store: &Arc<LocalBlobStore>, tenant: u8, count: usize) -> Puts {
    let mut puts = JoinSet::new();
    for number in 0..count {
        let store = Arc::clone(store);
        puts.spawn(async move { store.put_bytes(&key(tenant, number), "bytes").await });
    }
    puts
}

/// Waits until so many syncs have begun.
async fn wait_for(syncs: &Syncs, count: usize) {
    let reached = async {
        while syncs.begun() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, reached).await;
    waited.unwrap_or_else(|_| panic!("{} syncs of {count} have begun", syncs.begun()));
}

#[tokio::test]
async fn slow_syncs_take_part_of_the_threads() {
    let root = tempfile::tempdir().unwrap();
    let (store, syncs) = open(root.path()).await;
    store.put_bytes(&key(1, 1000), "stored").await.unwrap();
    let before = syncs.begun();
    syncs.hold();
    let share = CHANGES * 3 / 4;
    let mut puts = begin_puts(&store, 1, 600);
    wait_for(&syncs, before + share).await;
    // More than the runtime's threads wait, and none is taken: health and reads have theirs.
    let health = tokio::time::timeout(PATIENCE, store.health());
    health.await.unwrap().unwrap();
    let key = key(1, 1000);
    store
        .shared
        .supports_cached_reads
        .store(false, std::sync::atomic::Ordering::Relaxed);
    let read = tokio::time::timeout(PATIENCE, store.read_to_end(&key, 100));
    assert_eq!(read.await.unwrap().unwrap(), "stored");
    // Another tenant's put has a thread too.
    let mut others = begin_puts(&store, 2, 1);
    wait_for(&syncs, before + share + 1).await;
    assert_eq!(syncs.begun(), before + share + 1, "syncs of both tenants");
    let [changes, _] = &store.queues()[..] else {
        panic!("two queues");
    };
    let status = changes.statuses()[0];
    assert_eq!((status.running, status.waiting), (share + 1, 600 - share));

    syncs.release();
    for stored in [puts.join_next().await, others.join_next().await] {
        stored.unwrap().unwrap().unwrap();
    }
    let stored = puts.join_all().await;
    assert!(stored.iter().all(std::result::Result::is_ok));
}

#[tokio::test]
async fn dropped_puts_leave_their_places() {
    let root = tempfile::tempdir().unwrap();
    let (store, syncs) = open(root.path()).await;
    syncs.hold();
    let puts = begin_puts(&store, 1, 600);
    wait_for(&syncs, CHANGES * 3 / 4).await;
    drop(puts);
    syncs.release();
    let last = key(1, 1000);
    let put = store.put_bytes(&last, "bytes");
    tokio::time::timeout(PATIENCE, put).await.unwrap().unwrap();
    let gone = async {
        while store.queues()[0].statuses()[0].running > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}
