//! A store on an S3 of the test's own, which breaks what it is told to.

mod client;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use attache_model::Sha256Digest;
use attache_storage::{BlobKey, BlobStore, Body, PutOptions};
use attache_storage_s3::{S3BlobStore, S3Credentials, S3Options};
use attache_testkit::ThrowawayS3;
pub(crate) use attache_testkit::{S3Fault as Fault, S3Operation as Operation};
use bytes::Bytes;
use futures_util::stream;
use sha2::{Digest, Sha256};

pub(crate) use client::send;

pub(crate) const BUCKET: &str = "bucket";

/// More than one part of the smallest size that S3 takes.
pub(crate) const LARGE: usize = 5 * 1024 * 1024 + 3;

pub(crate) struct TestS3 {
    pub(crate) server: Arc<ThrowawayS3>,
}

impl TestS3 {
    pub(crate) fn start() -> Self {
        let server = ThrowawayS3::start().unwrap();
        server.create_bucket(BUCKET).unwrap();
        Self {
            server: Arc::new(server),
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// With so much time for each try that none is repeated for being slow.
    pub(crate) fn options(&self) -> S3Options {
        let (endpoint, region) = (self.endpoint(), self.server.region());
        let url = format!("s3://{BUCKET}?endpoint={endpoint}&region={region}");
        S3Options::parse(&url)
            .unwrap()
            .with_part_size_bytes(0)
            .with_attempt_timeout(Duration::from_secs(10))
    }

    pub(crate) fn store(&self) -> S3BlobStore {
        Self::store_with(self.options())
    }

    /// A store that does not wait long for a request that nobody answers, yet long enough for one
    /// that is answered.
    pub(crate) fn impatient_store(&self) -> S3BlobStore {
        Self::store_with(self.options().with_attempt_timeout(Duration::from_secs(3)))
    }

    /// A store for a server that is broken in this way.
    pub(crate) fn store_under(&self, fault: Fault) -> S3BlobStore {
        match fault {
            Fault::Unresponsive | Fault::AppliedThenUnresponsive => self.impatient_store(),
            _ => self.store(),
        }
    }

    pub(crate) fn store_with(options: S3Options) -> S3BlobStore {
        let (id, secret) = (ThrowawayS3::ACCESS_KEY_ID, ThrowawayS3::SECRET_ACCESS_KEY);
        S3BlobStore::new(options, &S3Credentials::new(id, secret))
    }
}

pub(crate) fn key(name: &str) -> BlobKey {
    BlobKey::parse(name).unwrap()
}

/// The first of the bytes that repeat nowhere soon: at most three times [`LARGE`].
pub(crate) fn pattern(size: usize) -> Bytes {
    // Made once, as a debug build takes a while over it.
    static PATTERN: LazyLock<Bytes> = LazyLock::new(|| {
        (0..3 * LARGE)
            .map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap())
            .collect()
    });
    PATTERN.slice(..size)
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

/// Waits for something that comes about by itself.
pub(crate) async fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..2400 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what} did not come about");
}

pub(crate) async fn put(store: &S3BlobStore, key: &BlobKey, bytes: &Bytes) {
    let options = PutOptions::default();
    let stored = store
        .put(key, unknown_length(bytes), options)
        .await
        .unwrap();
    assert_eq!(stored.sha256, sha256(bytes));
}
