//! Moving an installation from its directory to PostgreSQL and another directory, and what is refused.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use attache::sql::PostgresOptions;
use attache::transfer::{TransferError, TransferEvent, TransferObserver, transfer};
use attache::{
    ApiKeyRequest, Body, Context, DatabaseLocation, FileId, Filename, IncomingFile, Installation,
    InstallationDatabase, InstallationOptions, OpenError, RequestId, Scopes, SigningKeySource,
    StorageLocation, TenantSlug, UploadFields,
};
use attache_testkit::ThrowawayPostgres;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use tempfile::TempDir;

/// An installation that was filled and closed, and where to move it.
struct Story {
    folder: TempDir,
    source: InstallationOptions,
    target: InstallationOptions,
    key: String,
    files: Vec<(FileId, Bytes)>,
}

impl Story {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = InstallationOptions::in_directory(folder.path().join("old"));
        let url = database();
        let keys = SigningKeySource::File(folder.path().join("old/signing-keys"));
        let blobs = StorageLocation::Local(folder.path().join("new"));
        let database = DatabaseLocation::Postgres(PostgresOptions::new(url));
        let target = InstallationOptions::new(database, blobs).with_signing_keys(keys);
        InstallationDatabase::migrate(&target).await.unwrap();
        let mut story = Self {
            folder,
            source,
            target,
            key: String::new(),
            files: Vec::new(),
        };
        story.fill().await;
        story
    }

    async fn fill(&mut self) {
        let attache = Installation::open(self.source.clone()).await.unwrap();
        let tenant = TenantSlug::parse("school-7").unwrap();
        let administration = attache.administration();
        administration.create_tenant(&tenant).await.unwrap();
        let request = ApiKeyRequest {
            tenant,
            name: None,
            scopes: Scopes::all(),
            lifetime: None,
        };
        let issued = administration.create_api_key(request).await.unwrap();
        self.key = issued.unwrap().key.reveal().to_string();
        let cx = self.sign_in(&attache).await;
        for number in 0..9_usize {
            let bytes = Bytes::from(vec![u8::try_from(number).unwrap(); number * 30_000]);
            let file = IncomingFile::named(Filename::parse(&format!("{number}.bin")).unwrap());
            let stored = attache.service();
            let body = Body::from(bytes.clone());
            let stored = stored.upload(&cx, file, UploadFields::default(), body);
            self.files.push((stored.await.unwrap().record.id, bytes));
        }
        attache.close().await;
    }

    async fn sign_in(&self, attache: &Installation) -> Context {
        let request_id = RequestId::parse("test").unwrap();
        let service = attache.service();
        service.authenticate(&self.key, request_id).await.unwrap()
    }

    async fn assert_moved(&self) {
        let attache = Installation::open(self.target.clone()).await.unwrap();
        let cx = self.sign_in(&attache).await;
        for (id, bytes) in &self.files {
            let download = attache.service().open_download(&cx, *id, false).await;
            let reader = download.unwrap().content.open(None).await.unwrap();
            let pieces: Vec<Bytes> = reader.stream.try_collect().await.unwrap();
            assert!(pieces.concat() == *bytes, "{id}");
        }
        attache.close().await;
    }

    /// The files of the blobs below one of the two directories, in the order of their keys.
    fn stored(&self, below: &str) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else {
                    found.push(path);
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.folder.path().join(below).join("blobs"), &mut found);
        found.sort();
        found
    }
}

/// The URL of an empty database that nobody else is given.
///
/// All are made before the first is given, and so before any test opens a directory: a program that
/// this process starts has every descriptor at first, and with them the locks of the directories that
/// are open, which then are in use for a moment after they were closed.
fn database() -> String {
    const TESTS: usize = 3;
    static DATABASES: LazyLock<Mutex<Vec<String>>> = LazyLock::new(|| {
        let server = ThrowawayPostgres::shared();
        let made = (0..TESTS).map(|_| server.create_database().unwrap());
        Mutex::new(made.collect())
    });
    let left = DATABASES.lock().unwrap().pop();
    left.expect("a database for each test")
}

