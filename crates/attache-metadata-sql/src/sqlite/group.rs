//! One group of changes: a transaction for all, a savepoint for each.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::failure::of_commit;
use super::session::{SqliteSession, complete};
use crate::failure::{Failure, RowError, Stop};
use crate::repository::Changing;

/// The fate of the writes of a job.
pub(super) enum Verdict {
    /// They are committed with the group.
    Keep,
    /// They are undone; the rest of the group goes on.
    Undo,
    /// The transaction can no longer be trusted.
    FailGroup(Arc<Failure>),
}

/// A change waiting to be made, whatever the type of its result.
pub(super) trait Job: Send {
    /// Makes the change and keeps its result.
    fn run(&mut self, session: &mut SqliteSession) -> Verdict;

    /// Sends the result to the caller, once the outcome of the group is known.
    fn reply(self: Box<Self>, group: Result<(), Arc<Failure>>);
}

/// The message to the caller of a change.
pub(super) enum Reply<T, R> {
    /// The group was committed, and this is the change's own result.
    Done(Result<T, Stop<R>>),
    /// The group was not.
    GroupFailed(Arc<Failure>),
}

/// A change with its caller.
pub(super) struct Change<I, T, R, F> {
    input: I,
    work: F,
    result: Option<Result<T, Stop<R>>>,
    caller: oneshot::Sender<Reply<T, R>>,
}

impl<I, T, R, F> Change<I, T, R, F> {
    pub(super) fn new(input: I, work: F, caller: oneshot::Sender<Reply<T, R>>) -> Self {
        Self {
            input,
            work,
            result: None,
            caller,
        }
    }
}

impl<I, T, R, F> Job for Change<I, T, R, F>
where
    I: Send,
    T: Send,
    R: Send,
    F: for<'w> Fn(&'w mut SqliteSession, &'w I) -> Changing<'w, T, R> + Send,
{
    fn run(&mut self, session: &mut SqliteSession) -> Verdict {
        let result = complete(|| (self.work)(session, &self.input));
        let verdict = match result {
            Ok(_) => Verdict::Keep,
            Err(Stop::Failed(failure)) if !failure.is_of_one_change() => {
                return Verdict::FailGroup(Arc::new(failure));
            }
            Err(_) => Verdict::Undo,
        };
        self.result = Some(match result {
            // Nobody else writes meanwhile: the row itself contradicts the statement.
            Err(Stop::Failed(Failure::Raced)) => {
                Err(Stop::Failed(RowError::Column("revision").into()))
            }
            result => result,
        });
        verdict
    }

    fn reply(self: Box<Self>, group: Result<(), Arc<Failure>>) {
        let reply = match (group, self.result) {
            (Ok(()), Some(result)) => Reply::Done(result),
            (Ok(()), None) => Reply::Done(Err(Stop::Failed(Failure::ThreadEnded))),
            (Err(failure), _) => Reply::GroupFailed(failure),
        };
        // A caller that went away misses its reply; the change stays made.
        let _ = self.caller.send(reply);
    }
}

/// Makes every job and commits. On an error nothing of the group is committed, or it is unknown
/// whether all of it is.
pub(super) fn commit(
    session: &mut SqliteSession,
    jobs: &mut [Box<dyn Job>],
) -> Result<(), Arc<Failure>> {
    command(session, "BEGIN IMMEDIATE")?;
    let is_alone = jobs.len() == 1;
    for job in jobs {
        if !is_alone {
            command(session, "SAVEPOINT change")?;
        }
        match job.run(session) {
            Verdict::Keep if is_alone => {}
            Verdict::Keep => command(session, "RELEASE change")?,
            Verdict::Undo if is_alone => return command(session, "ROLLBACK"),
            Verdict::Undo => {
                command(session, "ROLLBACK TO change")?;
                command(session, "RELEASE change")?;
            }
            Verdict::FailGroup(failure) => return Err(failure),
        }
    }
    let committed = session.command("COMMIT");
    committed.map_err(|error| Arc::new(of_commit(error)))
}

fn command(session: &SqliteSession, sql: &str) -> Result<(), Arc<Failure>> {
    session.command(sql).map_err(|error| Arc::new(error.into()))
}
