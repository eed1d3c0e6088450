//! Changes: each one transaction, repeated as a whole where another was in its way.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;

use super::failure::of_commit;
use super::link::Link;
use crate::failure::{Failure, Stop};
use crate::repository::Changing;

/// The most times that a transaction is begun.
const TRIES: u32 = 5;

/// READ COMMITTED, whatever the server's default: each statement is to see what was committed
/// before *it*, which is what the questions after a lock rest on.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// The end of one try.
pub(super) enum Tried<T, R> {
    /// Committed, or refused and undone.
    Ended(Result<T, R>),
    /// Another transaction was in the way; nothing was changed.
    Again(Failure),
    /// The commit was sent and its response lost; the result it would have had.
    Unknown(T, Failure),
    /// Failed; nothing was changed.
    Failed(Failure),
}

/// Makes a change.
pub(super) async fn run<I, T, R, F>(
    link: &Arc<Link>,
    input: &I,
    work: F,
) -> Result<Result<T, R>, Failure>
where
    F: for<'w> Fn(&'w mut PgConnection, &'w I) -> Changing<'w, T, R>,
{
    let mut retries = Retries::default();
    loop {
        match once(link, input, &work).await {
            Tried::Ended(result) => return Ok(result),
            Tried::Again(failure) => retries.wait_after(failure).await?,
            Tried::Unknown(_, failure) | Tried::Failed(failure) => return Err(failure),
        }
    }
}

/// Runs the work in one transaction and commits it.
pub(super) async fn once<I, T, R, F>(link: &Arc<Link>, input: &I, work: &F) -> Tried<T, R>
where
    F: for<'w> Fn(&'w mut PgConnection, &'w I) -> Changing<'w, T, R>,
{
    let pool = link.pool();
    let begun = match link.reach(pool.begin_with(BEGIN)).await {
        Ok(begun) => begun.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    let mut transaction = match begun {
        Ok(transaction) => transaction,
        Err(failure) => return Tried::Failed(failure),
    };
    let worked = match link.reach(work(&mut transaction, input)).await {
        Ok(worked) => worked,
        Err(failure) => return Tried::Failed(failure),
    };
    let stop = match worked {
        Ok(done) => {
            let committed = match link.reach(transaction.commit()).await {
                Ok(committed) => committed.map_err(of_commit),
                Err(failure) => Err(Failure::Commit(failure.into())),
            };
            return match committed {
                Ok(()) => Tried::Ended(Ok(done)),
                Err(failure @ Failure::Commit(_)) => Tried::Unknown(done, failure),
                Err(failure) => Tried::of(failure),
            };
        }
        Err(stop) => stop,
    };
    // If this fails, the connection is broken and the server undoes the transaction by itself.
    let _ = link.reach(transaction.rollback()).await;
    match stop {
        Stop::Refused(refusal) => Tried::Ended(Err(refusal)),
        Stop::Failed(failure) => Tried::of(failure),
    }
}

impl<T, R> Tried<T, R> {
    fn of(failure: Failure) -> Self {
        if failure.is_race() {
            Self::Again(failure)
        } else {
            Self::Failed(failure)
        }
    }
}

/// Counts the tries of a transaction, and waits between them.
#[derive(Debug, Default)]
pub(super) struct Retries {
    tried: u32,
}

impl Retries {
    /// Waits before the next try: longer each time, and never quite as long as others.
    ///
    /// # Errors
    ///
    /// The failure itself, after the last try.
    pub(super) async fn wait_after(&mut self, failure: Failure) -> Result<(), Failure> {
        self.tried += 1;
        if self.tried >= TRIES {
            return Err(failure);
        }
        let most = 10_u64 << self.tried;
        tokio::time::sleep(Duration::from_millis(most / 2 + jitter(most / 2))).await;
        Ok(())
    }
}

/// Returns a number up to `most` that differs from one transaction to the next, so that two that met
/// do not meet again. Not for secrets: it is the hash of nothing under a random key.
fn jitter(most: u64) -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(()) % (most + 1)
}
