//! Listing keys.

use attache_storage::{BlobKey, KeyPage};

use crate::bucket::Bucket;
use crate::failure::S3Failure;

/// S3 gives no more at once.
const PAGE: usize = 1000;

/// One page of keys. S3 lists in the byte order of the names. Objects of others that lie among
/// ours are passed over.
pub(crate) async fn list(
    bucket: &Bucket,
    prefix: &str,
    after: Option<&BlobKey>,
    limit: usize,
) -> Result<KeyPage, S3Failure> {
    // One more than is wanted tells whether there are more.
    let wanted = limit.saturating_add(1);
    let mut keys = Vec::new();
    let mut start_after = after.map(|key| bucket.object_name(key.as_str()));
    while keys.len() < wanted {
        let names = names(bucket, prefix, start_after, wanted - keys.len()).await?;
        keys.extend(names.names.iter().filter_map(|name| bucket.blob_key(name)));
        if !names.has_more {
            break;
        }
        start_after = names.names.last().cloned();
        if start_after.is_none() {
            return Err(S3Failure::Nonsense("announces more after nothing"));
        }
    }
    let has_more = keys.len() > limit;
    keys.truncate(limit);
    Ok(KeyPage { keys, has_more })
}

struct Names {
    names: Vec<String>,
    has_more: bool,
}

async fn names(
    bucket: &Bucket,
    prefix: &str,
    start_after: Option<String>,
    at_most: usize,
) -> Result<Names, S3Failure> {
    let max_keys = i32::try_from(at_most.min(PAGE)).unwrap_or(i32::MAX);
    let answer = bucket
        .clients
        .calls
        .list_objects_v2()
        .bucket(&bucket.name)
        .prefix(bucket.object_name(prefix))
        .set_start_after(start_after)
        .max_keys(max_keys)
        .send()
        .await?;
    let has_more = answer.is_truncated() == Some(true);
    let objects = answer.contents.unwrap_or_default();
    let names = objects.into_iter().filter_map(|object| object.key);
    Ok(Names {
        names: names.collect(),
        has_more,
    })
}
