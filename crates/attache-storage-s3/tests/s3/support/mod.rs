//! An S3 of the test's own on loopback, with a proxy before it that breaks what it is told to.

mod client;
mod fault;
mod proxy;

use std::sync::Arc;
use std::time::Duration;

use attache_model::Sha256Digest;
use attache_storage::{BlobKey, BlobStore, Body, PutOptions};
use attache_storage_s3::{S3BlobStore, S3Credentials, S3Options};
use bytes::Bytes;
use futures_util::stream;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

pub(crate) use client::send;
pub(crate) use fault::{Fault, Operation};
pub(crate) use proxy::Proxy;

pub(crate) const BUCKET: &str = "bucket";
const ACCESS_KEY_ID: &str = "AKIDTEST";
const SECRET: &str = "canary-secret-of-the-tests";

/// More than one part of the smallest size that S3 takes.
pub(crate) const LARGE: usize = 5 * 1024 * 1024 + 3;

pub(crate) struct TestS3 {
    pub(crate) proxy: Arc<Proxy>,
    port: u16,
    _directory: tempfile::TempDir,
}

impl TestS3 {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join(BUCKET)).unwrap();
        let files = s3s_fs::FileSystem::new(directory.path()).unwrap();
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET));
        let proxy = Arc::new(Proxy::new(service.build(), directory.path().to_owned()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(serve(listener, Arc::clone(&proxy)));
        Self {
            proxy,
            port,
            _directory: directory,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// With a region of its own, as the SDK counts retries by region.
    pub(crate) fn options(&self) -> S3Options {
        let (endpoint, port) = (self.endpoint(), self.port);
        let url = format!("s3://{BUCKET}?endpoint={endpoint}&region=test-{port}");
        S3Options::parse(&url)
            .unwrap()
            .with_part_size_bytes(0)
            .with_attempt_timeout(Duration::from_secs(1))
    }

    pub(crate) fn store(&self) -> S3BlobStore {
        Self::store_with(self.options())
    }

    pub(crate) fn store_with(options: S3Options) -> S3BlobStore {
        S3BlobStore::new(options, &S3Credentials::new(ACCESS_KEY_ID, SECRET))
    }
}

async fn serve(listener: TcpListener, proxy: Arc<Proxy>) {
    while let Ok((connection, _)) = listener.accept().await {
        let proxy = Arc::clone(&proxy);
        let service = hyper::service::service_fn(move |request| {
            let proxy = Arc::clone(&proxy);
            async move { proxy.answer(request).await }
        });
        let serving = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(connection), service);
        tokio::spawn(async move {
            // A fault that cuts the connection is an error here.
            let _ = serving.await;
        });
    }
}

pub(crate) fn key(name: &str) -> BlobKey {
    BlobKey::parse(name).unwrap()
}

/// Bytes that repeat nowhere soon.
pub(crate) fn pattern(size: usize) -> Bytes {
    (0..size)
        .map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap())
        .collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest::from_bytes(Sha256::digest(bytes).into())
}

/// A body of unknown length.
pub(crate) fn unknown_length(bytes: &Bytes) -> Body {
    let chunks: Vec<_> = bytes
        .chunks(100_000)
        .map(|chunk| Ok(bytes.slice_ref(chunk)))
        .collect();
    Body::from_stream(stream::iter(chunks))
}

pub(crate) async fn put(store: &S3BlobStore, key: &BlobKey, bytes: &Bytes) {
    let options = PutOptions::default();
    let stored = store
        .put(key, unknown_length(bytes), options)
        .await
        .unwrap();
    assert_eq!(stored.sha256, sha256(bytes));
}
