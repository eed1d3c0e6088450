//! The schema: embedded migrations, applied in one transaction under the write lock.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{AppliedMigration, Migrate as _, MigrateError, Migration};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use super::connect::{BUSY_TIMEOUT, writer_options};
use super::failure::is_busy;
use crate::schema::{self, DatabaseFailure, MigrationReport, OpenError, TABLE};

/// Every migration of this program, oldest first.
fn migrations() -> Vec<Migration> {
    vec![
        schema::migration(
            1,
            "initial",
            include_str!("../../migrations/sqlite/0001_initial.sql"),
        ),
        schema::migration(
            2,
            "uploads",
            include_str!("../../migrations/sqlite/0002_uploads.sql"),
        ),
        schema::migration(
            3,
            "more lists",
            include_str!("../../migrations/sqlite/0003_more_lists.sql"),
        ),
    ]
}

/// Brings the file at `path` to the newest schema, and makes it where there is none.
pub(crate) async fn migrate(path: PathBuf) -> Result<MigrationReport, OpenError> {
    create_file(&path).map_err(OpenError::File)?;
    let mut connection = writer_options(&path).connect().await.map_err(failed)?;
    super::open::require_library(&mut connection).await?;
    use_wal(&mut connection).await.map_err(failed)?;
    let report = apply(&mut connection).await;
    let closed = connection.close().await.map_err(failed);
    let report = report?;
    closed?;
    Ok(report)
}

/// Applies what is missing, all of it or nothing. The write lock is held from the question which
/// migrations were applied to the commit of the last.
async fn apply(connection: &mut SqliteConnection) -> Result<MigrationReport, OpenError> {
    let migrations = migrations();
    let begun = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = begun.map_err(failed)?;
    let from_version = schema_version(&mut transaction, &migrations).await?;
    let table = transaction.ensure_migrations_table(TABLE).await;
    table.map_err(of_migration)?;
    for migration in migrations.iter().filter(|it| it.version > from_version) {
        let applied = transaction.apply(TABLE, migration).await;
        applied.map_err(of_migration)?;
    }
    transaction.commit().await.map_err(failed)?;
    Ok(MigrationReport {
        from_version,
        to_version: schema::newest(&migrations),
    })
}

/// Refuses a schema that is not the one this program works on.
pub(crate) async fn require_newest(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let migrations = migrations();
    let found = schema_version(connection, &migrations).await?;
    schema::require_newest(found, &migrations)
}

/// The version of the schema in a file, 0 where there is none. Newer and altered ones are refused.
async fn schema_version(
    connection: &mut SqliteConnection,
    migrations: &[Migration],
) -> Result<i64, OpenError> {
    let applied = applied(connection).await?;
    schema::version(&applied, migrations)
}

async fn applied(connection: &mut SqliteConnection) -> Result<Vec<AppliedMigration>, OpenError> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    let table = sqlx::query(sql).bind(TABLE);
    let table = table
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    if table.is_none() {
        return Ok(Vec::new());
    }
    let listed = connection.list_applied_migrations(TABLE).await;
    listed.map_err(of_migration)
}

/// Makes an empty file that only its owner may read; SQLite gives its log the same permissions.
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
async fn use_wal(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        let switched = sqlx::query("PRAGMA journal_mode = WAL");
        match switched.fetch_one(&mut *connection).await {
            Err(error) if is_busy(&error) && waited < BUSY_TIMEOUT => {
                tokio::time::sleep(PAUSE).await;
                waited += PAUSE;
            }
            Err(error) => return Err(error),
            Ok(row) => return row.try_get::<String, _>(0).map(drop),
        }
    }
}

fn failed(error: sqlx::Error) -> OpenError {
    OpenError::Database(DatabaseFailure::new(error))
}

fn of_migration(error: MigrateError) -> OpenError {
    OpenError::Database(DatabaseFailure::new(error))
}
