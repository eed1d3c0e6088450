//! Checks of puts that succeed.

use bytes::Bytes;
use futures_util::future::try_join_all;

use super::bodies::{chunked, pattern, uneven};
use super::space::{Outcome, Problem, Space, ensure, expect_kind, sha256_of};
use crate::{BlobErrorKind, BlobKey, Body, PutError, PutOptions, StoredBlob};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

pub(super) async fn health(space: &Space<'_>) -> Outcome {
    space.store().health().await?;
    Ok(())
}

pub(super) async fn round_trip(space: &Space<'_>) -> Outcome {
    for (index, size) in [0, 1, 255 * KIB, 9 * MIB + 1].into_iter().enumerate() {
        let bytes = pattern(size, index);
        for name in ["known", "unknown"] {
            let key = space.key(&format!("round-trip/{name}-{size}"))?;
            let body = match name {
                "known" => Body::from(bytes.clone()),
                _ => chunked(&bytes, 100_000),
            };
            put_and_compare(space, &key, body, &bytes).await?;
        }
    }
    Ok(())
}

pub(super) async fn uneven_chunks(space: &Space<'_>) -> Outcome {
    let bytes = pattern(MIB + 17, 1);
    let key = space.key("uneven")?;
    put_and_compare(space, &key, uneven(&bytes), &bytes).await
}

async fn put_and_compare(space: &Space<'_>, key: &BlobKey, body: Body, bytes: &Bytes) -> Outcome {
    let stored = space.store().put(key, body, PutOptions::default()).await?;
    ensure_stored(stored, bytes)?;
    space.ensure_holds(key, bytes).await
}

fn ensure_stored(stored: StoredBlob, bytes: &[u8]) -> Outcome {
    ensure!(
        stored.size_bytes == bytes.len() as u64,
        "a put of {} bytes answers that it stored {}",
        bytes.len(),
        stored.size_bytes
    );
    ensure!(
        stored.sha256 == sha256_of(bytes),
        "a put of {} bytes answers with the wrong digest",
        bytes.len()
    );
    Ok(())
}

pub(super) async fn taken_key(space: &Space<'_>) -> Outcome {
    let key = space.key("taken")?;
    let (first, second) = (pattern(100, 1), pattern(200, 2));
    space.put(&key, &first).await?;
    let body = Body::from(second.clone());
    let answer = space.store().put(&key, body, PutOptions::default()).await;
    if !space.store().capabilities().refuses_taken_keys {
        ensure_stored(answer?, &second)?;
        return space.ensure_holds(&key, &second).await;
    }
    match answer {
        Err(PutError::Body(_)) => Err(Problem::new("the body is blamed for a taken key")),
        Err(PutError::Store(error)) => {
            let refused: Result<(), _> = Err(error);
            expect_kind(
                refused,
                BlobErrorKind::AlreadyExists,
                "a put to a taken key",
            )
        }
        Ok(_) => Err(Problem::new("a put to a taken key succeeded")),
    }?;
    space.ensure_holds(&key, &first).await
}

pub(super) async fn concurrent_puts(space: &Space<'_>) -> Outcome {
    let blobs: Vec<(BlobKey, Bytes)> = (0..8)
        .map(|seed| {
            let key = space.key(&format!("concurrent/{seed}"))?;
            Ok((key, pattern(300 * KIB, seed)))
        })
        .collect::<Result<_, Problem>>()?;
    let puts = blobs
        .iter()
        .map(|(key, bytes)| put_and_compare(space, key, chunked(bytes, 10_000), bytes));
    try_join_all(puts).await?;
    // Once more, now that none of them is under way.
    for (key, bytes) in &blobs {
        space.ensure_holds(key, bytes).await?;
    }
    Ok(())
}
