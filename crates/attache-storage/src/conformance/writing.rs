//! Checks of successful puts.

use bytes::Bytes;
use futures_util::future::try_join_all;

use super::bodies::{chunked, pattern, uneven};
use super::sandbox::{Outcome, Sandbox, Violation, ensure, expect_kind, sha256_of};
use crate::{BlobErrorKind, BlobKey, Body, PutError, PutOptions, StoredBlob};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

pub(super) async fn health(sandbox: &Sandbox<'_>) -> Outcome {
    sandbox.store().health().await?;
    Ok(())
}

pub(super) async fn round_trip(sandbox: &Sandbox<'_>) -> Outcome {
    for (index, size) in [0, 1, 255 * KIB, 9 * MIB + 1].into_iter().enumerate() {
        let bytes = pattern(size, index);
        for name in ["known", "unknown"] {
            let key = sandbox.key(&format!("round-trip/{name}-{size}"))?;
            let body = match name {
                "known" => Body::from(bytes.clone()),
                _ => chunked(&bytes, 100_000),
            };
            put_and_compare(sandbox, &key, body, &bytes).await?;
        }
    }
    Ok(())
}

pub(super) async fn uneven_chunks(sandbox: &Sandbox<'_>) -> Outcome {
    let bytes = pattern(MIB + 17, 1);
    let key = sandbox.key("uneven")?;
    put_and_compare(sandbox, &key, uneven(&bytes), &bytes).await
}

async fn put_and_compare(
    sandbox: &Sandbox<'_>,
    key: &BlobKey,
    body: Body,
    bytes: &Bytes,
) -> Outcome {
    let stored = sandbox
        .store()
        .put(key, body, PutOptions::default())
        .await?;
    ensure_stored(stored, bytes)?;
    sandbox.ensure_holds(key, bytes).await
}

fn ensure_stored(stored: StoredBlob, bytes: &[u8]) -> Outcome {
    ensure!(
        stored.size_bytes == bytes.len() as u64,
        "a put of {} bytes reports that it stored {}",
        bytes.len(),
        stored.size_bytes
    );
    ensure!(
        stored.sha256 == sha256_of(bytes),
        "a put of {} bytes reports the wrong digest",
        bytes.len()
    );
    Ok(())
}

pub(super) async fn taken_key(sandbox: &Sandbox<'_>) -> Outcome {
    let key = sandbox.key("taken")?;
    let (first, second) = (pattern(100, 1), pattern(200, 2));
    sandbox.put(&key, &first).await?;
    let body = Body::from(second.clone());
    let result = sandbox.store().put(&key, body, PutOptions::default()).await;
    if !sandbox.store().capabilities().refuses_taken_keys {
        ensure_stored(result?, &second)?;
        return sandbox.ensure_holds(&key, &second).await;
    }
    match result {
        Err(PutError::Body(_)) => Err(Violation::new(
            "a put to an existing key is reported as a fault of the body",
        )),
        Err(PutError::Store(error)) => {
            let refused: Result<(), _> = Err(error);
            expect_kind(
                refused,
                BlobErrorKind::AlreadyExists,
                "a put to an existing key",
            )
        }
        Ok(_) => Err(Violation::new("a put to an existing key succeeded")),
    }?;
    sandbox.ensure_holds(&key, &first).await
}

pub(super) async fn concurrent_puts(sandbox: &Sandbox<'_>) -> Outcome {
    let blobs: Vec<(BlobKey, Bytes)> = (0..8)
        .map(|seed| {
            let key = sandbox.key(&format!("concurrent/{seed}"))?;
            Ok((key, pattern(300 * KIB, seed)))
        })
        .collect::<Result<_, Violation>>()?;
    let puts = blobs
        .iter()
        .map(|(key, bytes)| put_and_compare(sandbox, key, chunked(bytes, 10_000), bytes));
    try_join_all(puts).await?;
    // Again, now that no put is in flight.
    for (key, bytes) in &blobs {
        sandbox.ensure_holds(key, bytes).await?;
    }
    Ok(())
}
