//! Data migration from one directory to PostgreSQL and another directory, and its refusals.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use attache::data_migration::{
    DataMigrationError, DataMigrationEvent, DataMigrationObserver, migrate_data,
};
use attache::sql::PostgresOptions;
use attache::{
    ApiKeyRequest, Body, Context, DatabaseLocation, FileId, Filename, IncomingFile, Installation,
    InstallationDatabase, InstallationOptions, OpenError, RequestId, Scopes, SigningKeySource,
    StorageLocation, TenantSlug, UploadFields,
};
use attache_testkit::ThrowawayPostgres;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use tempfile::TempDir;

/// A filled and closed installation, and the target of its migration.
struct Fixture {
    folder: TempDir,
    source: InstallationOptions,
    target: InstallationOptions,
    key: String,
    files: Vec<(FileId, Bytes)>,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = InstallationOptions::in_directory(folder.path().join("old"));
        let url = database();
        let keys = SigningKeySource::File(folder.path().join("old/signing-keys"));
        let blobs = StorageLocation::Local(folder.path().join("new"));
        let database = DatabaseLocation::Postgres(PostgresOptions::new(url));
        let target = InstallationOptions::new(database, blobs).with_signing_keys(keys);
        InstallationDatabase::migrate(&target).await.unwrap();
        let mut fixture = Self {
            folder,
            source,
            target,
            key: String::new(),
            files: Vec::new(),
        };
        fixture.fill().await;
        fixture
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

    async fn assert_migrated(&self) {
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

    /// Lists the blob files below one of the two directories, ordered by key.
    fn blob_files(&self, below: &str) -> Vec<PathBuf> {
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

/// Returns the URL of an empty database that no other test uses.
///
/// All databases are created before any test opens a directory. A program that this process starts
/// inherits every descriptor until it executes, and with them the locks of open directories, which
/// would then stay locked for an instant after they are closed.
fn database() -> String {
    const TESTS: usize = 3;
    static DATABASES: LazyLock<Mutex<Vec<String>>> = LazyLock::new(|| {
        let server = ThrowawayPostgres::shared();
        let created = (0..TESTS).map(|_| server.create_database().unwrap());
        Mutex::new(created.collect())
    });
    let database = DATABASES.lock().unwrap().pop();
    database.expect("a database for each test")
}

fn silent() -> DataMigrationObserver {
    Arc::new(|_| {})
}

#[tokio::test]
async fn second_run_copies_nothing() {
    let fixture = Fixture::new().await;
    let (blobs, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let started = Arc::new(Mutex::new(None));
    let (seen_blobs, seen_bytes, seen) = (blobs.clone(), bytes.clone(), started.clone());
    let observer: DataMigrationObserver = Arc::new(move |event| match event {
        DataMigrationEvent::Started { blobs, bytes } => {
            *seen.lock().unwrap() = Some((blobs, bytes));
        }
        DataMigrationEvent::BytesRead(more) => {
            seen_bytes.fetch_add(more, Ordering::Relaxed);
        }
        DataMigrationEvent::BlobCopied { .. } => {
            seen_blobs.fetch_add(1, Ordering::Relaxed);
        }
        _ => {}
    });
    let all = fixture
        .files
        .iter()
        .map(|(_, bytes)| bytes.len() as u64)
        .sum();
    let report = migrate_data(&fixture.source, &fixture.target, observer)
        .await
        .unwrap();
    assert_eq!(*started.lock().unwrap(), Some((9, all)));
    assert_eq!(blobs.load(Ordering::Relaxed), 9);
    assert_eq!(bytes.load(Ordering::Relaxed), all);
    assert_eq!((report.blobs_copied, report.bytes_copied), (9, all));
    let files = report.tables.iter().find(|table| table.table == "files");
    assert_eq!(files.unwrap().rows, 9);

    let again = migrate_data(&fixture.source, &fixture.target, silent())
        .await
        .unwrap();
    assert_eq!((again.blobs_copied, again.blobs_skipped), (0, 9));
    fixture.assert_migrated().await;
    // The source is unchanged and can be opened.
    Installation::open(fixture.source.clone()).await.unwrap();
}

#[tokio::test]
async fn bytes_without_a_row_are_verified_before_use() {
    let fixture = Fixture::new().await;
    // Two blobs exist in the target's directory but not in its database.
    drop(
        attache::storage::LocalBlobStore::open(attache::storage::LocalOptions::new(
            fixture.folder.path().join("new"),
        ))
        .await
        .unwrap(),
    );
    let old = fixture.folder.path().join("old/blobs");
    let large = fixture.blob_files("old/blobs").into_iter();
    let large = large.filter(|path| path.metadata().unwrap().len() > 50_000);
    for (path, is_intact) in large.zip([true, false]) {
        let to = fixture
            .folder
            .path()
            .join("new")
            .join(path.strip_prefix(&old).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        if !is_intact {
            bytes[70] ^= 1;
        }
        std::fs::write(to, bytes).unwrap();
    }
    let report = migrate_data(&fixture.source, &fixture.target, silent())
        .await
        .unwrap();
    assert_eq!(report.blobs_copied, 9);
    fixture.assert_migrated().await;
}

#[tokio::test]
async fn invalid_migration_is_refused_and_creates_nothing() {
    let fixture = Fixture::new().await;
    let run = |source, target| async move { migrate_data(&source, &target, silent()).await };

    let in_use = Installation::open(fixture.source.clone()).await.unwrap();
    let refused = run(fixture.source.clone(), fixture.target.clone()).await;
    assert!(
        matches!(
            refused,
            Err(DataMigrationError::OpenSource(OpenError::InUse { .. }))
        ),
        "{refused:?}"
    );
    in_use.close().await;

    let mut same = fixture.target.clone();
    same.storage = fixture.source.storage.clone();
    let refused = run(fixture.source.clone(), same).await;
    assert!(
        matches!(refused, Err(DataMigrationError::SameStore)),
        "{refused:?}"
    );
    let refused = run(fixture.target.clone(), fixture.target.clone()).await;
    assert!(matches!(refused, Err(DataMigrationError::SourceNotSqlite)));
    let refused = run(fixture.source.clone(), fixture.source.clone()).await;
    assert!(matches!(
        refused,
        Err(DataMigrationError::TargetNotPostgres)
    ));
    let missing = fixture.folder.path().join("missing");
    let refused = run(
        InstallationOptions::in_directory(&missing),
        fixture.target.clone(),
    )
    .await;
    assert!(matches!(
        refused,
        Err(DataMigrationError::MissingSource { .. })
    ));
    assert!(!missing.exists());
    assert!(!fixture.folder.path().join("new").exists());
}
