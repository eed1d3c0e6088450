//! The fair, bounded queue to threads that own connections.

use attache_lanes::{ClassLimits, Pushed, QueueMonitor, Refused, Running, WorkQueue};
use tokio::sync::{Mutex, mpsc};

use crate::call::{Class, Lane};
use crate::failure::Failure;

/// A job of a queue.
pub(super) trait Queued: Send + 'static {
    /// Tells the caller that the job will not be run.
    fn refuse(self, failure: Failure);

    /// Returns `true` if nobody waits for the result, and the job need not be run.
    fn is_abandoned(&self) -> bool;
}

/// The sending end. Dropping it ends the threads as [`close`](Self::close) does, unawaited.
pub(super) struct Queue<J: Queued> {
    work: WorkQueue<Lane, J>,
    /// Nothing is ever sent here: it closes when the last thread drops its [`Jobs`].
    ended: Mutex<mpsc::Receiver<()>>,
}

/// The receiving end of one thread.
pub(super) struct Jobs<J> {
    work: WorkQueue<Lane, J>,
    /// Is dropped with the thread.
    open: mpsc::Sender<()>,
}

impl<J> Clone for Jobs<J> {
    fn clone(&self) -> Self {
        Self {
            work: self.work.clone(),
            open: self.open.clone(),
        }
    }
}

impl<J: Queued> Queue<J> {
    /// Makes a queue for these classes, in the order of [`Class`].
    pub(super) fn new(classes: impl IntoIterator<Item = ClassLimits>) -> (Self, Jobs<J>) {
        let (open, ended) = mpsc::channel(1);
        let work = WorkQueue::new(classes);
        let queue = Self {
            work: work.clone(),
            ended: Mutex::new(ended),
        };
        (queue, Jobs { work, open })
    }

    /// Queues a job, or refuses it.
    pub(super) fn push(&self, class: Class, lane: Lane, job: J) {
        let class = match class {
            Class::Lookup => 0,
            Class::List => 1,
        };
        match self.work.push(class, lane, job, J::is_abandoned) {
            Pushed::Queued => {}
            Pushed::Displaced(other) => other.refuse(Failure::Refused(Refused::Full)),
            Pushed::Refused(job, reason) => job.refuse(Failure::Refused(reason)),
        }
    }

    pub(super) fn monitor(&self) -> QueueMonitor {
        self.work.monitor()
    }

    /// Lets the waiting jobs run and ends the threads. Jobs that come later are refused.
    pub(super) async fn close(&self) {
        self.work.close();
        while self.ended.lock().await.recv().await.is_some() {}
    }
}

impl<J: Queued> Drop for Queue<J> {
    fn drop(&mut self) {
        self.work.close();
    }
}

impl<J: Queued> Jobs<J> {
    /// Waits for the next job. Returns `None` once the queue is closed and empty.
    pub(super) fn next(&self) -> Option<(J, Running<Lane, J>)> {
        self.work.take()
    }

    /// Returns the next job if one waits.
    pub(super) fn next_waiting(&self) -> Option<(J, Running<Lane, J>)> {
        self.work.try_take()
    }
}
