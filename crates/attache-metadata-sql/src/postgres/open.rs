//! The repository itself: opening it, checking what it stands on, closing it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attache_metadata::{EventHook, MetadataRepository, RepositoryError};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres, Row as _};

use super::failure::Failure;
use super::options::PostgresOptions;
use super::{connect, migrate};
use crate::schema::{DatabaseFailure, MigrationReport, OpenError};

/// The oldest server that is supported by its makers.
const OLDEST_SERVER: i64 = 140_000;

/// A [`MetadataRepository`] in a database on a PostgreSQL server.
///
/// Any number of processes may work on one database. A change that met another is made again, up to
/// five times. A change whose future is dropped before its answer is either made or not.
pub struct PostgresRepository {
    pool: PgPool,
    hook: Option<Arc<dyn EventHook>>,
    settle_for: Duration,
}

impl PostgresRepository {
    /// Makes or upgrades the tables in the database at `url`; does nothing where they are up to
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
        let pool = connect::pool(&options)?;
        let mut connection = match pool.acquire().await {
            Ok(connection) => connection,
            Err(error) => return Err(failed(connect::explain(error, &options).await)),
        };
        require_server(&mut connection).await?;
        migrate::require_newest(&mut connection).await?;
        drop(connection);
        Ok(Self {
            pool,
            hook: options.event_hook,
            settle_for: options.settle_for,
        })
    }

    /// Lets the calls that run end and closes every connection. Calls that come later fail as
    /// unavailable. Closing twice does nothing more.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(super) fn hook(&self) -> Option<&dyn EventHook> {
        self.hook.as_deref()
    }

    pub(super) fn settle_for(&self) -> Duration {
        self.settle_for
    }

    /// A connection to read on.
    pub(super) async fn reader(
        &self,
        operation: &'static str,
    ) -> Result<PoolConnection<Postgres>, RepositoryError> {
        let acquired = self.pool.acquire().await;
        acquired.map_err(|error| Failure::from(error).in_operation(operation))
    }
}

impl fmt::Debug for PostgresRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresRepository")
            .field("connections", &self.pool.size())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl MetadataRepository for PostgresRepository {
    async fn health(&self) -> Result<(), RepositoryError> {
        const OPERATION: &str = "health";
        let probe = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' \
            OR (SELECT seq FROM outbox LIMIT 1) < 0";
        let mut reader = self.reader(OPERATION).await?;
        let asked = sqlx::query(probe).fetch_one(&mut *reader).await;
        let read_only = asked.and_then(|row| row.try_get::<Option<bool>, _>(0));
        match read_only.map_err(Failure::from) {
            Ok(Some(true)) => Err(Failure::ReadOnly.in_operation(OPERATION)),
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.in_operation(OPERATION)),
        }
    }
}

/// Refuses a server that this program was not made for, and warns of one that loses what it
/// confirmed.
pub(crate) async fn require_server(connection: &mut PgConnection) -> Result<(), OpenError> {
    let sql = "SELECT current_setting('server_version'), \
        current_setting('server_version_num')::bigint, current_setting('server_encoding'), \
        current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'";
    let row = sqlx::query(sql)
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    let read = |row: &sqlx::postgres::PgRow| {
        Ok::<(String, i64, String, bool), sqlx::Error>((
            row.try_get(0)?,
            row.try_get(1)?,
            row.try_get(2)?,
            row.try_get(3)?,
        ))
    };
    let (found, number, encoding, is_safe) = read(&row).map_err(failed)?;
    if number < OLDEST_SERVER {
        let (name, needed) = ("server_version", "14 or later");
        return Err(OpenError::Server {
            name,
            found,
            needed,
        });
    }
    if encoding != "UTF8" {
        let (name, found, needed) = ("server_encoding", encoding, "UTF8");
        return Err(OpenError::Server {
            name,
            found,
            needed,
        });
    }
    if !is_safe {
        tracing::warn!(
            "the database server runs with fsync or full_page_writes off: a crash of \
            its machine loses files that were confirmed"
        );
    }
    Ok(())
}

pub(crate) fn failed(error: sqlx::Error) -> OpenError {
    OpenError::Database(DatabaseFailure::new(error))
}
