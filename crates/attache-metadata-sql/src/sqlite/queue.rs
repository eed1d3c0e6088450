//! The bounded queue to threads that own connections.

use attache_metadata::RepositoryError;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Mutex, mpsc};

use super::connection::BUSY_TIMEOUT;
use crate::failure::Failure;

/// A message to a thread.
pub(super) enum Message<J> {
    Job(J),
    /// Refuse what comes later, and end after what waits.
    Close,
}

/// The sending end. Dropping it ends the threads as [`close`](Self::close) does, unawaited.
pub(super) struct Queue<J> {
    sender: mpsc::Sender<Message<J>>,
    /// Nothing is ever sent here: it closes when the last thread drops its [`Running`].
    ended: Mutex<mpsc::Receiver<()>>,
}

/// Says that a thread runs, until it is dropped.
#[derive(Debug, Clone)]
pub(super) struct Running {
    _open: mpsc::Sender<()>,
}

impl<J> Queue<J> {
    /// Makes a queue in which so many jobs may wait.
    pub(super) fn new(length: usize) -> (Self, mpsc::Receiver<Message<J>>, Running) {
        let (sender, receiver) = mpsc::channel(length.max(1));
        let (open, ended) = mpsc::channel(1);
        let queue = Self {
            sender,
            ended: Mutex::new(ended),
        };
        (queue, receiver, Running { _open: open })
    }

    /// Queues a job, or refuses it at once.
    pub(super) fn try_send(&self, operation: &'static str, job: J) -> Result<(), RepositoryError> {
        let sent = self.sender.try_send(Message::Job(job));
        sent.map_err(|error| {
            let reason = match error {
                TrySendError::Full(_) => "too many changes wait for the writer",
                TrySendError::Closed(_) => CLOSED,
            };
            Failure::Unavailable(reason).in_operation(operation)
        })
    }

    /// Queues a job, after waiting for a place if it must.
    pub(super) async fn send(
        &self,
        operation: &'static str,
        job: J,
    ) -> Result<(), RepositoryError> {
        let sent = self.sender.send(Message::Job(job));
        let reason = match tokio::time::timeout(BUSY_TIMEOUT, sent).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(_)) => CLOSED,
            Err(_) => "too many reads wait",
        };
        Err(Failure::Unavailable(reason).in_operation(operation))
    }

    /// Lets the waiting jobs run and ends the threads. Jobs that come later are refused.
    pub(super) async fn close(&self) {
        // An error says that the threads have ended, which is the aim.
        let _ = self.sender.send(Message::Close).await;
        while self.ended.lock().await.recv().await.is_some() {}
    }
}

pub(super) const CLOSED: &str = "the repository is closed";
