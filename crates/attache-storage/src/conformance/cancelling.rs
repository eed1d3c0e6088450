//! Checks of cancelled puts.

use futures_util::future::{Either, select};

use super::bodies::{notifying_end, pattern, stuck};
use super::sandbox::{Outcome, Sandbox, Violation};
use crate::{BlobErrorKind, PutOptions};

pub(super) async fn dropped_midway(sandbox: &Sandbox<'_>) -> Outcome {
    for size in [0, 100, 9 * 1024 * 1024 + 3] {
        let key = sandbox.key(&format!("dropped-midway/{size}"))?;
        let (body, is_stuck) = stuck(&pattern(size, 1));
        let put = sandbox.store().put(&key, body, PutOptions::default());
        match select(put, is_stuck).await {
            Either::Left(_) => {
                return Err(Violation::new("a put ended before its body did"));
            }
            Either::Right((_, put)) => drop(put),
        }
        sandbox.ensure_absent(&key).await?;
    }
    Ok(())
}

pub(super) async fn dropped_at_end(sandbox: &Sandbox<'_>) -> Outcome {
    for size in [0, 100, 700 * 1024 + 3] {
        let key = sandbox.key(&format!("dropped-at-end/{size}"))?;
        let bytes = pattern(size, 1);
        let (body, is_at_end) = notifying_end(&bytes);
        // The end first, so that a put which completes at the same time is dropped, too.
        let put = sandbox.store().put(&key, body, PutOptions::default());
        drop(select(is_at_end, put).await);
        match sandbox.store().head(&key).await {
            Ok(_) => sandbox.ensure_holds(&key, &bytes).await?,
            Err(error) if error.kind() == BlobErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        sandbox.store().delete(&key).await?;
    }
    Ok(())
}
