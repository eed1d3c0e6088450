//! The marker of a bucket, or of a prefix in one: an object beside the blobs.

use attache_storage::{BlobErrorKind, MARKER_BYTES, MarkerWrite};
use aws_sdk_s3::primitives::ByteStream;
use bytes::BytesMut;

use crate::bucket::Bucket;
use crate::failure::S3Failure;

/// The object. No key has its name: segments of keys do not begin with a dot, so listings skip it.
const MARKER: &str = ".installation";

const TOO_LONG: S3Failure = S3Failure::Invalid("is a marker that is too long, or no text");

pub(crate) async fn read(bucket: &Bucket) -> Result<Option<String>, S3Failure> {
    let request = bucket.clients.calls.get_object().bucket(&bucket.name);
    let response = request.key(bucket.object_name(MARKER)).send().await;
    let mut body = match response.map_err(|error| bucket.failure(error)) {
        Ok(response) => response.body,
        Err(failure) if failure.kind() == BlobErrorKind::NotFound => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let mut text = BytesMut::new();
    let broken = |error| S3Failure::Connection(Box::new(error));
    while let Some(chunk) = body.try_next().await.map_err(broken)? {
        if text.len() + chunk.len() > MARKER_BYTES {
            return Err(TOO_LONG);
        }
        text.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(text.into()).map_err(|_| TOO_LONG)?;
    Ok(Some(text))
}

/// Writes the marker. A condition is sent along with a creation; a store that ignores it overwrites.
pub(crate) async fn write(
    bucket: &Bucket,
    text: &str,
    write: MarkerWrite,
) -> Result<(), S3Failure> {
    let body = ByteStream::from(text.as_bytes().to_vec());
    let request = bucket.clients.calls.put_object().bucket(&bucket.name);
    let request = request.key(bucket.object_name(MARKER)).body(body);
    let request = match write {
        MarkerWrite::Create => request.if_none_match("*"),
        MarkerWrite::Replace => request,
    };
    request
        .send()
        .await
        .map_err(|error| bucket.failure(error))?;
    Ok(())
}
