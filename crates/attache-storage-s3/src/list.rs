//! Lists keys.

use attache_storage::{BlobKey, KeyPage};

use crate::bucket::Bucket;
use crate::failure::S3Failure;

/// The largest page of S3.
const PAGE: usize = 1000;

/// Returns one page of keys. S3 lists in the byte order of the names. Foreign objects in between
/// are skipped.
pub(crate) async fn list(
    bucket: &Bucket,
    prefix: &str,
    after: Option<&BlobKey>,
    limit: usize,
) -> Result<KeyPage, S3Failure> {
    // One more than requested shows that there are more.
    let wanted = limit.saturating_add(1);
    let mut keys = Vec::new();
    let mut start_after = after.map(|key| bucket.object_name(key.as_str()));
    while keys.len() < wanted {
        let page = name_page(bucket, prefix, start_after, wanted - keys.len()).await?;
        keys.extend(page.names.iter().filter_map(|name| bucket.blob_key(name)));
        if !page.has_more {
            break;
        }
        start_after = page.names.last().cloned();
        if start_after.is_none() {
            return Err(S3Failure::Invalid("is an empty page with more to come"));
        }
    }
    let has_more = keys.len() > limit;
    keys.truncate(limit);
    Ok(KeyPage { keys, has_more })
}

struct NamePage {
    names: Vec<String>,
    has_more: bool,
}

async fn name_page(
    bucket: &Bucket,
    prefix: &str,
    start_after: Option<String>,
    at_most: usize,
) -> Result<NamePage, S3Failure> {
    let max_keys = i32::try_from(at_most.min(PAGE)).unwrap_or(i32::MAX);
    let response = bucket
        .clients
        .calls
        .list_objects_v2()
        .bucket(&bucket.name)
        .prefix(bucket.object_name(prefix))
        .set_start_after(start_after)
        .max_keys(max_keys)
        .send()
        .await
        .map_err(|error| bucket.failure(error))?;
    let has_more = response.is_truncated() == Some(true);
    let objects = response.contents.unwrap_or_default();
    let names = objects.into_iter().filter_map(|object| object.key);
    Ok(NamePage {
        names: names.collect(),
        has_more,
    })
}
