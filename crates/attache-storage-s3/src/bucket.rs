//! The bucket that all operations share: its clients, and the names of objects in it.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use attache_storage::{BlobKey, FairBudget};
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::clients::Clients;
use crate::credentials::S3Credentials;
use crate::failure::S3Failure;
use crate::in_flight::InFlightWrites;
use crate::options::S3Options;

/// The most parts of one upload that S3 accepts.
pub(crate) const MAX_PARTS: u64 = 10_000;

#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) clients: Clients,
    pub(crate) name: String,
    prefix: Option<BlobKey>,
    pub(crate) part_size_bytes: usize,
    /// The bytes that puts may buffer. Each owner of keys may hold one part beyond its share, so that
    /// a single put proceeds in the smallest budget.
    pub(crate) buffer_budget: FairBudget,
    pub(crate) in_flight: InFlightWrites,
    /// True once the store was found not to support `ListMultipartUploads`.
    pub(crate) cannot_list_uploads: AtomicBool,
    /// The time of the last successful health check.
    pub(crate) last_healthy_at: Mutex<Option<Instant>>,
}

impl Bucket {
    pub(crate) fn new(options: S3Options, credentials: &S3Credentials) -> Arc<Self> {
        let buffer_bytes = options.total_buffer_bytes() as u64;
        let part_bytes = options.part_size_bytes as u64;
        Arc::new(Self {
            clients: Clients::new(&options, credentials),
            buffer_budget: FairBudget::new(buffer_bytes, part_bytes),
            name: options.bucket,
            prefix: options.prefix,
            part_size_bytes: options.part_size_bytes,
            in_flight: InFlightWrites::default(),
            cannot_list_uploads: AtomicBool::new(false),
            last_healthy_at: Mutex::default(),
        })
    }

    /// Returns the name of a blob's object, or of the objects whose keys begin with a prefix.
    pub(crate) fn object_name(&self, key: &str) -> String {
        match &self.prefix {
            Some(prefix) => format!("{prefix}/{key}"),
            None => key.to_owned(),
        }
    }

    /// Returns the key of an object, or `None` if the object is not a blob of this store.
    pub(crate) fn blob_key(&self, object_name: &str) -> Option<BlobKey> {
        let rest = match &self.prefix {
            Some(prefix) => object_name
                .strip_prefix(prefix.as_str())?
                .strip_prefix('/')?,
            None => object_name,
        };
        BlobKey::parse(rest).ok()
    }

    /// Returns the size of the largest possible blob.
    pub(crate) fn max_blob_bytes(&self) -> u64 {
        MAX_PARTS * self.part_size_bytes as u64
    }

    /// Converts the error of a request. Credentials that the store rejected are marked for a
    /// refresh.
    pub(crate) fn failure<E>(&self, error: SdkError<E, HttpResponse>) -> S3Failure
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let failure = S3Failure::from_sdk(error);
        if failure.rejects_credentials() {
            self.clients.credentials.mark_rejected();
        }
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(prefix: Option<&str>) -> Arc<Bucket> {
        let mut options = S3Options::parse("s3://bucket?endpoint=http://127.0.0.1:1").unwrap();
        options.prefix = prefix.map(|prefix| BlobKey::parse(prefix).unwrap());
        Bucket::new(options, &S3Credentials::new("id", "secret"))
    }

    #[test]
    fn object_name_converts_back_to_key() {
        for prefix in [None, Some("a"), Some("a/b")] {
            let bucket = bucket(prefix);
            let key = BlobKey::parse("7/91/x").unwrap();
            let name = bucket.object_name(key.as_str());
            assert_eq!(bucket.blob_key(&name), Some(key), "{prefix:?}");
        }
    }

    #[test]
    fn foreign_object_has_no_key() {
        let bucket = bucket(Some("a"));
        for name in ["b/x", "ab/x", "a", "a/", "a/x y", "x"] {
            assert_eq!(bucket.blob_key(name), None, "{name}");
        }
    }
}
