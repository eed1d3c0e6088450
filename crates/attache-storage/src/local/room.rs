//! Room on the disk: what is free beyond the reserve, and which puts may write into it.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{StatVfs, StatVfsMountFlags};

use super::disk::Disk;
use super::error::LocalError;
use super::shared::Shared;

/// The account of one disk.
///
/// The disk alone cannot say what may still be written: puts under way each saw the same room free.
/// So bytes are granted before they are written, and those granted count as taken.
#[derive(Debug)]
pub(super) struct Room {
    reserved_bytes: u64,
    /// What all grants together have left.
    granted_bytes: Mutex<u64>,
}

impl Room {
    /// An account without grants.
    pub(super) fn new(reserved_bytes: u64) -> Self {
        Self {
            reserved_bytes,
            granted_bytes: Mutex::new(0),
        }
    }

    /// How many bytes may still be granted, on the disk that a directory lies on.
    ///
    /// # Errors
    ///
    /// [`LocalError::ReadOnly`], or what the system says.
    pub(super) fn free_bytes(
        &self,
        disk: &dyn Disk,
        directory: BorrowedFd<'_>,
    ) -> Result<u64, LocalError> {
        let granted_bytes = self.granted();
        let stat = ask(disk, directory)?;
        Ok(self.beyond(*granted_bytes, &stat))
    }

    /// Grants what is wanted, or only what is needed where there is less. Counted in blocks, since
    /// that is what files take.
    fn grant(
        &self,
        disk: &dyn Disk,
        directory: BorrowedFd<'_>,
        needed_bytes: u64,
        wanted_bytes: u64,
    ) -> Result<u64, LocalError> {
        let wanted_bytes = wanted_bytes.max(needed_bytes);
        // Locked while the disk is asked: bytes that are written meanwhile may count twice, as
        // written and as granted, but no byte is missed.
        let mut granted_bytes = self.granted();
        let grant_bytes = if self.reserved_bytes == 0 {
            // Nothing is to be kept free, so it is for the disk itself to refuse.
            wanted_bytes
        } else {
            let stat = ask(disk, directory)?;
            let free_bytes = self.beyond(*granted_bytes, &stat);
            [wanted_bytes, needed_bytes]
                .map(|bytes| in_blocks(bytes, &stat))
                .into_iter()
                .find(|bytes| *bytes <= free_bytes)
                .ok_or(LocalError::Reserved {
                    reserved_bytes: self.reserved_bytes,
                    needed_bytes,
                })?
        };
        *granted_bytes = granted_bytes.saturating_add(grant_bytes);
        Ok(grant_bytes)
    }

    /// Takes bytes off the account: they were written, so that the disk counts them, or never will
    /// be.
    fn settle(&self, bytes: u64) {
        let mut granted_bytes = self.granted();
        *granted_bytes = granted_bytes.saturating_sub(bytes);
    }

    fn beyond(&self, granted_bytes: u64, stat: &StatVfs) -> u64 {
        let free_bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
        free_bytes
            .saturating_sub(self.reserved_bytes)
            .saturating_sub(granted_bytes)
    }

    fn granted(&self) -> MutexGuard<'_, u64> {
        let locked = self.granted_bytes.lock();
        locked.unwrap_or_else(PoisonError::into_inner)
    }
}

fn ask(disk: &dyn Disk, directory: BorrowedFd<'_>) -> Result<StatVfs, LocalError> {
    let stat = disk
        .stat(directory)
        .map_err(LocalError::system("asking for the free space"))?;
    if stat.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Err(LocalError::ReadOnly);
    }
    Ok(stat)
}

fn in_blocks(bytes: u64, stat: &StatVfs) -> u64 {
    let block_bytes = stat.f_frsize.max(1);
    bytes.div_ceil(block_bytes).saturating_mul(block_bytes)
}

/// The room that one put may write into. What is left of it is given back when it is dropped.
#[derive(Debug)]
pub(super) struct Grant {
    shared: Arc<Shared>,
    left_bytes: u64,
}

