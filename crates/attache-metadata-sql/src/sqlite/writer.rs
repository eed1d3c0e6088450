//! The one writer: a bounded queue of changes, and the task that commits them in groups.

use std::path::PathBuf;
use std::sync::Arc;

use attache_metadata::{Attempt, Refusal, RepositoryError};
use futures_util::future::BoxFuture;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::connect::connect_writer;
use super::failure::{Failure, Stop};
use super::group::{self, Change, Job, Told};
use super::wal;

/// How many changes are committed together, at most.
const GROUP_SIZE: usize = 64;

/// The work of one change: statements inside the group's transaction.
pub(super) type Working<'c, T, R> = BoxFuture<'c, Result<T, Stop<R>>>;

/// The refusals of a change that cannot be refused.
pub(super) type Never = std::convert::Infallible;

enum Message {
    Job(Box<dyn Job>),
    Close,
}

/// The way to the writer. Dropping it ends the writer as [`close`](Self::close) does, unawaited.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the writer on a connection that has been checked.
    pub(super) fn start(connection: SqliteConnection, path: PathBuf, queue_length: usize) -> Self {
        let (queue, waiting) = mpsc::channel(queue_length.max(1));
        let task = Task {
            connection: Some(connection),
            path,
            waiting,
        };
        Self {
            queue,
            task: Mutex::new(Some(tokio::spawn(task.run()))),
        }
    }

    /// Makes a change that is always made or fails.
    pub(super) async fn write<T, F>(
        &self,
        operation: &'static str,
        work: F,
    ) -> Result<T, RepositoryError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T, Never> + Send + 'static,
    {
        match self.submit(operation, work).await? {
            Ok(done) => Ok(done),
            Err(never) => match never {},
        }
    }

    /// Makes a change that may be refused.
    pub(super) async fn attempt<T, F>(&self, operation: &'static str, work: F) -> Attempt<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T, Refusal> + Send + 'static,
    {
        self.submit(operation, work).await
    }

    async fn submit<T, R, F>(
        &self,
        operation: &'static str,
        work: F,
    ) -> Result<Result<T, R>, RepositoryError>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T, R> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Message::Job(Box::new(Change::new(work, caller)));
        self.queue.try_send(job).map_err(|error| {
            let failure = match error {
                mpsc::error::TrySendError::Full(_) => Failure::QueueFull,
                mpsc::error::TrySendError::Closed(_) => Failure::Closed,
            };
            failure.in_operation(operation)
        })?;
        match answer.await {
            Ok(Told::Done(Ok(done))) => Ok(Ok(done)),
            Ok(Told::Done(Err(Stop::Refused(reason)))) => Ok(Err(reason)),
            Ok(Told::Done(Err(Stop::Failed(failure)))) => Err(failure.in_operation(operation)),
            Ok(Told::GroupFailed(failure)) => Err(failure.shared_in_operation(operation)),
            Err(_) => Err(Failure::WriterGone.in_operation(operation)),
        }
    }

    /// Lets the changes that wait be made, empties the log into the file and ends the writer.
    /// Changes that come later are refused as unavailable.
    pub(super) async fn close(&self) {
        // An error says that the writer has ended, which is what is wanted.
        let _ = self.queue.send(Message::Close).await;
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the database writer did not end well");
        }
    }
}

struct Task {
    /// `None` after a group failed: the next one begins on a new connection.
    connection: Option<SqliteConnection>,
    path: PathBuf,
    waiting: mpsc::Receiver<Message>,
}

