//! Verification: what it reports, marks and leaves alone.

use std::sync::Mutex;

use attache_metadata::BlobFault;
use attache_model::{Context, FileId, FileRecord, TenantId};
use attache_service::{VerifyEvent, VerifyOptions, VerifyReport, verify};
use attache_storage::{BlobKey, BlobStoreExt};
use attache_testkit::Fixture;
use bytes::Bytes;

use super::support::{begin, hello, store};

/// The findings of a verification, in the order of their texts.
async fn run(fixture: &Fixture, options: VerifyOptions) -> (VerifyReport, Vec<String>) {
    let found = Mutex::new(Vec::new());
    let observe = |event: VerifyEvent<'_>| {
        let text = match event {
            VerifyEvent::Lost { file, fault } => format!("{} {fault}", file.record.id),
            VerifyEvent::Unknown { key } => format!("unknown {key}"),
            _ => return,
        };
        found.lock().unwrap().push(text);
    };
    let (repository, store) = (fixture.repository.as_ref(), fixture.store.as_ref());
    let report = verify(repository, store, options, &observe).await.unwrap();
    let mut found = found.into_inner().unwrap();
    found.sort();
    (report, found)
}

async fn replace(fixture: &Fixture, cx: &Context, file: FileId, bytes: Option<&'static str>) {
    let found = fixture.repository.find_file(cx, file).await.unwrap();
    let key = BlobKey::parse(found.unwrap().blob.storage_key).unwrap();
    fixture.store.delete(&key).await.unwrap();
    if let Some(bytes) = bytes {
        fixture.store.put_bytes(&key, bytes).await.unwrap();
    }
}

fn lines(files: &[(&FileRecord, BlobFault)]) -> Vec<String> {
    let lines = files
        .iter()
        .map(|(file, fault)| format!("{} {fault}", file.id));
    let mut lines: Vec<_> = lines.collect();
    lines.sort();
    lines
}

const DEEP: VerifyOptions = VerifyOptions {
    tenant: None,
    deep: true,
    mark: false,
};

async fn marked(fixture: &Fixture, tenant: Option<TenantId>) -> usize {
    let listed = fixture.repository.list_live_blobs(tenant, None, 100).await;
    let listed = listed.unwrap();
    listed.iter().filter(|blob| blob.fault.is_some()).count()
}

#[tokio::test]
async fn every_file_of_lost_bytes_is_reported() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let other = fixture.context("b").await;
    let shared = store(&fixture.service, &cx, "1", b"shared").await;
    let sharing = store(&fixture.service, &cx, "2", b"shared").await;
    let short = store(&fixture.service, &cx, "3", b"short").await;
    let flipped = store(&fixture.service, &cx, "4", b"flipped").await;
    let theirs = store(&fixture.service, &other, "5", b"shared").await;
    store(&fixture.service, &other, "6", b"right").await;
    // Bytes in flight belong to somebody.
    begin(&fixture, &cx, hello()).await;
    let (report, found) = run(&fixture, DEEP).await;
    assert_eq!((report.blobs, report.lost_files), (5, 0));
    assert!(found.is_empty(), "{found:?}");

    fixture.service.archive_file(&cx, sharing.id).await.unwrap();
    replace(&fixture, &cx, shared.id, None).await;
    replace(&fixture, &cx, short.id, Some("shor")).await;
    replace(&fixture, &cx, flipped.id, Some("Flipped")).await;
    replace(&fixture, &other, theirs.id, None).await;
    let missing = BlobFault::Missing;
    let of_a = [
        (&shared, missing),
        (&sharing, missing),
        (&short, BlobFault::WrongSize),
    ];
    let quick = VerifyOptions::default();
    let only_a = VerifyOptions {
        tenant: Some(cx.tenant()),
        ..quick
    };
    let (report, found) = run(&fixture, only_a).await;
    assert_eq!(found, lines(&of_a));
    assert_eq!((report.lost_blobs, report.lost_files), (2, 3));
    let mut all = of_a.to_vec();
    all.push((&theirs, missing));
    assert_eq!(run(&fixture, quick).await.1, lines(&all));
    all.push((&flipped, BlobFault::WrongDigest));
    assert_eq!(run(&fixture, DEEP).await.1, lines(&all));
    assert_eq!(marked(&fixture, None).await, 0);
}

#[tokio::test]
async fn unknown_key_is_reported_and_kept() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    store(&fixture.service, &cx, "1", b"known").await;
    let mut keys = Vec::new();
    for key in [
        format!("{}/00/orphan", cx.tenant()),
        "999/00/orphan".to_owned(),
    ] {
        let key = BlobKey::parse(key).unwrap();
        fixture
            .store
            .put_bytes(&key, Bytes::from("x"))
            .await
            .unwrap();
        keys.push(format!("unknown {key}"));
    }
    keys.sort();
    let (report, found) = run(&fixture, VerifyOptions::default()).await;
    assert_eq!((found, report.unknown_blobs), (keys.clone(), 2));
    let only_a = VerifyOptions {
        tenant: Some(cx.tenant()),
        ..VerifyOptions::default()
    };
    let expected = format!("unknown {}/00/orphan", cx.tenant());
    assert_eq!(run(&fixture, only_a).await.1, [expected]);
    assert_eq!(fixture.blob_count().await, 3);
}

#[tokio::test]
async fn marks_follow_what_is_found() {
    let fixture = Fixture::new().await;
    let cx = fixture.context("a").await;
    let flipped = store(&fixture.service, &cx, "1", b"flipped").await;
    let gone = store(&fixture.service, &cx, "2", b"gone").await;
    replace(&fixture, &cx, flipped.id, Some("Flipped")).await;
    replace(&fixture, &cx, gone.id, None).await;
    let marking = |deep| VerifyOptions {
        deep,
        mark: true,
        ..VerifyOptions::default()
    };
    let (report, _) = run(&fixture, marking(true)).await;
    assert_eq!((report.marked, report.unmarked), (2, 0));
    assert_eq!(marked(&fixture, None).await, 2);
    let (report, _) = run(&fixture, marking(true)).await;
    assert_eq!((report.marked, report.unmarked), (0, 0));

    replace(&fixture, &cx, flipped.id, Some("flipped")).await;
    replace(&fixture, &cx, gone.id, Some("gone")).await;
    // A quick run has not read the bytes that were wrong.
    let (report, _) = run(&fixture, marking(false)).await;
    assert_eq!((report.marked, report.unmarked), (0, 1));
    let (report, _) = run(&fixture, marking(true)).await;
    assert_eq!((report.marked, report.unmarked), (0, 1));
    assert_eq!(marked(&fixture, None).await, 0);
}
