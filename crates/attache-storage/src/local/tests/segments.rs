//! Small blobs that share files.

use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use attache_model::{BlobId, OsEntropy, TenantId, Timestamp};
use futures_util::future::{join_all, poll_immediate};

use super::*;
use crate::ReadOnlyLocalBlobStore;

const SEGMENT: &str = "7/small/0190163d8694739baea5966c26f8ad91";

fn slot(number: u16) -> BlobKey {
    BlobKey::parse(format!("{SEGMENT}/{number:04x}")).unwrap()
}

fn content(number: u16) -> Bytes {
    Bytes::from(format!("content of {number} ").repeat(usize::from(number) + 1))
}

fn file_of(root: &Path) -> PathBuf {
    root.join("blobs").join(SEGMENT)
}

async fn put_all(store: &LocalBlobStore, numbers: impl Iterator<Item = u16>) {
    let puts = numbers.map(|number| async move {
        store
            .put_bytes(&slot(number), content(number))
            .await
            .unwrap();
    });
    join_all(puts).await;
}

async fn put_error(store: &LocalBlobStore, number: u16) -> BlobErrorKind {
    match store.put_bytes(&slot(number), content(number)).await {
        Err(PutError::Store(error)) => error.kind(),
        result => panic!("not a failure of the store: {result:?}"),
    }
}

async fn head_error(store: &LocalBlobStore, number: u16) -> BlobErrorKind {
    store.head(&slot(number)).await.unwrap_err().kind()
}

/// Returns `true` if the bytes are anywhere below the root.
fn holds(root: &Path, bytes: &[u8]) -> bool {
    let Ok(segment) = std::fs::read(file_of(root)) else {
        return false;
    };
    segment.windows(bytes.len()).any(|window| window == bytes)
}

#[tokio::test]
async fn slots_read_list_and_delete_as_files_do() {
    let root = tempfile::tempdir().unwrap();
    let (store, _) = open(root.path()).await;
    put_all(&store, [0, 1, 5, 1023].into_iter()).await;
    store.put_bytes(&key("file"), "file").await.unwrap();
    let beside = ReadOnlyLocalBlobStore::open(root.path()).await.unwrap();
    for number in [0, 1, 5, 1023] {
        let expected = content(number);
        let read = store.read_to_end(&slot(number), 99_999).await.unwrap();
        assert_eq!(read, expected);
        let read = beside.read_to_end(&slot(number), 99_999).await.unwrap();
        assert_eq!(read, expected);
        let size_bytes = store.head(&slot(number)).await.unwrap().size_bytes;
        assert_eq!(size_bytes, expected.len() as u64);
    }
    let all = store.list("", None, 99).await.unwrap().keys;
    assert_eq!(all, [key("file"), slot(0), slot(1), slot(5), slot(1023)]);
    let page = store.list("7/", Some(&slot(0)), 2).await.unwrap();
    assert_eq!((page.keys, page.has_more), (vec![slot(1), slot(5)], true));
    let in_segment = store.list(slot(0).as_str(), None, 9).await.unwrap();
    assert_eq!(in_segment.keys, [slot(0)]);

    store.delete(&slot(5)).await.unwrap();
    store.delete(&slot(5)).await.unwrap();
    assert_eq!(head_error(&store, 5).await, BlobErrorKind::NotFound);
    assert!(!holds(root.path(), b"content of 5"));
    assert!(holds(root.path(), b"content of 1023"));
    // Neither the name of a segment nor a slot that was never written is a blob.
    assert_eq!(head_error(&store, 700).await, BlobErrorKind::NotFound);
    let segment = BlobKey::parse(SEGMENT).unwrap();
    assert!(
        !store
            .list("", None, 99)
            .await
            .unwrap()
            .keys
            .contains(&segment)
    );
}

#[tokio::test]
async fn segment_without_blobs_is_removed() {
    let root = tempfile::tempdir().unwrap();
    let (store, faults) = open(root.path()).await;
    put_all(&store, 0..3).await;
    assert!(file_of(root.path()).exists());
    for number in 0..3 {
        store.delete(&slot(number)).await.unwrap();
    }
    assert!(!file_of(root.path()).exists());
    // A put that has a slot of it already creates it again, and its name is made durable again.
    let before = faults.directory_syncs.load(Ordering::Relaxed);
    put_all(&store, 4..5).await;
    assert_eq!(faults.directory_syncs.load(Ordering::Relaxed) - before, 1);
    assert_eq!(store.read_to_end(&slot(4), 99).await.unwrap(), content(4));
}

#[tokio::test]
async fn blobs_stored_at_once_share_syncs() {
    let root = tempfile::tempdir().unwrap();
    let (store, faults) = open(root.path()).await;
    let before = faults.file_syncs.load(Ordering::Relaxed);
    put_all(&store, 0..100).await;
    let syncs = faults.file_syncs.load(Ordering::Relaxed) - before;
    assert!((1..=10).contains(&syncs), "{syncs} syncs");
}

#[tokio::test]
async fn slot_is_written_once() {
    let root = tempfile::tempdir().unwrap();
    let (store, _) = open(root.path()).await;
    put_all(&store, 3..4).await;
    assert_eq!(put_error(&store, 3).await, BlobErrorKind::AlreadyExists);
    assert_eq!(store.read_to_end(&slot(3), 99).await.unwrap(), content(3));
}

