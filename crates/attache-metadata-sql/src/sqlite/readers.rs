//! The threads that read, each on a connection of its own.
//!
//! Lookups go before lists, and lists have part of the threads: a lookup, authentication among them, waits
//! behind other lookups only.

use std::io;
use std::thread;

use attache_lanes::{ClassLimits, QueueMonitor};
use attache_metadata::RepositoryError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::queue::{Jobs, Queue, Queued};
use super::session::{SqliteSession, complete};
use crate::call::{self, Call};
use crate::failure::Failure;
use crate::repository::Reading;

/// The lookups of one lane that wait are so many times the changes.
const LOOKUPS_PER_CHANGE: usize = 4;

/// The reading threads. Dropping it ends them.
pub(crate) struct Readers {
    queue: Queue<Box<dyn Job>>,
}

impl Readers {
    /// Starts a thread for each connection, with one queue for all.
    pub(crate) fn start(connections: Vec<Connection>, queue_length: usize) -> io::Result<Self> {
        let threads = connections.len();
        let (queue, jobs) = Queue::new([
            ClassLimits {
                name: "database_lookups",
                max_running: threads,
                waiting: call::calls(queue_length.saturating_mul(LOOKUPS_PER_CHANGE)),
            },
            ClassLimits {
                name: "database_lists",
                max_running: call::share_of_lists(threads),
                waiting: call::lists(),
            },
        ]);
        for connection in connections {
            let jobs = jobs.clone();
            let thread = thread::Builder::new().name("sqlite-reader".to_owned());
            thread.spawn(move || run(connection, &jobs))?;
        }
        Ok(Self { queue })
    }

    /// Runs a read on the next thread that is free. It is left out where the caller no longer waits.
    pub(crate) async fn read<I, T, F>(
        &self,
        call: Call,
        input: I,
        work: F,
    ) -> Result<T, RepositoryError>
    where
        I: Send + 'static,
        T: Send + 'static,
        F: for<'w> FnOnce(&'w mut SqliteSession, &'w I) -> Reading<'w, T> + Send + 'static,
    {
        let Call {
            operation,
            lane,
            class,
        } = call;
        let (caller, result) = oneshot::channel();
        let job = Read {
            input,
            work,
            caller,
        };
        self.queue.push(class, lane, Box::new(job));
        let result = result.await.unwrap_or(Err(Failure::ThreadEnded));
        result.map_err(|failure| failure.in_operation(operation))
    }

    pub(crate) fn monitor(&self) -> QueueMonitor {
        self.queue.monitor()
    }

    /// Lets the waiting reads end and closes the connections.
    pub(crate) async fn close(&self) {
        self.queue.close().await;
    }
}

fn run(connection: Connection, jobs: &Jobs<Box<dyn Job>>) {
    let mut session = SqliteSession::new(connection);
    while let Some((job, _running)) = jobs.next() {
        if !job.is_abandoned() {
            job.run(&mut session);
        }
    }
}

/// A read that waits, whatever the type of its result.
trait Job: Send {
    fn run(self: Box<Self>, session: &mut SqliteSession);

    fn refuse(self: Box<Self>, failure: Failure);

    fn is_abandoned(&self) -> bool;
}

impl Queued for Box<dyn Job> {
    fn refuse(self, failure: Failure) {
        Job::refuse(self, failure);
    }

    fn is_abandoned(&self) -> bool {
        Job::is_abandoned(&**self)
    }
}

/// A read with its caller, which misses nothing if it has gone away since.
struct Read<I, T, F> {
    input: I,
    work: F,
    caller: oneshot::Sender<Result<T, Failure>>,
}

impl<I, T, F> Job for Read<I, T, F>
where
    I: Send,
    T: Send,
    F: for<'w> FnOnce(&'w mut SqliteSession, &'w I) -> Reading<'w, T> + Send,
{
    fn run(self: Box<Self>, session: &mut SqliteSession) {
        let Self {
            input,
            work,
            caller,
        } = *self;
        let read = complete(|| work(session, &input));
        let _ = caller.send(read);
    }

    fn refuse(self: Box<Self>, failure: Failure) {
        let _ = self.caller.send(Err(failure));
    }

    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }
}
