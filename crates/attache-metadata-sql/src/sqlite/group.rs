//! One group of changes: a transaction for all, a savepoint for each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::failure::of_commit;
use super::queue::Queued;
use super::session::{SqliteSession, complete};
use crate::failure::{Failure, RowError, Stop};
use crate::repository::Changing;

/// The time after which a group takes no further change, so that heavy changes make no long group: others wait
/// for its end.
const GROUP_TIME: Duration = Duration::from_millis(20);

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
    /// Tells the caller that the change will not be made.
    fn refuse(self: Box<Self>, failure: Failure);

    /// Makes the change and keeps its result.
    fn run(&mut self, session: &mut SqliteSession) -> Verdict;

    /// Sends the result to the caller, once the outcome of the group is known.
    fn reply(self: Box<Self>, group: Result<(), Arc<Failure>>);
}

impl Queued for Box<dyn Job> {
    fn refuse(self, failure: Failure) {
        Job::refuse(self, failure);
    }

    /// A change is made even if its caller goes away.
    fn is_abandoned(&self) -> bool {
        false
    }
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
    fn refuse(self: Box<Self>, failure: Failure) {
        let _ = self.caller.send(Reply::Done(Err(Stop::Failed(failure))));
    }

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

/// A group that has ended.
pub(super) struct Ended {
    /// The changes that were begun, of which the last may have failed the group.
    pub(super) jobs: Vec<Box<dyn Job>>,
    /// On an error nothing of the group is committed, or it is unknown whether all of it is.
    pub(super) outcome: Result<(), Arc<Failure>>,
}

/// Makes a change and those that wait behind it, and commits.
pub(super) fn commit(
    session: &mut SqliteSession,
    first: Box<dyn Job>,
    mut others: impl Iterator<Item = Box<dyn Job>>,
) -> Ended {
    let mut second = others.next();
    let is_alone = second.is_none();
    if let Err(failure) = command(session, "BEGIN IMMEDIATE") {
        // Another program holds the lock. The others would wait for it as long again, one after the other.
        let jobs = [first].into_iter().chain(second).chain(others).collect();
        let outcome = Err(failure);
        return Ended { jobs, outcome };
    }
    let until = Instant::now() + GROUP_TIME;
    let mut jobs = Vec::new();
    let mut next = Some(first);
    while let Some(mut job) = next {
        let made = if is_alone {
            make_alone(session, &mut *job)
        } else {
            make_in_savepoint(session, &mut *job)
        };
        jobs.push(job);
        match made {
            Ok(Writes::Undone) if is_alone => {
                let outcome = Ok(());
                return Ended { jobs, outcome };
            }
            Ok(_) => {}
            Err(failure) => {
                jobs.extend(second);
                let outcome = Err(failure);
                return Ended { jobs, outcome };
            }
        }
        next = second.take().or_else(|| {
            let is_full = is_alone || Instant::now() > until;
            (!is_full).then(|| others.next())?
        });
    }
    let committed = session.command("COMMIT");
    let outcome = committed.map_err(|error| Arc::new(of_commit(error)));
    Ended { jobs, outcome }
}

/// The writes of a change in a transaction that goes on.
#[derive(PartialEq, Eq)]
enum Writes {
    Kept,
    Undone,
}

/// Makes the only change of its transaction, which ends if the change is undone.
fn make_alone(session: &mut SqliteSession, job: &mut dyn Job) -> Result<Writes, Arc<Failure>> {
    match job.run(session) {
        Verdict::Keep => Ok(Writes::Kept),
        Verdict::Undo => command(session, "ROLLBACK").map(|()| Writes::Undone),
        Verdict::FailGroup(failure) => Err(failure),
    }
}

/// Makes a change beside others.
fn make_in_savepoint(
    session: &mut SqliteSession,
    job: &mut dyn Job,
) -> Result<Writes, Arc<Failure>> {
    command(session, "SAVEPOINT change")?;
    let writes = match job.run(session) {
        Verdict::Keep => Writes::Kept,
        Verdict::Undo => {
            command(session, "ROLLBACK TO change")?;
            Writes::Undone
        }
        Verdict::FailGroup(failure) => return Err(failure),
    };
    command(session, "RELEASE change")?;
    Ok(writes)
}

fn command(session: &SqliteSession, sql: &str) -> Result<(), Arc<Failure>> {
    session.command(sql).map_err(|error| Arc::new(error.into()))
}
