//! A store on an S3 server of the test's own, which fails on request.

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

/// More than one part of the smallest size that S3 accepts.
pub(crate) const LARGE: usize = 5 * 1024 * 1024 + 3;

/// Long enough that no request is repeated for being slow.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

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

    /// Advances the runtime's clock while the server is silent or idle, so that timeouts and
    /// backoffs pass quickly, and requests that do get a response still have all the time they
    /// need. The runtime must have a single thread.
    pub(crate) fn skip_waits(&self) {
        let server = Arc::downgrade(&self.server);
        tokio::spawn(async move {
            while let Some(server) = server.upgrade() {
                let step = match (server.open_requests(), server.unresponsive_requests()) {
                    (0, _) => ATTEMPT_TIMEOUT / 100,
                    (open, unresponsive) if open == unresponsive => ATTEMPT_TIMEOUT / 4,
                    _ => Duration::ZERO,
                };
                drop(server);
                tokio::time::pause();
                tokio::time::advance(step).await;
                tokio::time::resume();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }

    pub(crate) fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    pub(crate) fn options(&self) -> S3Options {
        let (endpoint, region) = (self.endpoint(), self.server.region());
        let url = format!("s3://{BUCKET}?endpoint={endpoint}&region={region}");
        S3Options::parse(&url)
            .unwrap()
            .with_part_size_bytes(0)
            .with_attempt_timeout(ATTEMPT_TIMEOUT)
    }

    pub(crate) fn store(&self) -> S3BlobStore {
        Self::store_with(self.options())
    }

    pub(crate) fn store_with(options: S3Options) -> S3BlobStore {
        let (id, secret) = (ThrowawayS3::ACCESS_KEY_ID, ThrowawayS3::SECRET_ACCESS_KEY);
        S3BlobStore::new(options, &S3Credentials::new(id, secret))
    }
}

pub(crate) fn key(name: &str) -> BlobKey {
    BlobKey::parse(name).unwrap()
}

/// Returns bytes that do not repeat soon: at most three times [`LARGE`].
pub(crate) fn pattern(size: usize) -> Bytes {
    static PATTERN: LazyLock<Bytes> = LazyLock::new(|| {
        // By words, because a debug build takes a while over single bytes.
        let mut bytes = vec![0; 3 * LARGE];
        for (number, word) in (1_u64..).zip(bytes.chunks_mut(8)) {
            let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
            word.copy_from_slice(&scattered[..word.len()]);
        }
        Bytes::from(bytes)
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

/// Waits until a condition holds.
pub(crate) async fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..12_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what} did not happen");
}

pub(crate) async fn put(store: &S3BlobStore, key: &BlobKey, bytes: &Bytes) {
    let options = PutOptions::default();
    let stored = store
        .put(key, unknown_length(bytes), options)
        .await
        .unwrap();
    assert_eq!(stored.sha256, sha256(bytes));
}
