//! The repository itself: opening it, checking what it stands on, closing it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use attache_metadata::{EventHook, MetadataRepository, RepositoryError};
use attache_model::{Clock, Timestamp};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Row as _, Sqlite, SqliteConnection, SqlitePool};

use super::connect::{BUSY_TIMEOUT, reader_options, verify, writer_unverified};
use super::failure::Failure;
use super::migrate;
use super::options::SqliteOptions;
use super::writer::Writer;
use crate::schema::{DatabaseFailure, MigrationReport, OpenError};

/// The oldest SQLite that is trusted: before it, a checkpoint could damage a write-ahead log.
const OLDEST_LIBRARY: (u32, u32, u32) = (3, 51, 3);

/// A [`MetadataRepository`] in one SQLite file.
///
/// Changes go through one writer that commits those that wait together and answers after the commit
/// is durable. A change whose caller goes away is made all the same. Reads run beside it. Other
/// processes may open the same file at the same time.
pub struct SqliteRepository {
    writer: Writer,
    readers: SqlitePool,
    clock: Arc<dyn Clock>,
    hook: Option<Arc<dyn EventHook>>,
    path: PathBuf,
}

impl SqliteRepository {
    /// Makes or upgrades the database at `path`; does nothing where it is up to date.
    ///
    /// The file and its log are readable by their owner only. Programs that migrate at the same time
    /// wait for each other.
    ///
    /// # Errors
    ///
    /// [`OpenError::SchemaNewer`] and [`OpenError::SchemaAltered`] where the schema is not one of
    /// this program's past; else where the file or the database fails. Nothing was changed then.
    pub async fn migrate(path: impl Into<PathBuf>) -> Result<MigrationReport, OpenError> {
        migrate::migrate(path.into()).await
    }

    /// Opens a migrated database and starts its writer on the present runtime.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; a schema that is not this program's is refused, never migrated here.
    pub async fn open(options: SqliteOptions) -> Result<Self, OpenError> {
        let SqliteOptions {
            path,
            clock,
            event_hook,
            readers,
            queue_length,
        } = options;
        if !path.try_exists().map_err(OpenError::File)? {
            return Err(OpenError::Missing { path });
        }
        let mut connection = writer_unverified(&path).await.map_err(failed)?;
        require_library(&mut connection).await?;
        migrate::require_newest(&mut connection).await?;
        verify(&mut connection).await.map_err(failed)?;
        let readers = open_readers(&path, readers).await.map_err(failed)?;
        Ok(Self {
            writer: Writer::start(connection, path.clone(), queue_length),
            readers,
            clock,
            hook: event_hook,
            path,
        })
    }

    /// Makes the changes that wait, empties the write-ahead log into the file and closes it. Calls
    /// that come later fail as unavailable. Closing twice does nothing more.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(super) fn writer(&self) -> &Writer {
        &self.writer
    }

    pub(super) fn hook(&self) -> Option<Arc<dyn EventHook>> {
        self.hook.clone()
    }

    /// The present moment on the database's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A connection to read on.
    pub(super) async fn reader(
        &self,
        operation: &'static str,
    ) -> Result<PoolConnection<Sqlite>, RepositoryError> {
        let acquired = self.readers.acquire().await;
        acquired.map_err(|error| Failure::from(error).in_operation(operation))
    }
}

impl fmt::Debug for SqliteRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteRepository")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl MetadataRepository for SqliteRepository {
    async fn health(&self) -> Result<(), RepositoryError> {
        const OPERATION: &str = "health";
        let probe = "SELECT seq FROM outbox LIMIT 1";
        let mut reader = self.reader(OPERATION).await?;
        let read = sqlx::query(probe).fetch_optional(&mut *reader).await;
        read.map_err(|error| Failure::from(error).in_operation(OPERATION))?;
        // An empty change takes the write lock and writes nothing.
        self.writer
            .write(OPERATION, move |connection| {
                Box::pin(async move {
                    sqlx::query(probe).fetch_optional(connection).await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn open_readers(path: &Path, readers: u32) -> Result<SqlitePool, Failure> {
    let pool = SqlitePoolOptions::new()
        .max_connections(readers.max(1))
        .acquire_timeout(BUSY_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                let verified = verify(connection).await;
                verified.map_err(|failure| sqlx::Error::Configuration(Box::new(failure)))
            })
        })
        .connect_with(reader_options(path))
        .await?;
    Ok(pool)
}

/// Refuses a library that could damage the database.
pub(crate) async fn require_library(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let asked = sqlx::query("SELECT sqlite_version()");
    let found: String = match asked.fetch_one(connection).await {
        Ok(row) => row.try_get(0).map_err(|error| failed(error.into()))?,
        Err(error) => return Err(failed(error.into())),
    };
    if parse_version(&found).is_some_and(|version| version >= OLDEST_LIBRARY) {
        return Ok(());
    }
    Err(OpenError::Library { found })
}

fn parse_version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

fn failed(failure: Failure) -> OpenError {
    OpenError::Database(DatabaseFailure::new(failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        let newer = |text| parse_version(text).is_some_and(|it| it >= OLDEST_LIBRARY);
        assert!(newer("3.51.3") && newer("3.100.0") && newer("4.0.0"));
        assert!(!newer("3.51.2") && !newer("3.9.9") && !newer("3.51") && !newer("new"));
    }
}
