//! Checks of listings.

use bytes::Bytes;

use super::space::{Outcome, Problem, Space, ensure};
use crate::BlobKey;

/// Names whose byte order differs from that of a directory walk and from that of any locale: `-`
/// and `.` come before `/`, upper case before lower.
const NAMES: [&str; 9] = [
    "list/B",
    "list/a-b",
    "list/a.b",
    "list/a/1",
    "list/a/10",
    "list/a/2",
    "list/ab",
    "list/b/c/d",
    "list/c",
];

/// Puts a blob under each of [`NAMES`], in another order, and gives the keys in byte order.
async fn put_names(space: &Space<'_>) -> Result<Vec<BlobKey>, Problem> {
    let mut keys = Vec::new();
    for name in NAMES.iter().rev() {
        let key = space.key(name)?;
        space.put(&key, &Bytes::from_static(b"x")).await?;
        keys.push(key);
    }
    keys.sort();
    Ok(keys)
}

pub(super) async fn order(space: &Space<'_>) -> Outcome {
    let keys = put_names(space).await?;
    let page = space.store().list(&space.prefix(), None, 100).await?;
    ensure!(
        !page.has_more,
        "a listing of everything says that there is more"
    );
    ensure!(
        page.keys == keys,
        "the listing is {:?} where {keys:?} is due",
        page.keys
    );
    Ok(())
}

pub(super) async fn prefix(space: &Space<'_>) -> Outcome {
    let keys = put_names(space).await?;
    for part in [
        "list/", "list/a", "list/a/", "list/a/1", "list/b/c", "list/c", "list/x", "l/",
    ] {
        let prefix = format!("{}{part}", space.prefix());
        let wanted: Vec<_> = keys
            .iter()
            .filter(|key| key.as_str().starts_with(&prefix))
            .cloned()
            .collect();
        let page = space.store().list(&prefix, None, 100).await?;
        ensure!(
            page.keys == wanted && !page.has_more,
            "the listing of the prefix {part} is {:?} where {wanted:?} is due",
            page.keys
        );
    }
    Ok(())
}

pub(super) async fn pages(space: &Space<'_>) -> Outcome {
    let keys = put_names(space).await?;
    for limit in [1, 2, 3, keys.len() - 1, keys.len()] {
        let mut seen: Vec<BlobKey> = Vec::new();
        loop {
            let prefix = space.prefix();
            let page = space.store().list(&prefix, seen.last(), limit).await?;
            ensure!(
                page.keys.len() <= limit,
                "a page of at most {limit} has {} keys",
                page.keys.len()
            );
            ensure!(
                !page.has_more || !page.keys.is_empty(),
                "a page without keys says that there is more"
            );
            seen.extend(page.keys);
            ensure!(
                seen.len() <= keys.len(),
                "pages of {limit} give more keys than there are"
            );
            if !page.has_more {
                break;
            }
        }
        ensure!(
            seen == keys,
            "pages of {limit} give {seen:?} where {keys:?} is due"
        );
    }
    after_missing(space, &keys).await
}

/// A page may begin after a key that is not there, such as one deleted since the last page.
async fn after_missing(space: &Space<'_>, keys: &[BlobKey]) -> Outcome {
    for name in ["list/a", "list/a/11", "list/a/1x", "list/b", "list/zzz"] {
        let after = space.key(name)?;
        let wanted: Vec<_> = keys.iter().filter(|key| **key > after).cloned().collect();
        let page = space
            .store()
            .list(&space.prefix(), Some(&after), 100)
            .await?;
        ensure!(
            page.keys == wanted,
            "after {name} come {:?} where {wanted:?} is due",
            page.keys
        );
    }
    Ok(())
}
