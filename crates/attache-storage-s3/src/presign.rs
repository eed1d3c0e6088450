//! Presigned requests for clients, with a signature over all their constraints.

use std::time::Duration;

use attache_storage::{BlobError, BlobErrorKind, PresignOperation, PresignedRequest};
use aws_sdk_s3::presigning::{PresignedRequest as SdkRequest, PresigningConfig};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use crate::bucket::Bucket;
use crate::failure::S3Failure;

const OPERATION: &str = "presign";

/// The longest validity that S3 accepts.
const MAX_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// The headers that constrain a put, and so must be signed.
const CONSTRAINTS: [&str; 3] = ["content-length", "content-type", "x-amz-checksum-sha256"];

/// Presigns an operation. Refuses constraints that cannot be enforced: a lifetime below a second,
/// above a week or beyond the expiry of the credentials, a text that cannot be a header, a size
/// above that of one request.
pub(crate) async fn presign(
    bucket: &Bucket,
    operation: &PresignOperation,
) -> Result<PresignedRequest, BlobError> {
    let key = operation.key();
    let refused = || BlobError::new(BlobErrorKind::Unsupported, OPERATION).with_key(key);
    let failed = |failure: S3Failure| failure.of(OPERATION, key);
    let object = bucket.object_name(key.as_str());
    let presigner = &bucket.clients.presigner;
    // First: credentials that are refreshed in between are valid for longer.
    let time_left = bucket.clients.credentials.time_left().await;
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
            let signed = signed.map_err(|error| failed(bucket.failure(error)))?;
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
            let signed = signed.map_err(|error| failed(bucket.failure(error)))?;
            if !binds_all(&signed) {
                return Err(refused());
            }
            Ok(request("PUT", &signed))
        }
    }
}

/// Returns `None` if the signature would not be valid for `lifetime`: one by temporary credentials
/// expires with them.
fn signable(lifetime: Duration, time_left: Option<Duration>) -> Option<PresigningConfig> {
    let longest = time_left.map_or(MAX_LIFETIME, |left| left.min(MAX_LIFETIME));
    if !(Duration::from_secs(1)..=longest).contains(&lifetime) {
        return None;
    }
    PresigningConfig::expires_in(lifetime).ok()
}

/// Returns `None` if the size exceeds the 5 GiB of one request.
fn one_request(size_bytes: u64) -> Option<i64> {
    const LARGEST_BYTES: u64 = 5 * 1024 * 1024 * 1024;
    let fits = size_bytes <= LARGEST_BYTES;
    fits.then(|| i64::try_from(size_bytes).ok()).flatten()
}

/// Returns `true` for visible ASCII with inner spaces. A proxy may change anything else, which
/// breaks the signature.
fn is_header_text(text: &str) -> bool {
    text.trim() == text && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// Returns `true` if all constraints are among the signed headers.
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
    CONSTRAINTS
        .iter()
        .all(|header| is_signed(header) && is_sent(header))
}

fn request(method: &'static str, signed: &SdkRequest) -> PresignedRequest {
    let headers = signed
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        // Every client derives it from the URL.
        .filter(|(name, _)| name != "host");
    PresignedRequest {
        method,
        url: signed.uri().to_owned(),
        headers: headers.collect(),
    }
}