impl Task {
    async fn run(mut self) {
        let mut messages = Vec::with_capacity(GROUP_SIZE);
        while self.waiting.recv_many(&mut messages, GROUP_SIZE).await > 0 {
            let mut jobs = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Job(job) => jobs.push(job),
                    Message::Close => self.waiting.close(),
                }
            }
            self.make(jobs).await;
        }
        if let Some(mut connection) = self.connection.take() {
            wal::empty(&mut connection).await;
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "the database was not closed cleanly");
            }
        }
    }

    async fn make(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        let made = self.commit(&mut jobs).await;
        for job in jobs {
            job.answer(made.clone());
        }
        if let Some(connection) = &mut self.connection {
            wal::keep_short(connection).await;
        }
    }

    /// Commits a group, or fails it and gives its connection up.
    async fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Arc<Failure>> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect_writer(&self.path).await.map_err(Arc::new)?,
        };
        match group::commit(&mut connection, jobs).await {
            Ok(()) => {
                self.connection = Some(connection);
                Ok(())
            }
            Err(failure) => {
                tracing::error!(
                    error = &*failure as &dyn std::error::Error,
                    "a group failed"
                );
                group::abandon(&mut connection).await;
                let _ = connection.close().await;
                Err(failure)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use attache_metadata::RepositoryErrorKind;
    use futures_util::future::join_all;
    use sqlx::Row as _;

    use super::*;
    use crate::SqliteRepository;

    async fn start(limit_pages: Option<i64>) -> (tempfile::TempDir, Writer) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("attache.db");
        SqliteRepository::migrate(&path).await.unwrap();
        let mut connection = connect_writer(&path).await.unwrap();
        if let Some(pages) = limit_pages {
            let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
            sqlx::query(sql).fetch_one(&mut connection).await.unwrap();
        }
        let writer = Writer::start(connection, path, 1024);
        (directory, writer)
    }

    /// Makes a tenant whose slug has `length` bytes.
    async fn make(writer: &Writer, length: usize, number: usize) -> Result<(), RepositoryError> {
        let slug = format!("{number}{}", "x".repeat(length));
        writer
            .write("make", move |connection| {
                Box::pin(async move { Ok(insert(connection, slug).await?) })
            })
            .await
    }

    async fn insert(connection: &mut SqliteConnection, slug: String) -> Result<(), sqlx::Error> {
        let sql = "INSERT INTO tenants (slug, created_at) VALUES (?1, 1)";
        let inserted = sqlx::query(sql).bind(slug).execute(connection).await;
        inserted.map(drop)
    }

    /// The column of the one row a statement answers.
    async fn ask(writer: &Writer, sql: &'static str, column: usize) -> i64 {
        let asked = writer.write("ask", move |connection| {
            Box::pin(async move {
                let row = sqlx::query(sql).fetch_one(connection).await?;
                Ok(row.try_get(column)?)
            })
        });
        asked.await.unwrap()
    }

    /// The pages ever written to the log, while it is too short to be begun anew.
    fn log_pages(directory: &tempfile::TempDir) -> u64 {
        let log = directory.path().join("attache.db-wal");
        std::fs::metadata(log).unwrap().len() / 4096
    }

    async fn count(writer: &Writer) -> i64 {
        ask(writer, "SELECT count(*) FROM tenants", 0).await
    }

    #[tokio::test]
    async fn a_full_disk_fails_the_whole_group_and_the_next_one_recovers() {
        let (_directory, writer) = start(Some(80)).await;
        // One thread: all of them wait before the writer takes any, so they are one group.
        let sizes = [10, 10, 400_000, 10].into_iter().enumerate();
        let made = sizes.map(|(number, size)| make(&writer, size, number));
        for answer in join_all(made).await {
            assert_eq!(answer.unwrap_err().kind(), RepositoryErrorKind::OutOfSpace);
        }
        assert_eq!(count(&writer).await, 0);
        make(&writer, 10, 1).await.unwrap();
        assert_eq!(count(&writer).await, 1);
    }

    #[tokio::test]
    async fn a_panic_undoes_its_change_and_no_other() {
        let (_directory, writer) = start(None).await;
        let panicking = writer.write::<(), _>("panic", |connection| {
            Box::pin(async move {
                insert(connection, "half".to_owned()).await?;
                panic!("on purpose")
            })
        });
        let (before, panicked, after) =
            futures_util::join!(make(&writer, 10, 1), panicking, make(&writer, 10, 2));
        assert!(before.is_ok() && after.is_ok());
        assert_eq!(panicked.unwrap_err().kind(), RepositoryErrorKind::Other);
        assert_eq!(count(&writer).await, 2);
    }

    #[tokio::test]
    async fn changes_that_wait_together_share_a_commit() {
        let (directory, writer) = start(None).await;
        make(&writer, 10, GROUP_SIZE).await.unwrap();
        let before = log_pages(&directory);
        let made = join_all((0..GROUP_SIZE).map(|number| make(&writer, 10, number))).await;
        assert!(made.iter().all(Result::is_ok));
        // Each commit writes the pages it changed: alone, 64 changes would write 64 times as many.
        let pages = log_pages(&directory) - before;
        assert!((1..32).contains(&pages), "{pages} pages");
    }

    #[tokio::test]
    async fn the_log_does_not_grow_without_end() {
        let (directory, writer) = start(None).await;
        for number in 0..40 {
            make(&writer, 400_000, number).await.unwrap();
        }
        let log = directory.path().join("attache.db-wal");
        let length = std::fs::metadata(&log).unwrap().len();
        assert!(
            length < 12 << 20,
            "16 MB were written, the log has {length} bytes"
        );
        writer.close().await;
        assert!(!log.exists());
    }
}
