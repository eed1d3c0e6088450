//! Resolves the outcome of a put whose response was lost.

use attache_storage::{BlobErrorKind, BlobKey, StoredBlob};
use aws_sdk_s3::types::ChecksumMode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::bucket::Bucket;
use crate::failure::S3Failure;

/// Returns `Ok` if the blob of a failed put exists after all, and the failure otherwise.
///
/// Needed after every failure: an earlier attempt than the last may have been applied.
pub(crate) async fn resolve_outcome(
    bucket: &Bucket,
    key: &BlobKey,
    stored: StoredBlob,
    failure: S3Failure,
) -> Result<(), S3Failure> {
    match is_stored(bucket, key, stored).await {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(failure),
    }
}

/// Returns `true` if the key has a blob of the right size and, if the store keeps one, checksum.
///
/// Keys are never reused, so it can be no other blob. The checksum of a multipart upload is one of
/// checksums, with a dash in it.
async fn is_stored(bucket: &Bucket, key: &BlobKey, stored: StoredBlob) -> Result<bool, S3Failure> {
    let found = bucket
        .clients
        .calls
        .head_object()
        .bucket(&bucket.name)
        .key(bucket.object_name(key.as_str()))
        .checksum_mode(ChecksumMode::Enabled)
        .send()
        .await;
    let found = match found.map_err(|error| bucket.failure(error)) {
        Err(failure) if failure.kind() == BlobErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let size_bytes = found
        .content_length()
        .and_then(|size| u64::try_from(size).ok());
    let is_same_checksum = found
        .checksum_sha256()
        .filter(|checksum| !checksum.contains('-'))
        .is_none_or(|checksum| checksum == STANDARD.encode(stored.sha256.as_bytes()));
    Ok(size_bytes == Some(stored.size_bytes) && is_same_checksum)
}
