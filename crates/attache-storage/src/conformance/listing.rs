//! Checks of listings.

use bytes::Bytes;

use super::sandbox::{Outcome, Sandbox, Violation, ensure};
use crate::BlobKey;

/// Names whose byte order differs from that of a directory walk and from that of any locale: `-`
/// and `.` come before `/`, upper case before lower case.
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

/// Puts a blob under each of [`NAMES`], in another order, and returns the keys in byte order.
async fn put_names(sandbox: &Sandbox<'_>) -> Result<Vec<BlobKey>, Violation> {
    let mut keys = Vec::new();
    for name in NAMES.iter().rev() {
        let key = sandbox.key(name)?;
        sandbox.put(&key, &Bytes::from_static(b"x")).await?;
        keys.push(key);
    }
    keys.sort();
    Ok(keys)
}

pub(super) async fn order(sandbox: &Sandbox<'_>) -> Outcome {
    let keys = put_names(sandbox).await?;
    let page = sandbox.store().list(&sandbox.prefix(), None, 100).await?;
    ensure!(
        !page.has_more,
        "a complete listing reports that there are more keys"
    );
    ensure!(
        page.keys == keys,
        "the listing is {:?} instead of {keys:?}",
        page.keys
    );
    Ok(())
}

pub(super) async fn prefix(sandbox: &Sandbox<'_>) -> Outcome {
    let keys = put_names(sandbox).await?;
    for part in [
        "list/", "list/a", "list/a/", "list/a/1", "list/b/c", "list/c", "list/x", "l/",
    ] {
        let prefix = format!("{}{part}", sandbox.prefix());
        let wanted: Vec<_> = keys
            .iter()
            .filter(|key| key.as_str().starts_with(&prefix))
            .cloned()
            .collect();
        let page = sandbox.store().list(&prefix, None, 100).await?;
        ensure!(
            page.keys == wanted && !page.has_more,
            "the listing of the prefix {part} is {:?} instead of {wanted:?}",
            page.keys
        );
    }
    Ok(())
}

pub(super) async fn pages(sandbox: &Sandbox<'_>) -> Outcome {
    let keys = put_names(sandbox).await?;
    for limit in [1, 2, 3, keys.len() - 1, keys.len()] {
        let mut seen: Vec<BlobKey> = Vec::new();
        loop {
            let prefix = sandbox.prefix();
            let page = sandbox.store().list(&prefix, seen.last(), limit).await?;
            ensure!(
                page.keys.len() <= limit,
                "a page of at most {limit} has {} keys",
                page.keys.len()
            );
            ensure!(
                !page.has_more || !page.keys.is_empty(),
                "a page without keys reports that there are more"
            );
            seen.extend(page.keys);
            ensure!(
                seen.len() <= keys.len(),
                "pages of {limit} return more keys than there are"
            );
            if !page.has_more {
                break;
            }
        }
        ensure!(
            seen == keys,
            "pages of {limit} return {seen:?} instead of {keys:?}"
        );
    }
    after_missing(sandbox, &keys).await
}

/// A page may begin after a key that does not exist, such as one deleted since the last page.
async fn after_missing(sandbox: &Sandbox<'_>, keys: &[BlobKey]) -> Outcome {
    for name in ["list/a", "list/a/11", "list/a/1x", "list/b", "list/zzz"] {
        let after = sandbox.key(name)?;
        let wanted: Vec<_> = keys.iter().filter(|key| **key > after).cloned().collect();
        let page = sandbox
            .store()
            .list(&sandbox.prefix(), Some(&after), 100)
            .await?;
        ensure!(
            page.keys == wanted,
            "the keys after {name} are {:?} instead of {wanted:?}",
            page.keys
        );
    }
    Ok(())
}
