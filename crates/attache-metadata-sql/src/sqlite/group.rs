//! One group of changes: a transaction for all, a savepoint for each.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use super::failure::{Failure, Stop};
use super::writer::Working;

/// What is to become of what a job wrote.
pub(super) enum Verdict {
    /// It is committed with the group.
    Keep,
    /// It is undone; the rest of the group goes on.
    Undo,
    /// The transaction is not to be trusted any more.
    FailGroup(Arc<Failure>),
}

/// A change waiting to be made, whatever its answer's type.
pub(super) trait Job: Send {
    /// Makes the change and remembers the answer.
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, Verdict>;

    /// Tells the caller, once it is known what became of the group.
    fn answer(self: Box<Self>, group: Result<(), Arc<Failure>>);
}

/// What the caller of a change is told.
pub(super) enum Told<T, R> {
    /// The group was committed, and this is how the change fared in it.
    Done(Result<T, Stop<R>>),
    /// The group was not.
    GroupFailed(Arc<Failure>),
}

/// A change with its caller.
pub(super) struct Change<T, R, F> {
    work: Option<F>,
    result: Option<Result<T, Stop<R>>>,
    caller: oneshot::Sender<Told<T, R>>,
}

impl<T, R, F> Change<T, R, F> {
    pub(super) fn new(work: F, caller: oneshot::Sender<Told<T, R>>) -> Self {
        Self {
            work: Some(work),
            result: None,
            caller,
        }
    }
}

impl<T, R, F> Job for Change<T, R, F>
where
    T: Send,
    R: Send,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T, R> + Send,
{
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, Verdict> {
        Box::pin(async move {
            let Some(work) = self.work.take() else {
                return Verdict::Undo;
            };
            // An event hook is foreign code: its panic undoes its own change and no other. The
            // work is an `async` block, so nothing of it runs before it is polled.
            let working = AssertUnwindSafe(work(connection)).catch_unwind();
            let result = working
                .await
                .unwrap_or(Err(Stop::Failed(Failure::Panicked)));
            let verdict = match result {
                Ok(_) => Verdict::Keep,
                Err(Stop::Failed(failure)) if !failure.is_of_one_change() => {
                    return Verdict::FailGroup(Arc::new(failure));
                }
                Err(_) => Verdict::Undo,
            };
            self.result = Some(result);
            verdict
        })
    }

    fn answer(self: Box<Self>, group: Result<(), Arc<Failure>>) {
        let told = match (group, self.result) {
            (Ok(()), Some(result)) => Told::Done(result),
            (Ok(()), None) => Told::Done(Err(Stop::Failed(Failure::WriterGone))),
            (Err(failure), _) => Told::GroupFailed(failure),
        };
        // A caller that went away misses its answer; the change stays made.
        let _ = self.caller.send(told);
    }
}

/// Makes every job and commits. On an error nothing of the group is committed, or it is unknown
/// whether all of it is.
///
/// Each command is a round trip to SQLite's thread, which costs more than the savepoint itself: so
/// the steps between jobs are sent together, and a group of one has no savepoint.
pub(super) async fn commit(
    connection: &mut SqliteConnection,
    jobs: &mut [Box<dyn Job>],
) -> Result<(), Arc<Failure>> {
    let alone = jobs.len() == 1;
    let begin = if alone {
        "BEGIN IMMEDIATE"
    } else {
        "BEGIN IMMEDIATE; SAVEPOINT change"
    };
    execute(connection, begin).await?;
    for job in jobs {
        let next = match job.run(connection).await {
            Verdict::Keep if alone => continue,
            Verdict::Keep => "RELEASE change; SAVEPOINT change",
            Verdict::Undo if alone => return execute(connection, "ROLLBACK").await,
            Verdict::Undo => "ROLLBACK TO change",
            Verdict::FailGroup(failure) => return Err(failure),
        };
        execute(connection, next).await?;
    }
    let committed = sqlx::raw_sql("COMMIT").execute(connection).await;
    committed
        .map(drop)
        .map_err(|error| Arc::new(Failure::of_commit(error)))
}

/// Takes a group's transaction back, where it still stands.
pub(super) async fn abandon(connection: &mut SqliteConnection) {
    // SQLite may have rolled back by itself, and then has nothing to roll back.
    let _ = sqlx::raw_sql("ROLLBACK").execute(connection).await;
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), Arc<Failure>> {
    let executed = sqlx::raw_sql(sql).execute(connection).await;
    executed.map(drop).map_err(|error| Arc::new(error.into()))
}
