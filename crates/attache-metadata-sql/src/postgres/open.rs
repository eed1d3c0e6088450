//! Opening and closing a shared database.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attache_lanes::QueueMonitor;
use attache_metadata::{Attempt, CommittedFile, EventHook, Refusal, RepositoryError};
use sqlx::{PgConnection, Row as _};

use super::link::{Link, PROBE_LIMIT};
use super::options::PostgresOptions;
use super::places::Places;
use super::server::require_server;
use super::{connect, migrate, resolve, transaction};
use crate::call::Call;
use crate::calls::Calls;
use crate::failure::Failure;
use crate::migrations;
use crate::open_error::{MigrationReport, OpenError};
use crate::records::commit::Commit;
use crate::repository::{Backend, Changing, Reading, SqlRepository};

/// A [`MetadataRepository`](attache_metadata::MetadataRepository) in a database on a PostgreSQL
/// server.
///
/// Any number of processes may work on one database. A change that met another is made again, up to
/// five times. A change whose future is dropped before its result is either made or not.
pub type PostgresRepository = SqlRepository<Postgres>;

/// The backend of [`PostgresRepository`]: the pool of its connections.
pub struct Postgres {
    pub(super) link: Arc<Link>,
    calls: Calls,
    places: Places,
    hook: Option<Arc<dyn EventHook>>,
    resolve_for: Duration,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("connections", &self.link.pool().size())
            .finish_non_exhaustive()
    }
}

impl SqlRepository<Postgres> {
    /// Creates or upgrades the tables in the database at `url`; does nothing where they are up to
    /// date. Processes that migrate at the same time wait for each other.
    ///
    /// # Errors
    ///
    /// [`OpenError::SchemaNewer`] and [`OpenError::SchemaAltered`] where the schema is not one of
    /// this program's past; else where the server cannot be used. Nothing was changed then.
    pub async fn migrate(url: impl AsRef<str> + Send) -> Result<MigrationReport, OpenError> {
        migrate::migrate(url.as_ref()).await
    }

    /// Opens a migrated database.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; a schema that is not this program's is refused, never migrated here.
    pub async fn open(options: PostgresOptions) -> Result<Self, OpenError> {
        let link = Link::new(options.clone())?;
        let places = Places::new(options.max_connections, options.acquire_for);
        let mut connection = match link.pool().acquire().await {
            Ok(connection) => connection,
            Err(error) => return Err(Failure::from(connect::explain(error, &options).await).into()),
        };
        let verified = link.reach(async {
            require_server(&mut connection).await?;
            migrations::require_newest(&mut *connection).await
        });
        verified.await??;
        drop(connection);
        let backend = Postgres {
            link,
            calls: Calls::default(),
            places,
            hook: options.event_hook,
            resolve_for: options.resolve_for,
        };
        Ok(Self { backend })
    }

    /// Returns views of the queues: calls that wait for a connection, and the lists among them.
    pub fn queues(&self) -> Vec<QueueMonitor> {
        self.backend.places.monitors()
    }

    /// Lets the running calls end and closes every connection, in a few seconds at most if the server
    /// does not respond. Calls that come later fail as unavailable. Closing twice does nothing more.
    pub async fn close(&self) {
        self.backend.link.close().await;
    }
}

impl Postgres {
    /// Makes the public error of an operation, and has the server probed if it may be away.
    fn failed(&self, operation: &'static str, failure: Failure) -> RepositoryError {
        self.link.note(&failure);
        failure.in_operation(operation)
    }

    async fn is_read_only(&self) -> Result<bool, Failure> {
        let sql = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' \
            OR (SELECT seq FROM outbox LIMIT 1) < 0";
        let _place = self.places.take(&Call::of_service("health")).await?;
        let mut connection = self.link.pool().acquire().await?;
        let row = sqlx::query(sql).fetch_one(&mut *connection).await?;
        let is_read_only: Option<bool> = row.try_get(0)?;
        Ok(is_read_only == Some(true))
    }
}

impl Backend for Postgres {
    type Session = PgConnection;

    fn hook(&self) -> Option<Arc<dyn EventHook>> {
        self.hook.clone()
    }

    async fn health(&self) -> Result<(), RepositoryError> {
        const OPERATION: &str = "health";
        let check = async {
            let reached = self.link.reach(self.is_read_only());
            let failure = match tokio::time::timeout(PROBE_LIMIT, reached).await {
                Ok(Ok(Ok(false))) => return Ok(()),
                Ok(Ok(Ok(true))) => Failure::Unavailable("the server takes no writes"),
                Ok(Ok(Err(failure)) | Err(failure)) => failure,
                Err(_) => Failure::Unavailable("the server did not respond within 3 seconds"),
            };
            Err(self.failed(OPERATION, failure))
        };
        self.calls.observe(OPERATION, Box::pin(check)).await
    }

    async fn read<I, T, F>(&self, call: Call, input: I, work: F) -> Result<T, RepositoryError>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'w> Fn(&'w mut PgConnection, &'w I) -> Reading<'w, T> + Send + Sync + 'static,
    {
        let operation = call.operation;
        let pool = self.link.pool();
        // Large: it holds the connection and the whole of the work.
        let reached = Box::pin(self.link.reach(async {
            let mut connection = pool.acquire().await?;
            work(&mut connection, &input).await
        }));
        let read = async {
            let read = async {
                let _place = self.places.take(&call).await?;
                reached.await.flatten()
            };
            read.await
                .map_err(|failure| self.failed(operation, failure))
        };
        self.calls.observe(operation, read).await
    }

    async fn change<I, T, R, F>(
        &self,
        call: Call,
        input: I,
        work: F,
    ) -> Result<Result<T, R>, RepositoryError>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        R: Send + 'static,
        F: for<'w> Fn(&'w mut PgConnection, &'w I) -> Changing<'w, T, R> + Send + Sync + 'static,
    {
        let operation = call.operation;
        let change = async {
            let changed = async {
                let _place = self.places.take(&call).await?;
                transaction::run(&self.link, &input, work).await
            };
            changed
                .await
                .map_err(|failure| self.failed(operation, failure))
        };
        self.calls.observe(operation, change).await
    }

    async fn commit<I, F>(&self, call: Call, input: I, work: F) -> Attempt<Vec<CommittedFile>>
    where
        I: Borrow<Commit> + Send + Sync + 'static,
        F: for<'w> Fn(&'w mut PgConnection, &'w I) -> Changing<'w, Vec<CommittedFile>, Refusal>
            + Send
            + Sync
            + 'static,
    {
        let operation = call.operation;
        let commit = async {
            let committed = async {
                let _place = self.places.take(&call).await?;
                resolve::commit(&self.link, self.resolve_for, &input, work).await
            };
            committed
                .await
                .map_err(|failure| self.failed(operation, failure))
        };
        self.calls.observe(operation, commit).await
    }
}
