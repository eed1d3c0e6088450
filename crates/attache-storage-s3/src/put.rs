//! Stores a blob: in one request if it fits, and as a multipart upload otherwise.

use std::sync::Arc;

use attache_storage::{BlobKey, Body, BodyVerifier, PutError, PutOptions, StoredBlob};
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::bucket::Bucket;
use crate::failure::S3Failure;
use crate::memory::owner_of;
use crate::multipart;
use crate::resolve_outcome::resolve_outcome;
use crate::source::PartSource;

const OPERATION: &str = "put";

pub(crate) async fn put(
    bucket: &Arc<Bucket>,
    key: &BlobKey,
    body: Body,
    options: PutOptions,
) -> Result<StoredBlob, PutError> {
    let most = bucket.max_blob_bytes();
    let options = PutOptions {
        max_size_bytes: Some(options.max_size_bytes.map_or(most, |limit| limit.min(most))),
        ..options
    };
    let verifier = BodyVerifier::new(&body, options)?;
    let mut source = PartSource::new(
        body,
        verifier,
        bucket.part_size_bytes,
        &bucket.buffer_budget,
        owner_of(key),
    );
    let first = source.next_part().await;
    let first = first.map_err(|failure| failure.of(OPERATION, key))?;
    if !first.is_last {
        return multipart::upload(bucket, key, source, first).await;
    }
    let stored = source.finish()?;
    let sent = send_in_task(bucket, key, first.bytes, stored).await;
    sent.map_err(|failure| failure.of(OPERATION, key))?;
    Ok(stored)
}

/// Sends the request in a task of its own: see
/// [`InFlightWrites`](crate::in_flight::InFlightWrites).
async fn send_in_task(
    bucket: &Arc<Bucket>,
    key: &BlobKey,
    bytes: Bytes,
    stored: StoredBlob,
) -> Result<(), S3Failure> {
    let write = bucket.in_flight.begin(key).await;
    let (bucket, key) = (Arc::clone(bucket), key.clone());
    let task = tokio::spawn(async move {
        let sent = send(&bucket, &key, bytes, stored).await;
        drop(write);
        sent
    });
    task.await.unwrap_or(Err(S3Failure::Cancelled))
}

async fn send(
    bucket: &Bucket,
    key: &BlobKey,
    bytes: Bytes,
    stored: StoredBlob,
) -> Result<(), S3Failure> {
    let sent = bucket
        .clients
        .bytes
        .put_object()
        .bucket(&bucket.name)
        .key(bucket.object_name(key.as_str()))
        .checksum_sha256(STANDARD.encode(stored.sha256.as_bytes()))
        .body(ByteStream::from(bytes))
        .send()
        .await;
    match sent {
        Ok(_) => Ok(()),
        Err(error) => resolve_outcome(bucket, key, stored, bucket.failure(error)).await,
    }
}
