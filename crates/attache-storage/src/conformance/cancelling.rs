//! Checks of puts whose caller goes away.

use futures_util::future::{Either, select};

use super::bodies::{announcing_end, pattern, stuck};
use super::space::{Outcome, Problem, Space};
use crate::{BlobErrorKind, PutOptions};

pub(super) async fn dropped_midway(space: &Space<'_>) -> Outcome {
    for size in [0, 100, 9 * 1024 * 1024 + 3] {
        let key = space.key(&format!("dropped-midway/{size}"))?;
        let (body, is_stuck) = stuck(&pattern(size, 1));
        let put = space.store().put(&key, body, PutOptions::default());
        match select(put, is_stuck).await {
            Either::Left(_) => {
                return Err(Problem::new("a put ended before its body did"));
            }
            Either::Right((_, put)) => drop(put),
        }
        space.ensure_absent(&key).await?;
    }
    Ok(())
}

pub(super) async fn dropped_at_end(space: &Space<'_>) -> Outcome {
    for size in [0, 100, 700 * 1024 + 3] {
        let key = space.key(&format!("dropped-at-end/{size}"))?;
        let bytes = pattern(size, 1);
        let (body, is_at_end) = announcing_end(&bytes);
        // The end first, so that a put which is done at the same time is dropped all the same.
        let put = space.store().put(&key, body, PutOptions::default());
        drop(select(is_at_end, put).await);
        match space.store().head(&key).await {
            Ok(_) => space.ensure_holds(&key, &bytes).await?,
            Err(error) if error.kind() == BlobErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        space.store().delete(&key).await?;
    }
    Ok(())
}
