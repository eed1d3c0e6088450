//! Opening and closing a database file.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use attache_lanes::QueueMonitor;
use attache_metadata::{EventHook, RepositoryError};

use super::connection::{self, open_reader, open_writer};
use super::migrate::{self, open_migrated};
use super::options::SqliteOptions;
use super::readers::Readers;
use super::session::SqliteSession;
use super::writer::Writer;
use crate::call::Call;
use crate::calls::Calls;
use crate::open_error::{DatabaseFailure, MigrationReport, OpenError};
use crate::repository::{Backend, Changing, Reading, SqlRepository};
use crate::session::{Session as _, Statement};

/// A [`MetadataRepository`](attache_metadata::MetadataRepository) in one SQLite file.
///
/// Changes go through one writer that commits the waiting ones together and replies after the commit
/// is durable. A change whose caller goes away is made all the same. Reads run beside it. Other
/// processes may open the same file at the same time.
pub type SqliteRepository = SqlRepository<Sqlite>;

/// The backend of [`SqliteRepository`]: the threads that own its connections.
pub struct Sqlite {
    writer: Writer,
    readers: Readers,
    hook: Option<Arc<dyn EventHook>>,
    path: PathBuf,
    calls: Calls,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl SqlRepository<Sqlite> {
    /// Creates or upgrades the database at `path`; does nothing where it is up to date.
    ///
    /// The file and its log are readable by their owner only. Programs that migrate at the same time
    /// wait for each other.
    ///
    /// # Errors
    ///
    /// [`OpenError::SchemaNewer`] and [`OpenError::SchemaAltered`] where the schema is not one of
    /// this program's past; else where the file or the database fails. Nothing was changed then.
    pub async fn migrate(path: impl Into<PathBuf>) -> Result<MigrationReport, OpenError> {
        let path = path.into();
        blocking(move || migrate::migrate(&path)).await
    }

    /// Opens a migrated database and starts its threads.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; a schema that is not this program's is refused, never migrated here.
    pub async fn open(options: SqliteOptions) -> Result<Self, OpenError> {
        let backend = blocking(move || Sqlite::open(options)).await?;
        Ok(Self { backend })
    }

    /// Returns views of the queues: changes, lookups, lists.
    pub fn queues(&self) -> Vec<QueueMonitor> {
        vec![
            self.backend.writer.monitor(),
            self.backend.readers.monitor(),
        ]
    }

    /// Makes the waiting changes, empties the write-ahead log into the file and closes it. Calls
    /// that come later fail as unavailable. Closing twice does nothing more.
    pub async fn close(&self) {
        self.backend.readers.close().await;
        self.backend.writer.close().await;
    }
}

impl Sqlite {
    fn open(options: SqliteOptions) -> Result<Self, OpenError> {
        let SqliteOptions {
            path,
            clock,
            event_hook: hook,
            readers,
            queue_length,
        } = options;
        connection::verify(&open_migrated(&path)?)?;
        let writer = open_writer(&path, &clock)?;
        // Lists have half of them.
        let readers = (0..readers.max(2)).map(|_| open_reader(&path, &clock));
        let readers = readers.collect::<Result<_, _>>()?;
        let threads_failed = |error| OpenError::Database(DatabaseFailure::new(error));
        let readers = Readers::start(readers, queue_length).map_err(threads_failed)?;
        let writer = Writer::start(writer, path.clone(), clock, queue_length);
        Ok(Self {
            writer: writer.map_err(threads_failed)?,
            readers,
            hook,
            path,
            calls: Calls::default(),
        })
    }
}

/// Runs what opens files on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    open: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    let opened = tokio::task::spawn_blocking(open).await;
    opened.unwrap_or_else(|error| Err(OpenError::Database(DatabaseFailure::new(error))))
}

impl Backend for Sqlite {
    type Session = SqliteSession;

    fn hook(&self) -> Option<Arc<dyn EventHook>> {
        self.hook.clone()
    }

    async fn health(&self) -> Result<(), RepositoryError> {
        fn probe<'w>(session: &'w mut SqliteSession, (): &'w ()) -> Reading<'w, bool> {
            Box::pin(session.exists(Statement::new("SELECT seq FROM outbox LIMIT 1")))
        }
        fn rewrite<'w>(session: &'w mut SqliteSession, (): &'w ()) -> Reading<'w, u64> {
            // Nothing reads this column. A value that stays the same would not be written.
            let sql = "UPDATE _sqlx_migrations SET execution_time = execution_time + 1 \
                WHERE version = 1";
            Box::pin(session.execute(Statement::new(sql)))
        }
        let call = Call::of_service("health");
        self.read(call.clone(), (), probe).await?;
        if self.writer.commit_failed() {
            // An empty change would say nothing about the disk.
            self.write(call, (), rewrite).await?;
            self.writer.note_recovery();
            return Ok(());
        }
        // An empty change takes the write lock and writes nothing.
        self.write(call, (), probe).await.map(drop)
    }

    async fn read<I, T, F>(&self, call: Call, input: I, work: F) -> Result<T, RepositoryError>
    where
        I: Send + 'static,
        T: Send + 'static,
        F: for<'w> Fn(&'w mut SqliteSession, &'w I) -> Reading<'w, T> + Send + 'static,
    {
        let operation = call.operation;
        let read = self.readers.read(call, input, work);
        self.calls.observe(operation, read).await
    }

    async fn change<I, T, R, F>(
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
        let operation = call.operation;
        let change = self.writer.change(call, input, work);
        self.calls.observe(operation, change).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Failure, Stop};
    use crate::repository::Never;

    #[tokio::test]
    async fn health_after_failed_commit_needs_a_written_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("attache.db");
        SqliteRepository::migrate(&path).await.unwrap();
        let sqlite = Sqlite::open(SqliteOptions::new(&path)).unwrap();
        sqlite.health().await.unwrap();
        let log = directory.path().join("attache.db-wal");
        // The log is written from its beginning again, so its length says nothing.
        let written = || std::fs::read(&log).unwrap();
        let before = written();
        let failed = sqlite.change::<_, (), Never, _>(Call::of_service("change"), (), |_, ()| {
            // As the driver reports that the log was not synced.
            Box::pin(async { Err(Stop::Failed(Failure::Commit("disk I/O error".into()))) })
        });
        failed.await.unwrap_err();
        assert!(sqlite.writer.commit_failed());
        sqlite.health().await.unwrap();
        assert!(written() != before, "nothing was written to find out");
        assert!(!sqlite.writer.commit_failed());
        let after = written();
        sqlite.health().await.unwrap();
        assert!(written() == after, "a healthy database is written to");
    }
}
