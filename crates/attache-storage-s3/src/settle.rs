//! Looking whether a put whose answer was lost has had its effect.

use attache_storage::{BlobErrorKind, BlobKey, StoredBlob};
use aws_sdk_s3::types::ChecksumMode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::bucket::Bucket;
use crate::failure::S3Failure;

/// What a look at the key says of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The blob is there. As keys are never reused it can be no other.
    Done,
    /// There is no blob, or another one.
    NotDone,
    /// Nobody answered that either.
    Unknown,
}

/// Looks for the blob, and compares its size and, where the store keeps it, its checksum. A store
/// may not keep one, and that of an upload of parts is a checksum of checksums, with a dash in it.
pub(crate) async fn look(bucket: &Bucket, key: &BlobKey, stored: StoredBlob) -> Settled {
    let found = bucket
        .clients
        .calls
        .head_object()
        .bucket(&bucket.name)
        .key(bucket.object_name(key.as_str()))
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await
        .map_err(S3Failure::from);
    let found = match found {
        Ok(found) => found,
        Err(failure) if failure.kind() == BlobErrorKind::NotFound => return Settled::NotDone,
        Err(_) => return Settled::Unknown,
    };
    let size_bytes = found
        .content_length()
        .and_then(|size| u64::try_from(size).ok());
    let is_same_checksum = found
        .checksum_sha256()
        .filter(|checksum| !checksum.contains('-'))
        .is_none_or(|checksum| checksum == STANDARD.encode(stored.sha256.as_bytes()));
    if size_bytes == Some(stored.size_bytes) && is_same_checksum {
        Settled::Done
    } else {
        Settled::NotDone
    }
}
