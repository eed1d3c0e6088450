//! Changes: each one transaction, made again as a whole where another was in its way.

use std::time::Duration;

use attache_metadata::{Attempt, Refusal, RepositoryError};
use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool};

use super::failure::{Failure, Stop};

/// How often a transaction is begun, at most.
const TRIES: u32 = 5;

/// READ COMMITTED, whatever the server's default: each statement is to see what was committed
/// before *it*, which is what the questions after a lock rest on.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// The refusals of a change that cannot be refused.
pub(super) type Never = std::convert::Infallible;

/// The work of one change: statements inside its transaction.
pub(super) type Working<'w, T, R> = BoxFuture<'w, Result<T, Stop<R>>>;

/// How one try ended.
pub(super) enum Tried<T, R> {
    /// Committed, or refused and undone.
    Settled(Result<T, R>),
    /// Another transaction was in the way; nothing was changed.
    Again(Failure),
    /// The commit was sent and its answer lost; what would have been answered.
    Unknown(T, Failure),
    /// Failed; nothing was changed.
    Failed(Failure),
}

/// Makes a change that may be refused.
pub(super) async fn attempt<I, T, F>(
    pool: &PgPool,
    operation: &'static str,
    input: &I,
    work: F,
) -> Attempt<T>
where
    I: Sync,
    F: for<'w> Fn(&'w mut PgConnection, &'w I) -> Working<'w, T, Refusal> + Sync,
{
    let made = run(pool, input, work).await;
    made.map_err(|failure| failure.in_operation(operation))
}

/// Makes a change that is always made or fails.
pub(super) async fn write<I, T, F>(
    pool: &PgPool,
    operation: &'static str,
    input: &I,
    work: F,
) -> Result<T, RepositoryError>
where
    I: Sync,
    F: for<'w> Fn(&'w mut PgConnection, &'w I) -> Working<'w, T, Never> + Sync,
{
    match run(pool, input, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(never)) => match never {},
        Err(failure) => Err(failure.in_operation(operation)),
    }
}

async fn run<I, T, R, F>(pool: &PgPool, input: &I, work: F) -> Result<Result<T, R>, Failure>
where
    F: for<'w> Fn(&'w mut PgConnection, &'w I) -> Working<'w, T, R>,
{
    let mut patience = Patience::default();
    loop {
        match once(pool, input, &work).await {
            Tried::Settled(answer) => return Ok(answer),
            Tried::Again(failure) => patience.wait_after(failure).await?,
            Tried::Unknown(_, failure) | Tried::Failed(failure) => return Err(failure),
        }
    }
}

/// Runs the work in one transaction and commits it.
pub(super) async fn once<I, T, R, F>(pool: &PgPool, input: &I, work: &F) -> Tried<T, R>
where
    F: for<'w> Fn(&'w mut PgConnection, &'w I) -> Working<'w, T, R>,
{
    let mut transaction = match pool.begin_with(BEGIN).await {
        Ok(transaction) => transaction,
        Err(error) => return Tried::Failed(error.into()),
    };
    let worked = work(&mut transaction, input).await;
    let stop = match worked {
        Ok(done) => {
            return match transaction.commit().await.map_err(Failure::of_commit) {
                Ok(()) => Tried::Settled(Ok(done)),
                Err(failure) if failure.is_unknown() => Tried::Unknown(done, failure),
                Err(failure) => Tried::of(failure),
            };
        }
        Err(stop) => stop,
    };
    // If this fails, the connection is broken and the server undoes the transaction by itself.
    let _ = transaction.rollback().await;
    match stop {
        Stop::Refused(refusal) => Tried::Settled(Err(refusal)),
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

/// How often a transaction was in another's way, and how long it stays out of it.
#[derive(Debug, Default)]
pub(super) struct Patience {
    tried: u32,
}

impl Patience {
    /// Waits before the next try: longer each time, and not all as long.
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

/// A number up to `most` that differs from one transaction to the next, by which two that met do
/// not meet again. Not for secrets: it is the hash of nothing under a random key.
fn jitter(most: u64) -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(()) % (most + 1)
}
