//! Requests that clients send straight to the store, signed with all that they are bound to.

use std::time::Duration;

use attache_storage::{BlobError, BlobErrorKind, PresignOperation, PresignedRequest};
use aws_sdk_s3::presigning::{PresignedRequest as SdkRequest, PresigningConfig};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::bucket::Bucket;
use crate::failure::S3Failure;

const OPERATION: &str = "presign";

/// S3 takes no signature that holds longer.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// What a put is bound to, and therefore must be signed.
const BOUND: [&str; 3] = ["content-length", "content-type", "x-amz-checksum-sha256"];

/// Signs. What cannot be bound is refused: a lifetime under a second, over a week or beyond the end
/// of the key that signs, a text that cannot be in a header, a size beyond one request.
pub(crate) async fn presign(
    bucket: &Bucket,
    operation: &PresignOperation,
) -> Result<PresignedRequest, BlobError> {
    let key = operation.key();
    let refused = || BlobError::new(BlobErrorKind::Unsupported, OPERATION).with_key(key);
    let failed = |failure: S3Failure| failure.of(OPERATION, key);
    let object = bucket.object_name(key.as_str());
    let presigner = &bucket.clients.presigner;
    // Asked first: if the key is renewed in between, the new one holds longer.
    let time_left = bucket.clients.session.time_left().await;
    let time_left = time_left.map_err(|error| failed(error.into()))?;
    match operation {
        PresignOperation::Get {
            lifetime,
            content_type,
            content_disposition,
            ..
        } => {
            let lifetime = signable(*lifetime, time_left).ok_or_else(refused)?;
            if !is_header_text(content_type) || !is_header_text(content_disposition) {
                return Err(refused());
            }
            let signed = presigner
                .get_object()
                .bucket(&bucket.name)
                .key(object)
                .response_content_type(content_type)
                .response_content_disposition(content_disposition)
                .presigned(lifetime)
                .await;
            let signed = signed.map_err(|error| failed(error.into()))?;
            Ok(request("GET", &signed))
        }
        PresignOperation::Put {
            lifetime,
            size_bytes,
            sha256,
            content_type,
            ..
        } => {
            let lifetime = signable(*lifetime, time_left).ok_or_else(refused)?;
            let size_bytes = one_request(*size_bytes).ok_or_else(refused)?;
            if content_type.is_empty() || !is_header_text(content_type) {
                return Err(refused());
            }
            let signed = presigner
                .put_object()
                .bucket(&bucket.name)
                .key(object)
                .content_length(size_bytes)
                .content_type(content_type)
                .checksum_sha256(STANDARD.encode(sha256.as_bytes()))
                .presigned(lifetime)
                .await;
            let signed = signed.map_err(|error| failed(error.into()))?;
            if !binds_all(&signed) {
                return Err(refused());
            }
            Ok(request("PUT", &signed))
        }
    }
}

/// `None` for what would not hold as long as it says: what a temporary key signed ends with the key.
fn signable(lifetime: Duration, time_left: Option<Duration>) -> Option<PresigningConfig> {
    let longest = time_left.map_or(LONGEST, |left| left.min(LONGEST));
    if !(Duration::from_secs(1)..=longest).contains(&lifetime) {
        return None;
    }
    PresigningConfig::expires_in(lifetime).ok()
}

/// One request carries 5 GiB at most.
fn one_request(size_bytes: u64) -> Option<i64> {
    const LARGEST_BYTES: u64 = 5 * 1024 * 1024 * 1024;
    let fits = size_bytes <= LARGEST_BYTES;
    fits.then(|| i64::try_from(size_bytes).ok()).flatten()
}

/// Visible ASCII and spaces within: anything else a proxy may change, and the signature breaks.
fn is_header_text(text: &str) -> bool {
    text.trim() == text && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// Holds the SDK to it: a constraint that is not among the signed headers is none.
fn binds_all(signed: &SdkRequest) -> bool {
    let Ok(url) = Url::parse(signed.uri()) else {
        return false;
    };
    let signed_headers = url
        .query_pairs()
        .find(|(name, _)| name == "X-Amz-SignedHeaders")
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    let is_signed = |header: &str| signed_headers.split(';').any(|name| name == header);
    let is_sent = |header: &str| signed.headers().any(|(name, _)| name == header);
    BOUND
        .iter()
        .all(|header| is_signed(header) && is_sent(header))
}

fn request(method: &'static str, signed: &SdkRequest) -> PresignedRequest {
    let headers = signed
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        // Every client makes it of the URL.
        .filter(|(name, _)| name != "host");
    PresignedRequest {
        method,
        url: signed.uri().to_owned(),
        headers: headers.collect(),
    }
}
