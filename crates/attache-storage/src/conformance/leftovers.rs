//! Checks of what a backend keeps beside its blobs: staged files, parts of uploads.

use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::{Instant, sleep};

use super::Failure;
use super::bodies::{aborted, chunked, notifying_end, pattern, stuck};
use super::sandbox::{Outcome, Sandbox, Violation};
use crate::{BlobKey, BlobStore, PutOptions};

const NAME: &str = "an unfinished put leaves no staged bytes";

/// From less than a chunk to several parts.
const SIZES: [usize; 3] = [100, 700 * 1024 + 3, 9 * 1024 * 1024 + 3];

/// The time that a store may take to remove what a dropped put has staged.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(10);

/// Checks that puts which are dropped, aborted or refused leave nothing in the backend, not even what no
/// listing shows: staged files, parts of uploads.
///
/// Such things are outside of the contract, so the caller counts them: `held` returns the number of all files
/// or objects that the backend holds, whatever they are. Nothing else may use the backend meanwhile.
///
/// # Errors
///
/// The first put that left something for ten seconds.
pub async fn check_leftovers(
    store: &dyn BlobStore,
    namespace: &BlobKey,
    held: &(dyn Fn() -> usize + Sync),
) -> Result<(), Failure> {
    let sandbox = Sandbox::new(store, namespace.clone());
    let outcome = check(&sandbox, held).await;
    let cleaned = sandbox.clean_up().await;
    outcome.and(cleaned).map_err(|violation| Failure {
        check: NAME,
        violation: violation.into_text(),
    })
}

async fn check(sandbox: &Sandbox<'_>, held: &(dyn Fn() -> usize + Sync)) -> Outcome {
    // The directories of the keys may stay.
    put_and_delete(sandbox).await?;
    let before = held();
    for size in SIZES {
        let bytes = pattern(size, 1);
        let key = sandbox.key(&format!("leftovers/midway-{size}"))?;
        let (body, is_stuck) = stuck(&bytes);
        let put = sandbox.store().put(&key, body, PutOptions::default());
        match select(put, is_stuck).await {
            Either::Left(_) => return Err(Violation::new("a put ended before its body did")),
            Either::Right((_, put)) => drop(put),
        }
        nothing_left(sandbox, &key, held, before, "a put dropped midway").await?;

        let key = sandbox.key(&format!("leftovers/end-{size}"))?;
        let (body, is_at_end) = notifying_end(&bytes);
        let put = sandbox.store().put(&key, body, PutOptions::default());
        drop(select(is_at_end, put).await);
        nothing_left(sandbox, &key, held, before, "a put dropped at its end").await?;

        let key = sandbox.key(&format!("leftovers/aborted-{size}"))?;
        let put = sandbox
            .store()
            .put(&key, aborted(&bytes), PutOptions::default());
        drop(put.await);
        nothing_left(sandbox, &key, held, before, "an aborted body").await?;

        let key = sandbox.key(&format!("leftovers/refused-{size}"))?;
        let limit = PutOptions {
            max_size_bytes: Some(size as u64 - 1),
            ..PutOptions::default()
        };
        drop(
            sandbox
                .store()
                .put(&key, chunked(&bytes, 64 * 1024), limit)
                .await,
        );
        nothing_left(sandbox, &key, held, before, "a refused body").await?;
    }
    Ok(())
}

async fn put_and_delete(sandbox: &Sandbox<'_>) -> Outcome {
    let key = sandbox.key("leftovers/first")?;
    let body = chunked(&pattern(100, 1), 100);
    let put = sandbox.store().put(&key, body, PutOptions::default());
    put.await
        .map_err(|error| Violation::new(format!("a put failed: {error}")))?;
    Ok(sandbox.store().delete(&key).await?)
}

/// Deletes the key, as a caller does after a put that was not acknowledged, and waits for the rest to go.
async fn nothing_left(
    sandbox: &Sandbox<'_>,
    key: &BlobKey,
    held: &(dyn Fn() -> usize + Sync),
    before: usize,
    what: &str,
) -> Outcome {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Again and again: a dropped put may still become a whole blob.
        sandbox.store().delete(key).await?;
        let now = held();
        if now <= before {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let left = now - before;
            return Err(Violation::new(format!(
                "{what} left {left} files or objects"
            )));
        }
        sleep(PAUSE).await;
    }
}
