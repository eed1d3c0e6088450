//! Checks of the keys that a store chooses for new blobs.

use std::collections::BTreeSet;

use attache_model::{BlobId, TenantId};
use bytes::Bytes;
use futures_util::future::try_join_all;
use sha2::{Digest as _, Sha256};

use super::sandbox::{Outcome, Sandbox, Violation, ensure};
use crate::BlobKey;

const TENANT: TenantId = TenantId::new(7);

/// So many that a store that places blobs together does so.
const BLOBS: u8 = 40;

pub(super) async fn many_at_once(sandbox: &Sandbox<'_>) -> Outcome {
    let stored = try_join_all((0..BLOBS).map(|number| async move {
        let bytes = content(number);
        let max_size_bytes = (number % 3 > 0).then_some(bytes.len() as u64);
        let key = sandbox.new_key(TENANT, blob(sandbox, number)?, max_size_bytes)?;
        sandbox.put(&key, &bytes).await?;
        Ok::<_, Violation>((key, bytes))
    }))
    .await?;
    let keys: BTreeSet<&BlobKey> = stored.iter().map(|(key, _)| key).collect();
    ensure!(
        keys.len() == usize::from(BLOBS),
        "a new key was returned twice"
    );
    let prefix = format!("{}{TENANT}/", sandbox.prefix());
    for (key, bytes) in &stored {
        ensure!(
            key.as_str().starts_with(&prefix),
            "{key} does not begin with the tenant"
        );
        sandbox.ensure_reads(key, None, bytes.len(), bytes).await?;
    }
    let (deleted, kept) = stored.split_at(stored.len() / 2);
    try_join_all(deleted.iter().map(|(key, _)| sandbox.store().delete(key))).await?;
    let listed = sandbox.store().list(&prefix, None, 1000).await?;
    let mut expected: Vec<_> = kept.iter().map(|(key, _)| key.clone()).collect();
    expected.sort();
    ensure!(
        listed.keys == expected,
        "the listing differs from what was kept"
    );
    for (key, bytes) in kept {
        sandbox.ensure_reads(key, None, bytes.len(), bytes).await?;
    }
    Ok(())
}

fn content(number: u8) -> Bytes {
    Bytes::from(vec![number; usize::from(number) * 1000])
}

/// Returns an id that no other run and no other number has.
fn blob(sandbox: &Sandbox<'_>, number: u8) -> Result<BlobId, Violation> {
    let digest = Sha256::digest(format!("{}{number}", sandbox.prefix()));
    let hex = digest
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let text = format!(
        "{}-{}-7{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..15],
        &hex[15..18],
        &hex[18..30]
    );
    text.parse()
        .map_err(|_| Violation::new("the id is not a UUID"))
}
