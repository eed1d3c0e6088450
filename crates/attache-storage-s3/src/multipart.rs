//! Stores a large blob as a multipart upload, a few parts at a time.

use std::pin::pin;
use std::sync::Arc;

use attache_storage::{BlobKey, PutError, StoredBlob};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::CompletedPart;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, Either, select};
use futures_util::stream::FuturesUnordered;

use crate::bucket::Bucket;
use crate::failure::{PutFailure, S3Failure};
use crate::open_upload::OpenUpload;
use crate::source::{Part, PartSource};

const OPERATION: &str = "put";

/// The parts in flight at once. With the one that is being read, three are buffered.
const MAX_IN_FLIGHT: usize = 2;

type InFlight = FuturesUnordered<BoxFuture<'static, Result<CompletedPart, S3Failure>>>;

/// Stores a body of which the first part has been read.
pub(crate) async fn upload(
    bucket: &Arc<Bucket>,
    key: &BlobKey,
    source: PartSource,
    first: Part,
) -> Result<StoredBlob, PutError> {
    let failed = |failure: S3Failure| PutError::Store(failure.of(OPERATION, key));
    let upload = OpenUpload::begin(bucket, key).await.map_err(failed)?;
    match send_parts(&upload, source, first).await {
        Ok((stored, parts)) => {
            upload.complete(parts, stored).await.map_err(failed)?;
            Ok(stored)
        }
        Err(failure) => {
            upload.abort().await;
            Err(failure.of(OPERATION, key))
        }
    }
}

async fn send_parts(
    upload: &OpenUpload,
    mut source: PartSource,
    first: Part,
) -> Result<(StoredBlob, Vec<CompletedPart>), PutFailure> {
    let mut in_flight = InFlight::new();
    let mut sent = Vec::new();
    let mut part = first;
    for number in 1.. {
        if in_flight.len() == MAX_IN_FLIGHT
            && let Some(done) = in_flight.next().await
        {
            sent.push(done?);
        }
        // The request owns the bytes, so that they are freed as soon as they are sent.
        let is_last = part.is_last;
        in_flight.push(send_part(upload, number, part.bytes));
        if is_last {
            break;
        }
        part = read_while_sending(&mut source, &mut in_flight, &mut sent).await?;
    }
    // Before the wait, which a refused body does not need.
    let stored = source.finish()?;
    while let Some(done) = in_flight.next().await {
        sent.push(done?);
    }
    sent.sort_by_key(|part| part.part_number);
    Ok((stored, sent))
}

/// Reads the next part while others are sent, so that the sender and the store do not wait for each
/// other, and a failure of the store is noticed at once.
async fn read_while_sending(
    source: &mut PartSource,
    in_flight: &mut InFlight,
    sent: &mut Vec<CompletedPart>,
) -> Result<Part, PutFailure> {
    let mut reading = pin!(source.next_part());
    loop {
        match select(reading.as_mut(), in_flight.next()).await {
            Either::Left((part, _)) => return part,
            Either::Right((Some(done), _)) => sent.push(done?),
            Either::Right((None, _)) => return reading.await,
        }
    }
}

/// Sends one part. It may be repeated with the same bytes and number.
fn send_part(
    upload: &OpenUpload,
    number: i32,
    bytes: Bytes,
) -> BoxFuture<'static, Result<CompletedPart, S3Failure>> {
    let bucket = Arc::clone(upload.bucket());
    let request = bucket
        .clients
        .bytes
        .upload_part()
        .bucket(&bucket.name)
        .key(upload.object_name())
        .upload_id(upload.id())
        .part_number(number)
        .body(ByteStream::from(bytes));
    Box::pin(async move {
        let sent = request.send().await;
        let part = sent.map_err(|error| bucket.failure(error))?;
        let e_tag = part.e_tag.ok_or(S3Failure::Invalid("has no ETag"))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .e_tag(e_tag)
            .build())
    })
}
