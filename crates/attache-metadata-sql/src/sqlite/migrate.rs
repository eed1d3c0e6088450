//! The schema of a file: migrated in one transaction under the write lock.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use super::connection::{BUSY_TIMEOUT, open_unverified};
use super::failure::is_busy;
use super::session::{SqliteSession, complete};
use crate::failure::Failure;
use crate::migrations::{self, Migrate, Migration, embed_migrations};
use crate::open_error::{MigrationReport, OpenError};

/// The oldest SQLite that is trusted: before it, a checkpoint could damage a write-ahead log.
const OLDEST_LIBRARY: i32 = 3_051_003;

impl Migrate for SqliteSession {
    const MIGRATIONS: &'static [Migration] = embed_migrations!("sqlite");

    const FIND_TABLE: &'static str =
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations'";

    const CREATE_TABLE: &'static str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
        version BIGINT PRIMARY KEY,
        description TEXT NOT NULL,
        installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
        success BOOLEAN NOT NULL,
        checksum BLOB NOT NULL,
        execution_time BIGINT NOT NULL
    )";

    async fn run_script(&mut self, sql: &'static str) -> Result<(), Failure> {
        Ok(self.connection.execute_batch(sql)?)
    }
}

/// Brings the file at `path` to the newest schema, and creates it where there is none.
pub(super) fn migrate(path: &Path) -> Result<MigrationReport, OpenError> {
    create_file(path).map_err(OpenError::File)?;
    require_library()?;
    let connection = open_unverified(path)?;
    use_wal(&connection).map_err(Failure::from)?;
    let mut session = SqliteSession::new(connection);
    let report = apply(&mut session)?;
    let closed = session.connection.close();
    closed.map_err(|(_, error)| Failure::from(error))?;
    Ok(report)
}

/// Applies what is missing, all of it or nothing: on an error the transaction ends with its
/// connection. The write lock is held from the question which migrations were applied to the commit
/// of the last.
fn apply(session: &mut SqliteSession) -> Result<MigrationReport, OpenError> {
    session.command("BEGIN IMMEDIATE").map_err(Failure::from)?;
    let report = complete(|| Box::pin(migrations::apply(session)))?;
    session.command("COMMIT").map_err(Failure::from)?;
    Ok(report)
}

/// Opens a file that must have this program's schema, to write to it. Its settings are not checked
/// yet.
pub(crate) fn open_migrated(path: &Path) -> Result<Connection, OpenError> {
    if !path.try_exists().map_err(OpenError::File)? {
        return Err(OpenError::Missing {
            path: path.to_owned(),
        });
    }
    require_library()?;
    let mut session = SqliteSession::new(open_unverified(path)?);
    complete(|| Box::pin(migrations::require_newest(&mut session)))?;
    Ok(session.connection)
}

/// Refuses a library that could damage the database.
fn require_library() -> Result<(), OpenError> {
    if rusqlite::version_number() >= OLDEST_LIBRARY {
        return Ok(());
    }
    let found = rusqlite::version().to_owned();
    Err(OpenError::Library { found })
}

/// Creates an empty file that only its owner may read; SQLite gives its log the same permissions.
fn create_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Switches the file to a write-ahead log. SQLite does not wait for the lock this needs, so this
/// does.
fn use_wal(connection: &Connection) -> Result<(), rusqlite::Error> {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        let switched = connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()));
        match switched {
            Err(error) if is_busy(&error) && waited < BUSY_TIMEOUT => {
                thread::sleep(PAUSE);
                waited += PAUSE;
            }
            switched => return switched,
        }
    }
}
