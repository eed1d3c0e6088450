//! The local store on small filesystems of its own, which need root to mount: full disks, reserves.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use attache_storage::{
    BlobErrorKind, BlobStore, BlobStoreExt, Body, LocalBlobStore, LocalOptions, PutOptions,
};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};

use crate::support::{key, open, staged, store_kind};

/// A small filesystem, unmounted on drop.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts a filesystem, or returns `None` if that is not allowed.
    fn mount(size_mib: u64) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let options = format!("size={size_mib}m,mode=700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(directory.path())
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(directory))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
        drop(unmounted);
    }
}

/// Reports a skipped test past the harness's capture. Panics where nothing may be skipped.
fn skip(test: &str, reason: &str) {
    use std::io::Write as _;
    let line = format!("SKIPPED {test}: {reason}");
    assert!(std::env::var_os("ATTACHE_REQUIRE_ALL").is_none(), "{line}");
    drop(writeln!(std::io::stderr(), "{line}"));
}

#[tokio::test]
async fn full_disk_is_out_of_space_and_recovers() {
    let Some(disk) = SmallDisk::mount(1) else {
        return skip(
            "full_disk_is_out_of_space_and_recovers",
            "mounting a tmpfs needs root",
        );
    };
    let root = disk.0.path().join("data");
    let store = open(&root).await;
    store.put_bytes(&key("7/91/small"), "x").await.unwrap();
    let chunk = Bytes::from(vec![7; 100_000]);
    let body = Body::from_stream(stream::iter(vec![chunk; 20]).map(Ok));
    let large = key("7/91/large");
    let result = store.put(&large, body, PutOptions::default()).await;
    assert_eq!(store_kind(result), BlobErrorKind::OutOfSpace);
    assert_eq!(staged(&root), 0);
    let missing = store.head(&large).await.unwrap_err();
    assert_eq!(missing.kind(), BlobErrorKind::NotFound);
    // The space is free again, and the store still works.
    store.put_bytes(&large, vec![7; 500_000]).await.unwrap();
    assert!(store.health().await.unwrap().free_bytes.unwrap() < 600_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_puts_leave_the_reserve_of_a_disk() {
    const RESERVED_BYTES: u64 = 8 << 20;
    let Some(disk) = SmallDisk::mount(32) else {
        return skip(
            "parallel_puts_leave_the_reserve_of_a_disk",
            "mounting a tmpfs needs root",
        );
    };
    let options = LocalOptions::new(disk.0.path().join("data")).with_reserved_bytes(RESERVED_BYTES);
    let store = LocalBlobStore::open(options).await.unwrap();
    let is_over = AtomicBool::new(false);
    let (results, least_bytes) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut least_bytes = u64::MAX;
            while !is_over.load(Ordering::Relaxed) {
                let stat = rustix::fs::statvfs(disk.0.path()).unwrap();
                least_bytes = least_bytes.min(stat.f_bavail * stat.f_frsize);
            }
            least_bytes
        });
        let puts = (0..8).map(|number| {
            let chunks = vec![Bytes::from(vec![7; 128 << 10]); 64];
            let body = Body::from_stream(stream::iter(chunks).map(Ok));
            let (store, key) = (&store, key(&format!("7/91/{number}")));
            async move { store.put(&key, body, PutOptions::default()).await }
        });
        let results = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(join_all(puts))
        });
        is_over.store(true, Ordering::Relaxed);
        (results, watch.join().unwrap())
    });
    let refused = results.into_iter().filter(Result::is_err);
    let kinds: Vec<_> = refused.map(store_kind).collect();
    assert!(kinds.len() >= 5, "three of eight fit: {kinds:?}");
    assert!(kinds.iter().all(|kind| *kind == BlobErrorKind::OutOfSpace));
    assert!(least_bytes >= RESERVED_BYTES, "{least_bytes} bytes");
}

#[tokio::test]
async fn staging_on_another_filesystem_is_refused() {
    let Some(disk) = SmallDisk::mount(1) else {
        return skip(
            "staging_on_another_filesystem_is_refused",
            "mounting a tmpfs needs root",
        );
    };
    let directory = tempfile::tempdir().unwrap();
    let staging = directory.path().join("staging");
    std::fs::create_dir(&staging).unwrap();
    let bound = Command::new("mount")
        .arg("--bind")
        .args([disk.0.path(), &staging])
        .status();
    assert!(bound.unwrap().success());
    let opened = LocalBlobStore::open(LocalOptions::new(directory.path())).await;
    drop(Command::new("umount").arg("-l").arg(&staging).status());
    assert_eq!(opened.unwrap_err().kind(), BlobErrorKind::Other);
}