fn silent() -> TransferObserver {
    Arc::new(|_| {})
}

#[tokio::test]
async fn everything_is_told_of_and_found_the_next_time() {
    let story = Story::new().await;
    let (blobs, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let begun = Arc::new(Mutex::new(None));
    let (seen_blobs, seen_bytes, seen) = (blobs.clone(), bytes.clone(), begun.clone());
    let observer: TransferObserver = Arc::new(move |event| match event {
        TransferEvent::Begun { blobs, bytes } => *seen.lock().unwrap() = Some((blobs, bytes)),
        TransferEvent::BytesRead(more) => {
            seen_bytes.fetch_add(more, Ordering::Relaxed);
        }
        TransferEvent::BlobCarried { .. } => {
            seen_blobs.fetch_add(1, Ordering::Relaxed);
        }
        _ => {}
    });
    let all = story
        .files
        .iter()
        .map(|(_, bytes)| bytes.len() as u64)
        .sum();
    let report = transfer(&story.source, &story.target, observer)
        .await
        .unwrap();
    assert_eq!(*begun.lock().unwrap(), Some((9, all)));
    assert_eq!(blobs.load(Ordering::Relaxed), 9);
    assert_eq!(bytes.load(Ordering::Relaxed), all);
    assert_eq!((report.blobs_carried, report.bytes_carried), (9, all));
    let files = report.tables.iter().find(|table| table.table == "files");
    assert_eq!(files.unwrap().rows, 9);

    let again = transfer(&story.source, &story.target, silent())
        .await
        .unwrap();
    assert_eq!((again.blobs_carried, again.blobs_found), (0, 9));
    story.assert_moved().await;
    // The source is as it was.
    Installation::open(story.source.clone()).await.unwrap();
}

#[tokio::test]
async fn bytes_of_a_run_that_ended_before_their_row_are_verified_and_not_trusted() {
    let story = Story::new().await;
    // The target's directory, and in it the bytes of two blobs that its database does not know.
    drop(
        attache::storage::LocalBlobStore::open(attache::storage::LocalOptions::new(
            story.folder.path().join("new"),
        ))
        .await
        .unwrap(),
    );
    let old = story.folder.path().join("old/blobs");
    let large = story.stored("old/blobs").into_iter();
    let large = large.filter(|path| path.metadata().unwrap().len() > 50_000);
    for (path, is_right) in large.zip([true, false]) {
        let to = story
            .folder
            .path()
            .join("new")
            .join(path.strip_prefix(&old).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        if !is_right {
            bytes[70] ^= 1;
        }
        std::fs::write(to, bytes).unwrap();
    }
    let report = transfer(&story.source, &story.target, silent())
        .await
        .unwrap();
    assert_eq!(report.blobs_carried, 9);
    story.assert_moved().await;
}

#[tokio::test]
async fn what_cannot_be_moved_is_refused_and_nothing_is_made() {
    let story = Story::new().await;
    let run = |source, target| async move { transfer(&source, &target, silent()).await };

    let served = Installation::open(story.source.clone()).await.unwrap();
    let refused = run(story.source.clone(), story.target.clone()).await;
    assert!(
        matches!(
            refused,
            Err(TransferError::OpenSource(OpenError::InUse { .. }))
        ),
        "{refused:?}"
    );
    served.close().await;

    let mut same = story.target.clone();
    same.storage = story.source.storage.clone();
    let refused = run(story.source.clone(), same).await;
    assert!(
        matches!(refused, Err(TransferError::SameStore)),
        "{refused:?}"
    );
    let refused = run(story.target.clone(), story.target.clone()).await;
    assert!(matches!(refused, Err(TransferError::SourceNotSqlite)));
    let refused = run(story.source.clone(), story.source.clone()).await;
    assert!(matches!(refused, Err(TransferError::TargetNotPostgres)));
    let missing = story.folder.path().join("missing");
    let refused = run(
        InstallationOptions::in_directory(&missing),
        story.target.clone(),
    )
    .await;
    assert!(matches!(refused, Err(TransferError::NoSource { .. })));
    assert!(!missing.exists());
    assert!(!story.folder.path().join("new").exists());
}
