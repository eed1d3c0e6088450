//! Reads a blob or a range of it, and resumes if the connection breaks.

use std::sync::Arc;

use attache_storage::{BlobError, BlobErrorKind, BlobKey, BlobMeta, BlobReader, ByteRange};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::bucket::Bucket;
use crate::failure::S3Failure;

/// The number of times that a reader resumes.
const RESUMES: u32 = 3;

pub(crate) async fn head(bucket: &Bucket, key: &BlobKey) -> Result<BlobMeta, S3Failure> {
    let response = bucket
        .clients
        .calls
        .head_object()
        .bucket(&bucket.name)
        .key(bucket.object_name(key.as_str()))
        .send()
        .await
        .map_err(|error| bucket.failure(error))?;
    let size_bytes = size(response.content_length)?;
    Ok(BlobMeta { size_bytes })
}

pub(crate) async fn get(
    bucket: &Arc<Bucket>,
    key: &BlobKey,
    range: Option<ByteRange>,
) -> Result<BlobReader, BlobError> {
    let failed = |failure: S3Failure| failure.of("get", key);
    let Some(range) = range else {
        let opened = open(bucket, key, None, None).await.map_err(failed)?;
        let end_bytes = opened.size_bytes;
        return Ok(reader(bucket, key, opened, 0, end_bytes));
    };
    let outside = || BlobError::new(BlobErrorKind::InvalidRange, "get").with_key(key);
    let end_bytes = range.offset_bytes.checked_add(range.length_bytes);
    // S3 cannot express a range of no bytes, nor one whose end overflows.
    let (Some(end_bytes), 1..) = (end_bytes, range.length_bytes) else {
        let size_bytes = head(bucket, key).await.map_err(failed)?.size_bytes;
        if !range.fits(size_bytes) {
            return Err(outside());
        }
        return Ok(BlobReader {
            size_bytes,
            stream: stream::empty().boxed(),
        });
    };
    let wanted = Some((range.offset_bytes, end_bytes));
    let opened = open(bucket, key, wanted, None).await.map_err(failed)?;
    // S3 truncates a range at the end of the blob. The contract refuses it.
    if !range.fits(opened.size_bytes) {
        return Err(outside());
    }
    Ok(reader(bucket, key, opened, range.offset_bytes, end_bytes))
}

/// A response whose body is being received.
struct Opened {
    /// The size of the whole blob.
    size_bytes: u64,
    e_tag: Option<String>,
    body: ByteStream,
}

/// Requests a blob, or the bytes from a first to an exclusive end, of the version `e_tag`.
async fn open(
    bucket: &Bucket,
    key: &BlobKey,
    range: Option<(u64, u64)>,
    e_tag: Option<String>,
) -> Result<Opened, S3Failure> {
    let response = bucket
        .clients
        .calls
        .get_object()
        .bucket(&bucket.name)
        .key(bucket.object_name(key.as_str()))
        .set_range(range.map(|(first, end)| format!("bytes={first}-{}", end - 1)))
        .set_if_match(e_tag)
        .send()
        .await
        .map_err(|error| bucket.failure(error))?;
    let size_bytes = match range {
        None => size(response.content_length)?,
        Some((first, _)) => response
            .content_range
            .as_deref()
            .and_then(|text| whole_size(text, first))
            .ok_or(S3Failure::Invalid("is not the requested range"))?,
    };
    Ok(Opened {
        size_bytes,
        e_tag: response.e_tag,
        body: response.body,
    })
}

fn size(content_length: Option<i64>) -> Result<u64, S3Failure> {
    content_length
        .and_then(|length| u64::try_from(length).ok())
        .ok_or(S3Failure::Invalid("has no length"))
}

/// Returns 100 for `bytes 5-9/100`, if the range begins at `first`.
fn whole_size(content_range: &str, first: u64) -> Option<u64> {
    let (range, whole) = content_range.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    if from.parse() != Ok(first) {
        return None;
    }
    whole.parse().ok()
}

/// The state of a reader.
struct Reading {
    bucket: Arc<Bucket>,
    key: BlobKey,
    e_tag: Option<String>,
    /// The offset of the next byte.
    offset_bytes: u64,
    end_bytes: u64,
    size_bytes: u64,
    resumes_left: u32,
    body: ByteStream,
}

fn reader(
    bucket: &Arc<Bucket>,
    key: &BlobKey,
    opened: Opened,
    offset_bytes: u64,
    end_bytes: u64,
) -> BlobReader {
    let size_bytes = opened.size_bytes;
    let reading = Reading {
        bucket: Arc::clone(bucket),
        key: key.clone(),
        e_tag: opened.e_tag,
        offset_bytes,
        end_bytes,
        size_bytes,
        resumes_left: RESUMES,
        body: opened.body,
    };
    let chunks = stream::try_unfold(reading, |mut reading| async move {
        let chunk = reading.next_chunk().await;
        let chunk = chunk.map_err(|failure| failure.of("read", &reading.key))?;
        Ok(chunk.map(|chunk| (chunk, reading)))
    });
    BlobReader {
        size_bytes,
        stream: chunks.boxed(),
    }
}

impl Reading {
    /// Returns the next bytes, or `None` after the last requested byte and never before.
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, S3Failure> {
        while self.offset_bytes < self.end_bytes {
            match self.body.next().await {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => {
                    let left_bytes = self.end_bytes - self.offset_bytes;
                    if chunk.len() as u64 > left_bytes {
                        return Err(S3Failure::Invalid("has more bytes than announced"));
                    }
                    self.offset_bytes += chunk.len() as u64;
                    return Ok(Some(chunk));
                }
                // Neither is the end of the blob.
                Some(Err(_)) | None => self.resume().await?,
            }
        }
        Ok(None)
    }

    async fn resume(&mut self) -> Result<(), S3Failure> {
        if self.resumes_left == 0 {
            return Err(S3Failure::CutOff {
                offset_bytes: self.offset_bytes,
                end_bytes: self.end_bytes,
            });
        }
        self.resumes_left -= 1;
        let rest = Some((self.offset_bytes, self.end_bytes));
        let opened = open(&self.bucket, &self.key, rest, self.e_tag.clone()).await?;
        if opened.size_bytes != self.size_bytes {
            return Err(S3Failure::Invalid("is of a blob of another size"));
        }
        self.body = opened.body;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_range_has_size_of_blob() {
        assert_eq!(whole_size("bytes 5-9/100", 5), Some(100));
        for wrong in [
            "bytes 5-9/100",
            "bytes 4-9/*",
            "bytes */100",
            "4-9/100",
            "bytes 4/100",
        ] {
            assert_eq!(whole_size(wrong, 4), None, "{wrong}");
        }
    }
}
