//! The bucket that all operations share: its clients, and how keys are named in it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use attache_storage::BlobKey;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::clients::Clients;
use crate::landing::Landings;
use crate::memory::PartMemory;
use crate::{S3Credentials, S3Options};

/// S3 takes no more parts than this in one upload.
pub(crate) const MAX_PARTS: u64 = 10_000;

#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) clients: Clients,
    pub(crate) name: String,
    prefix: Option<BlobKey>,
    pub(crate) part_size_bytes: usize,
    pub(crate) memory: PartMemory,
    pub(crate) landings: Landings,
    /// Whether the store was found not to know `ListMultipartUploads`.
    pub(crate) cannot_list_uploads: AtomicBool,
    /// When the bucket last answered that it is there.
    pub(crate) last_healthy: Mutex<Option<Instant>>,
}

impl Bucket {
    pub(crate) fn new(options: S3Options, credentials: &S3Credentials) -> Arc<Self> {
        Arc::new(Self {
            clients: Clients::new(&options, credentials),
            memory: PartMemory::new(options.memory_bytes()),
            name: options.bucket,
            prefix: options.prefix,
            part_size_bytes: options.part_size_bytes,
            landings: Landings::default(),
            cannot_list_uploads: AtomicBool::new(false),
            last_healthy: Mutex::default(),
        })
    }

    /// What a blob is called in the bucket. Also takes the beginning of a key.
    pub(crate) fn object_name(&self, key: &str) -> String {
        match &self.prefix {
            Some(prefix) => format!("{prefix}/{key}"),
            None => key.to_owned(),
        }
    }

    /// The key of an object; `None` where it is not one of ours.
    pub(crate) fn blob_key(&self, object_name: &str) -> Option<BlobKey> {
        let rest = match &self.prefix {
            Some(prefix) => object_name
                .strip_prefix(prefix.as_str())?
                .strip_prefix('/')?,
            None => object_name,
        };
        BlobKey::parse(rest).ok()
    }

    /// The largest blob there can be.
    pub(crate) fn max_blob_bytes(&self) -> u64 {
        MAX_PARTS * self.part_size_bytes as u64
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
    fn names_and_keys_go_both_ways() {
        for prefix in [None, Some("a"), Some("a/b")] {
            let bucket = bucket(prefix);
            let key = BlobKey::parse("7/91/x").unwrap();
            let name = bucket.object_name(key.as_str());
            assert_eq!(bucket.blob_key(&name), Some(key), "{prefix:?}");
        }
    }

    #[test]
    fn the_objects_of_others_are_not_keys() {
        let bucket = bucket(Some("a"));
        for name in ["b/x", "ab/x", "a", "a/", "a/x y", "x"] {
            assert_eq!(bucket.blob_key(name), None, "{name}");
        }
    }
}
