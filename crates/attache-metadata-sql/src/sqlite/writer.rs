//! The one thread that writes: it takes the changes that wait and commits them as a group.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use attache_lanes::{ClassLimits, QueueMonitor, Running};
use attache_metadata::RepositoryError;
use attache_model::Clock;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::open_writer;
use super::group::{self, Change, Ended, Job, Reply};
use super::queue::{Jobs, Queue};
use super::session::SqliteSession;
use super::wal;
use crate::call::{self, Call, Class, Lane};
use crate::failure::{Failure, Stop};
use crate::repository::Changing;

/// The most changes that are committed together.
const GROUP_SIZE: usize = 128;

/// The counter of groups whose commit may not have reached the disk.
const COMMIT_FAILURES: &str = "attache_database_commit_failures_total";

/// The sending end of the writer. Dropping it ends the writer as [`close`](Self::close) does,
/// unawaited.
pub(super) struct Writer {
    queue: Queue<Box<dyn Job>>,
    commit_failed: Arc<AtomicBool>,
}

impl Writer {
    /// Starts the writer on a connection that has been checked.
    pub(super) fn start(
        connection: Connection,
        path: PathBuf,
        clock: Arc<dyn Clock>,
        queue_length: usize,
    ) -> io::Result<Self> {
        let (queue, jobs) = Queue::new([ClassLimits {
            name: "database_changes",
            max_running: GROUP_SIZE,
            waiting: call::calls(queue_length),
        }]);
        let commit_failed = Arc::<AtomicBool>::default();
        let state = Writing {
            session: Some(SqliteSession::new(connection)),
            path,
            clock,
            jobs,
            commit_failed: Arc::clone(&commit_failed),
        };
        let builder = thread::Builder::new().name("sqlite-writer".to_owned());
        builder.spawn(|| state.run())?;
        Ok(Self {
            queue,
            commit_failed,
        })
    }

    /// Makes a change. It is made even if the caller goes away.
    pub(super) async fn change<I, T, R, F>(
        &self,
        call: Call,
        input: I,
        work: F,
    ) -> Result<Result<T, R>, RepositoryError>
    where
        I: Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
        F: for<'w> Fn(&'w mut SqliteSession, &'w I) -> Changing<'w, T, R> + Send + 'static,
    {
        let Call {
            operation, lane, ..
        } = call;
        let (caller, reply) = oneshot::channel();
        let job = Box::new(Change::new(input, work, caller));
        self.queue.push(Class::Lookup, lane, job);
        match reply.await {
            Ok(Reply::Done(Ok(done))) => Ok(Ok(done)),
            Ok(Reply::Done(Err(Stop::Refused(reason)))) => Ok(Err(reason)),
            Ok(Reply::Done(Err(Stop::Failed(failure)))) => Err(failure.in_operation(operation)),
            Ok(Reply::GroupFailed(failure)) => {
                Err(RepositoryError::new(failure.kind(), operation).with_source(failure))
            }
            Err(_) => Err(Failure::ThreadEnded.in_operation(operation)),
        }
    }

    /// Returns `true` if the log could not be written or synced by the last commit that tried: until one
    /// succeeds, the disk is not to be relied on.
    pub(super) fn commit_failed(&self) -> bool {
        self.commit_failed.load(Ordering::Acquire)
    }

    /// Notes that a commit has been written and synced after one that was not.
    pub(super) fn note_recovery(&self) {
        self.commit_failed.store(false, Ordering::Release);
    }

    pub(super) fn monitor(&self) -> QueueMonitor {
        self.queue.monitor()
    }

    /// Lets the waiting changes be made, empties the log into the file and ends the writer. Changes
    /// that come later are refused as unavailable.
    pub(super) async fn close(&self) {
        self.queue.close().await;
    }
}

/// The state of the writing thread.
struct Writing {
    /// `None` after a group failed: the next one begins on a new connection.
    session: Option<SqliteSession>,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    jobs: Jobs<Box<dyn Job>>,
    commit_failed: Arc<AtomicBool>,
}

impl Writing {
    fn run(mut self) {
        while let Some((first, running)) = self.jobs.next() {
            self.make(first, running);
        }
        if let Some(SqliteSession { connection }) = self.session.take() {
            wal::empty(&connection);
            if let Err((_, error)) = connection.close() {
                tracing::warn!(%error, "the database was not closed cleanly");
            }
        }
    }

    /// Makes a change, and those that wait behind it, as a group.
    fn make(&mut self, first: Box<dyn Job>, running: Running<Lane, Box<dyn Job>>) {
        let (mut running, waiting) = (vec![running], &self.jobs);
        let others = std::iter::from_fn(|| {
            let is_full = running.len() >= GROUP_SIZE;
            let (job, this) = (!is_full).then(|| waiting.next_waiting())??;
            running.push(this);
            Some(job)
        });
        let session = match self.session.take() {
            Some(session) => Ok(session),
            None => open_writer(&self.path, &self.clock).map(SqliteSession::new),
        };
        let Ended { jobs, outcome } = match session {
            Ok(mut session) => {
                let ended = group::commit(&mut session, first, others);
                // What is left of a transaction that failed is undone with its connection.
                self.session = ended.outcome.is_ok().then_some(session);
                ended
            }
            Err(failure) => Ended {
                jobs: std::iter::once(first).chain(others).collect(),
                outcome: Err(Arc::new(failure)),
            },
        };
        if let Err(failure) = &outcome {
            let error = &**failure as &dyn std::error::Error;
            tracing::error!(error, "a group of changes failed");
            if matches!(**failure, Failure::Commit(_)) {
                metrics::counter!(COMMIT_FAILURES).increment(1);
                self.commit_failed.store(true, Ordering::Release);
            }
        }
        for job in jobs {
            job.reply(outcome.clone());
        }
        drop(running);
        if let Some(session) = &self.session {
            wal::keep_short(&session.connection);
        }
    }
}

#[cfg(test)]
mod tests;
