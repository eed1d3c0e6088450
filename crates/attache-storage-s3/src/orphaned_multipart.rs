//! Orphaned multipart uploads, such as a crash leaves: found by their key, and aborted.

use std::sync::atomic::Ordering;

use attache_storage::{BlobErrorKind, BlobKey};

use crate::bucket::Bucket;
use crate::failure::S3Failure;

/// Aborts all open uploads of exactly this key, except one.
///
/// A store that cannot list uploads (s3s-fs is one) is asked only once. Orphans there are left to a
/// lifecycle rule of the bucket.
pub(crate) async fn abort_all_but(
    bucket: &Bucket,
    key: &BlobKey,
    kept: Option<&str>,
) -> Result<(), S3Failure> {
    let name = bucket.object_name(key.as_str());
    let mut position = Some(Position::default());
    while let Some(from) = position {
        if bucket.cannot_list_uploads.load(Ordering::Relaxed) {
            return Ok(());
        }
        let page = match page(bucket, &name, from).await {
            Ok(page) => page,
            Err(failure) if failure.kind() == BlobErrorKind::Unsupported => {
                bucket.cannot_list_uploads.store(true, Ordering::Relaxed);
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        for id in page.ids.iter().filter(|id| Some(id.as_str()) != kept) {
            abort(bucket, &name, id).await?;
        }
        position = page.next;
    }
    Ok(())
}

/// Aborts one upload. One that does not exist, or no longer does, counts as aborted.
pub(crate) async fn abort(bucket: &Bucket, name: &str, id: &str) -> Result<(), S3Failure> {
    let aborted = bucket
        .clients
        .calls
        .abort_multipart_upload()
        .bucket(&bucket.name)
        .key(name)
        .upload_id(id)
        .send()
        .await
        .map_err(|error| bucket.failure(error));
    match aborted {
        Err(failure) if !failure.has_code("NoSuchUpload") => Err(failure),
        _ => Ok(()),
    }
}

struct Page {
    ids: Vec<String>,
    next: Option<Position>,
}

#[derive(Default)]
struct Position {
    key: Option<String>,
    upload_id: Option<String>,
}

async fn page(bucket: &Bucket, name: &str, from: Position) -> Result<Page, S3Failure> {
    let response = bucket
        .clients
        .calls
        .list_multipart_uploads()
        .bucket(&bucket.name)
        .prefix(name)
        .set_key_marker(from.key)
        .set_upload_id_marker(from.upload_id)
        .send()
        .await
        .map_err(|error| bucket.failure(error))?;
    // Uploads are listed in the order of their keys, so those of exactly this key come first.
    let is_past = response
        .uploads()
        .iter()
        .any(|upload| upload.key() != Some(name));
    let ids = response
        .uploads()
        .iter()
        .filter(|upload| upload.key() == Some(name))
        .filter_map(|upload| upload.upload_id().map(str::to_owned))
        .collect();
    let has_more = response.is_truncated() == Some(true) && !is_past;
    let next = has_more.then_some(Position {
        key: response.next_key_marker,
        upload_id: response.next_upload_id_marker,
    });
    Ok(Page { ids, next })
}