impl Grant {
    /// No room yet.
    pub(super) fn none(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            left_bytes: 0,
        }
    }

    /// Sees to room for the bytes needed next. Where there is too little, as much is asked for as
    /// is wanted, so that the disk need not be asked every time.
    ///
    /// # Errors
    ///
    /// [`LocalError::Reserved`] where that would touch the reserve or what others were granted.
    pub(super) fn cover(&mut self, needed_bytes: u64, wanted_bytes: u64) -> Result<(), LocalError> {
        if self.left_bytes >= needed_bytes {
            return Ok(());
        }
        let shared = &self.shared;
        self.left_bytes += shared.room.grant(
            shared.disk.as_ref(),
            shared.staging.as_fd(),
            needed_bytes - self.left_bytes,
            wanted_bytes.saturating_sub(self.left_bytes),
        )?;
        Ok(())
    }

    /// Notes that bytes were written.
    pub(super) fn spend(&mut self, written_bytes: u64) {
        let spent_bytes = written_bytes.min(self.left_bytes);
        self.left_bytes -= spent_bytes;
        self.shared.room.settle(spent_bytes);
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.spend(self.left_bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::future::join_all;
    use futures_util::{StreamExt, stream};
    use rustix::io::{Errno, Result};

    use super::super::disk::SystemDisk;
    use super::super::staged::{Fate, Writer};
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

    /// A disk whose free space only ever falls, so that what is left at the end is the least there
    /// was.
    #[derive(Debug, Default)]
    struct Meter {
        free_bytes: AtomicU64,
        times_asked: AtomicU64,
        writes_fail: AtomicBool,
    }

    impl Meter {
        fn free_bytes(&self) -> u64 {
            self.free_bytes.load(Ordering::SeqCst)
        }
    }

    #[derive(Debug)]
    struct MeteredDisk(Arc<Meter>);

    impl Disk for MeteredDisk {
        fn write(&self, file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
            if self.0.writes_fail.load(Ordering::SeqCst) {
                return Err(Errno::IO);
            }
            let written = SystemDisk.write(file, bytes)?;
            let fall = |free: u64| Some(free.saturating_sub(written as u64));
            let order = Ordering::SeqCst;
            let _ = self.0.free_bytes.fetch_update(order, order, fall);
            Ok(written)
        }

        fn hint_write_back(&self, _: BorrowedFd<'_>, _: u64, _: u64) {}

        fn sync_file(&self, _: BorrowedFd<'_>) -> Result<()> {
            Ok(())
        }

        fn sync_directory(&self, _: BorrowedFd<'_>) -> Result<()> {
            Ok(())
        }

        fn stat(&self, directory: BorrowedFd<'_>) -> Result<StatVfs> {
            self.0.times_asked.fetch_add(1, Ordering::SeqCst);
            let mut stat = SystemDisk.stat(directory)?;
            stat.f_frsize = BLOCK_BYTES;
            stat.f_bavail = self.0.free_bytes() / stat.f_frsize;
            Ok(stat)
        }
    }

    async fn open(root: &Path, beyond_bytes: u64) -> (LocalBlobStore, Arc<Meter>) {
        let meter = Arc::new(Meter::default());
        let free_bytes = RESERVED_BYTES + beyond_bytes;
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

    fn writer(store: &LocalBlobStore, exact_size_bytes: Option<u64>) -> Writer {
        let body = Body::from_stream(stream::empty());
        let verifier = BodyVerifier::new(&body, PutOptions::default()).unwrap();
        Writer::new(Arc::clone(&store.shared), verifier, exact_size_bytes)
    }

    fn write(writer: Writer, size_bytes: u64) -> Option<Writer> {
        writer.write(&zeros(size_bytes)).ok()
    }

    /// What is granted and not written, by what the store says is free.
    async fn granted_bytes(store: &LocalBlobStore, meter: &Meter) -> u64 {
        let free_bytes = store.health().await.unwrap().free_bytes.unwrap();
        let whole_blocks = meter.free_bytes() / BLOCK_BYTES * BLOCK_BYTES;
        whole_blocks - RESERVED_BYTES - free_bytes
    }

    async fn given_back(store: &LocalBlobStore, meter: &Meter) {
        let wait = async {
            while granted_bytes(store, meter).await > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), wait).await;
        waited.expect("a grant is kept for good");
    }

    fn is_out_of_space<T>(answer: &std::result::Result<T, PutError>) -> bool {
        matches!(answer, Err(PutError::Store(error)) if error.kind() == BlobErrorKind::OutOfSpace)
    }

    #[tokio::test]
    async fn puts_that_take_turns_stop_at_the_reserve_together() {
        let root = tempfile::tempdir().unwrap();
        let (store, meter) = open(root.path(), 8 * MIB).await;
        let mut writers: Vec<Writer> = (0..8).map(|_| writer(&store, None)).collect();
        // 32 MiB in all, were there room.
        for _ in 0..16 {
            let turns = writers.into_iter();
            writers = turns
                .filter_map(|writer| write(writer, BATCH_BYTES))
                .collect();
        }
        assert!(writers.is_empty(), "more was written than there was");
        // To the last block: small grants go on where large ones would not fit.
        assert_eq!(meter.free_bytes(), RESERVED_BYTES);
        assert_eq!(granted_bytes(&store, &meter).await, 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn parallel_puts_leave_the_reserve_alone() {
        let root = tempfile::tempdir().unwrap();
        let (store, meter) = open(root.path(), 20 * MIB).await;
        let puts = (0..16).map(|number| {
            let chunks = vec![zeros(100 * KIB); 30];
            let body = Body::from_stream(stream::iter(chunks).map(Ok));
            let (store, key) = (&store, key(&number.to_string()));
            async move { store.put(&key, body, PutOptions::default()).await }
        });
        let answers = join_all(puts).await;
        let refused = answers.iter().filter(|answer| is_out_of_space(answer));
        let stored = answers.iter().filter(|answer| answer.is_ok());
        let (refused, stored) = (refused.count(), stored.count());
        // Six fit; the disk never gets back what the others wrote before they were refused.
        assert!(refused >= 10 && refused + stored == 16, "{answers:?}");
        assert!(meter.free_bytes() >= RESERVED_BYTES);
        assert_eq!(granted_bytes(&store, &meter).await, 0);
    }

    #[tokio::test]
    async fn what_is_left_of_a_grant_is_given_back_however_the_put_ends() {
        let root = tempfile::tempdir().unwrap();
        let (store, meter) = open(root.path(), 64 * MIB).await;
        let begin = || {
            let begun = write(writer(&store, None), BATCH_BYTES).unwrap();
            write(begun, BATCH_BYTES).unwrap()
        };

        let committed = begin();
        // As much as it had come to was granted the second time, and half of that was written.
        assert_eq!(granted_bytes(&store, &meter).await, BATCH_BYTES);
        assert!(committed.commit(&key("a"), &Fate::default()).is_ok());
        assert_eq!(granted_bytes(&store, &meter).await, 0);

        let abandoned = begin();
        let fate = Fate::default();
        fate.abandon();
        assert!(abandoned.commit(&key("b"), &fate).is_err());
        assert_eq!(granted_bytes(&store, &meter).await, 0);

        begin().discard();
        assert_eq!(granted_bytes(&store, &meter).await, 0);

        let dropped = begin();
        assert_eq!(granted_bytes(&store, &meter).await, BATCH_BYTES);
        drop(dropped);
        given_back(&store, &meter).await;

        let failing = begin();
        meter.writes_fail.store(true, Ordering::SeqCst);
        assert!(write(failing, BATCH_BYTES).is_none());
        assert_eq!(granted_bytes(&store, &meter).await, 0);
    }

    #[tokio::test]
    async fn a_declared_body_is_granted_no_more_than_its_rest() {
        let root = tempfile::tempdir().unwrap();
        let (store, meter) = open(root.path(), 64 * MIB).await;
        let declared = writer(&store, Some(2 * BATCH_BYTES + 1));
        let declared = write(declared, BATCH_BYTES).unwrap();
        let declared = write(declared, BATCH_BYTES).unwrap();
        // One byte is to come, and a block is what it takes.
        assert_eq!(granted_bytes(&store, &meter).await, BLOCK_BYTES);
        declared.discard();
    }

    #[tokio::test]
    async fn the_disk_is_asked_for_its_room_once_per_grant() {
        let root = tempfile::tempdir().unwrap();
        let (store, meter) = open(root.path(), 64 * MIB).await;
        let mut writer = writer(&store, None);
        for _ in 0..128 {
            writer = write(writer, BATCH_BYTES).unwrap();
        }
        let times_asked = meter.times_asked.load(Ordering::SeqCst);
        assert!(times_asked <= 12, "{times_asked} times for 32 MiB");
        assert!(granted_bytes(&store, &meter).await < 4 * MIB);
        writer.discard();
    }

    #[tokio::test]
    async fn an_empty_body_does_not_touch_the_reserve_either() {
        let root = tempfile::tempdir().unwrap();
        let (store, meter) = open(root.path(), BLOCK_BYTES).await;
        store.put_bytes(&key("a"), "").await.unwrap();
        store.put_bytes(&key("b"), "x").await.unwrap();
        assert!(is_out_of_space(&store.put_bytes(&key("c"), "").await));
        assert_eq!(granted_bytes(&store, &meter).await, 0);
    }

    #[tokio::test]
    async fn without_a_reserve_only_the_disk_refuses() {
        let root = tempfile::tempdir().unwrap();
        let meter = Arc::new(Meter::default());
        let disk = Box::new(MeteredDisk(Arc::clone(&meter)));
        let options = LocalOptions::new(root.path());
        let store = LocalBlobStore::open_on(options, disk).await.unwrap();
        store.put_bytes(&key("a"), zeros(MIB)).await.unwrap();
        assert_eq!(meter.times_asked.load(Ordering::SeqCst), 0);
    }
}