#[tokio::test]
async fn failed_sync_fails_all_blobs_of_its_batch() {
    for (step, calls) in [(Step::SyncFile, 0), (Step::SyncDirectory, 3)] {
        let root = tempfile::tempdir().unwrap();
        let (store, faults) = open(root.path()).await;
        put_all(&store, 0..1).await;
        let other = SEGMENT.replace('7', "8");
        let keys: Vec<_> = (0..8)
            .map(|number| BlobKey::parse(format!("{other}/{number:04x}")).unwrap())
            .collect();
        faults.fail_after(
            step,
            if step == Step::SyncFile { 0 } else { calls - 1 },
            Errno::IO,
        );
        let puts = keys.iter().map(|key| store.put_bytes(key, "x"));
        for result in join_all(puts).await {
            assert!(matches!(result, Err(PutError::Store(_))), "{result:?}");
        }
        for key in &keys {
            let missing = store.head(key).await.unwrap_err();
            assert_eq!(missing.kind(), BlobErrorKind::NotFound);
        }
        assert_eq!(put_error(&store, 1).await, BlobErrorKind::Unavailable);
        let refused = store.delete(&slot(0)).await.unwrap_err();
        assert_eq!(refused.kind(), BlobErrorKind::Unavailable);
        assert_eq!(store.read_to_end(&slot(0), 99).await.unwrap(), content(0));
    }
}

#[tokio::test]
async fn failed_write_fails_its_blob_alone() {
    let root = tempfile::tempdir().unwrap();
    let (store, faults) = open(root.path()).await;
    faults.fail_after(Step::Write, 2, Errno::NOSPC);
    let keys: Vec<_> = (0..3).map(slot).collect();
    let puts = keys.iter().map(|key| store.put_bytes(key, "x"));
    let results: Vec<_> = join_all(puts)
        .await
        .iter()
        .map(std::result::Result::is_ok)
        .collect();
    assert_eq!(results, [true, false, true]);
    assert_eq!(head_error(&store, 1).await, BlobErrorKind::NotFound);
    store.health().await.unwrap();
}

#[tokio::test]
async fn damage_is_never_served() {
    let root = tempfile::tempdir().unwrap();
    let (store, _) = open(root.path()).await;
    put_all(&store, 0..2).await;
    let file = std::fs::File::options()
        .write(true)
        .open(file_of(root.path()));
    let file = file.unwrap();
    file.write_all_at(b"X", 64 + 3).unwrap();
    let damaged = store.get(&slot(0), None).await.unwrap_err();
    assert_eq!(damaged.kind(), BlobErrorKind::Corrupt);
    file.write_all_at(b"X", 65_536 + 20).unwrap();
    let headless = store.get(&slot(1), None).await.unwrap_err();
    assert_eq!(headless.kind(), BlobErrorKind::NotFound);
    file.set_len(70).unwrap();
    let cut = store.get(&slot(0), None).await.unwrap_err();
    assert_eq!(cut.kind(), BlobErrorKind::Corrupt);
}

#[tokio::test]
async fn dropped_put_is_final_once_deleted() {
    let root = tempfile::tempdir().unwrap();
    let (store, _) = open(root.path()).await;
    let bytes = content(2);
    let key = slot(2);
    let mut put = Box::pin(store.put_bytes(&key, bytes));
    assert!(poll_immediate(&mut put).await.is_none());
    drop(put);
    store.delete(&slot(2)).await.unwrap();
    assert_eq!(head_error(&store, 2).await, BlobErrorKind::NotFound);
    assert!(!holds(root.path(), b"content of 2"));
}

#[tokio::test(start_paused = true)]
async fn slow_body_is_written_in_parts() {
    let root = tempfile::tempdir().unwrap();
    let (store, faults) = open(root.path()).await;
    let chunks = futures_util::stream::iter(["first ", "second"]).then(async |chunk| {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        Ok(Bytes::from(chunk))
    });
    store
        .put(&slot(0), Body::from_stream(chunks), PutOptions::default())
        .await
        .unwrap();
    assert_eq!(
        store.read_to_end(&slot(0), 99).await.unwrap(),
        "first second"
    );
    assert!(
        faults.writes.load(Ordering::Relaxed) >= 3,
        "two parts and a head"
    );
}

#[tokio::test]
async fn body_beyond_the_slot_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (store, _) = open(root.path()).await;
    let fits = Bytes::from(vec![1; 65_472]);
    store.put_bytes(&slot(0), fits.clone()).await.unwrap();
    let too_large = Bytes::from(vec![1; 65_473]);
    assert!(store.put_bytes(&slot(1), too_large).await.is_err());
    put_all(&store, 2..3).await;
    assert_eq!(store.read_to_end(&slot(0), 99_999).await.unwrap(), fits);
    assert_eq!(head_error(&store, 1).await, BlobErrorKind::NotFound);
}

#[tokio::test]
async fn filesystem_without_holes_gets_files() {
    for (root, store, faults) in open_both().await {
        let _waiting: Vec<_> = (0..9).map(|_| store.shared.allocation.waiting()).collect();
        let blob = BlobId::generate(Timestamp::from_millis(1), &OsEntropy);
        let new = store.new_key(TenantId::new(7), blob, Some(1));
        let is_slot = new != BlobKey::for_blob(TenantId::new(7), blob);
        assert_eq!(is_slot, !faults.refuses_unnamed_files);
        // Slots that came from elsewhere are emptied all the same.
        put_all(&store, 0..2).await;
        store.delete(&slot(0)).await.unwrap();
        assert!(!holds(root.path(), b"content of 0"));
        assert_eq!(head_error(&store, 0).await, BlobErrorKind::NotFound);
        assert_eq!(store.read_to_end(&slot(1), 99).await.unwrap(), content(1));
    }
}
