//! A data directory with an installation, and what is done to it between two openings.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attache::model::{Clock as _, SystemClock};
use attache::service::{IdentityError, UploadSession};
use attache::{
    ApiKeyRequest, Body, Context, FileId, FileService, Filename, IncomingFile, Installation,
    InstallationOptions, OpenError, RequestId, Scopes, StorageLocation, TenantSlug, UploadFields,
};
use attache_testkit::ManualClock;
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use tempfile::TempDir;

/// A data directory, and a folder beside it for what is moved away.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) clock: Arc<ManualClock>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::at(SystemClock.now())),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn options(&self) -> InstallationOptions {
        let mut options = InstallationOptions::in_directory(self.path("data"));
        options.clock = self.clock.clone();
        options
    }

    /// The same database with its bytes elsewhere.
    pub(crate) fn options_with_store(&self, name: &str) -> InstallationOptions {
        let mut options = self.options();
        options.storage = StorageLocation::Local(self.path(name));
        options
    }

    pub(crate) async fn open(&self) -> Installation {
        Installation::open(self.options()).await.unwrap()
    }

    /// Opens the installation for the first time and stores a file.
    pub(crate) async fn fill(&self) -> Stored {
        let attache = self.open().await;
        let cx = sign_in(&attache, self.clock.as_ref()).await;
        let id = store(attache.service(), &cx, b"kept").await;
        attache.close().await;
        Stored { cx, id }
    }

    /// Copies the closed or quiet database to a folder, as an operator's backup does.
    pub(crate) fn copy_database(&self, from: &str, to: &str) {
        fs::create_dir_all(self.path(to)).unwrap();
        for end in ["", "-wal"] {
            let name = format!("attache.db{end}");
            let (from, to) = (self.path(from).join(&name), self.path(to).join(&name));
            let _ = fs::remove_file(&to);
            if from.exists() {
                fs::copy(from, to).unwrap();
            }
        }
        let _ = fs::remove_file(self.path(to).join("attache.db-shm"));
    }

    pub(crate) async fn refused(&self, options: InstallationOptions) -> IdentityError {
        match Installation::open(options).await.map(drop) {
            Err(OpenError::Identity(error)) => error,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn blob_files(&self) -> usize {
        fn count(path: &Path) -> usize {
            let entries = fs::read_dir(path).into_iter().flatten();
            let counts = entries.map(|entry| match entry.unwrap().path() {
                folder if folder.is_dir() => count(&folder),
                _ => 1,
            });
            counts.sum()
        }
        count(&self.path("data/blobs/blobs"))
    }

    pub(crate) async fn assert_reads(&self, stored: &Stored) {
        let attache = self.open().await;
        let download = attache
            .service()
            .open_download(&stored.cx, stored.id, false);
        let reader = download.await.unwrap().content.open(None).await.unwrap();
        let pieces: Vec<Bytes> = reader.stream.try_collect().await.unwrap();
        assert_eq!(pieces.concat(), b"kept");
        attache.close().await;
    }
}

pub(crate) struct Stored {
    pub(crate) cx: Context,
    id: FileId,
}

async fn sign_in(attache: &Installation, clock: &ManualClock) -> Context {
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
    let principal = issued.unwrap().principal;
    let request_id = RequestId::parse("test").unwrap();
    Context::for_principal(principal, request_id, clock.now())
}

pub(crate) fn incoming() -> IncomingFile {
    IncomingFile::named(Filename::parse("a.bin").unwrap())
}

pub(crate) async fn store(service: &FileService, cx: &Context, bytes: &'static [u8]) -> FileId {
    let body = Body::from(Bytes::from_static(bytes));
    let stored = service.upload(cx, incoming(), UploadFields::default(), body);
    stored.await.unwrap().record.id
}

/// Begins an upload whose bytes have arrived, and which is not committed.
pub(crate) async fn begin(
    service: &FileService,
    cx: &Context,
    bytes: &'static [u8],
) -> UploadSession {
    let mut session = service.open_session(cx, None).await.unwrap();
    let body = Body::from(Bytes::from_static(bytes));
    session.add_file(incoming(), body).await.unwrap();
    session
}
