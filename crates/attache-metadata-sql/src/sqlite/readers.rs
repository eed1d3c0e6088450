//! The threads that read, each on a connection of its own.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use attache_metadata::RepositoryError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::queue::{CLOSED, Message, Queue};
use super::session::{SqliteSession, complete};
use crate::failure::Failure;
use crate::repository::Reading;

type Job = Box<dyn FnOnce(&mut SqliteSession) + Send>;
type Receiver = Mutex<mpsc::Receiver<Message<Job>>>;

/// The reading threads. Dropping it ends them.
pub(crate) struct Readers {
    queue: Queue<Job>,
}

impl Readers {
    /// Starts a thread for each connection, with one queue for all.
    pub(crate) fn start(connections: Vec<Connection>, queue_length: usize) -> io::Result<Self> {
        let (queue, receiver, running) = Queue::new(queue_length);
        let receiver = Arc::new(Mutex::new(receiver));
        for connection in connections {
            let (receiver, running) = (Arc::clone(&receiver), running.clone());
            let thread = thread::Builder::new().name("sqlite-reader".to_owned());
            thread.spawn(move || {
                let mut session = SqliteSession::new(connection);
                while let Some(job) = next(&receiver) {
                    job(&mut session);
                }
                drop(session);
                drop(running);
            })?;
        }
        Ok(Self { queue })
    }

    /// Runs a read on the next thread that is free. It is left out where the caller no longer waits.
    pub(crate) async fn read<I, T, F>(
        &self,
        operation: &'static str,
        input: I,
        work: F,
    ) -> Result<T, RepositoryError>
    where
        I: Send + 'static,
        T: Send + 'static,
        F: for<'w> FnOnce(&'w mut SqliteSession, &'w I) -> Reading<'w, T> + Send + 'static,
    {
        let (caller, result) = oneshot::channel();
        let job: Job = Box::new(move |session| {
            if !caller.is_closed() {
                let read = complete(|| work(session, &input));
                // A caller that has gone away since misses nothing.
                let _ = caller.send(read);
            }
        });
        self.queue.send(operation, job).await?;
        let result = result.await.unwrap_or(Err(Failure::Unavailable(CLOSED)));
        result.map_err(|failure| failure.in_operation(operation))
    }

    /// Lets the waiting reads end and closes the connections.
    pub(crate) async fn close(&self) {
        self.queue.close().await;
    }
}

/// Waits for the next job; one thread waits at the queue, the others behind it.
fn next(receiver: &Receiver) -> Option<Job> {
    let mut receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        match receiver.blocking_recv()? {
            Message::Job(job) => return Some(job),
            Message::Close => receiver.close(),
        }
    }
}
