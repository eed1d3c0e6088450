//! The schema of a database: migrated in one transaction under an advisory lock.

use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::address;
use super::server::require_server;
use crate::failure::Failure;
use crate::migrations::{self, Migrate, Migration, embed_migrations};
use crate::open_error::{MigrationReport, OpenError};

/// The lock that migrations of this program take, whichever the database: "attache" in bytes.
const LOCK: i64 = 0x61_7474_6163_6865;

/// Without this the server notes each time that the table of what was applied exists already.
const QUIET: (&str, &str) = ("client_min_messages", "warning");

impl Migrate for PgConnection {
    const MIGRATIONS: &'static [Migration] = embed_migrations!("postgres");

    const FIND_TABLE: &'static str = "SELECT 1 WHERE to_regclass('_sqlx_migrations') IS NOT NULL";

    const CREATE_TABLE: &'static str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
        version BIGINT PRIMARY KEY,
        description TEXT NOT NULL,
        installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
        success BOOLEAN NOT NULL,
        checksum BYTEA NOT NULL,
        execution_time BIGINT NOT NULL
    )";

    async fn run_script(&mut self, sql: &'static str) -> Result<(), Failure> {
        sqlx::raw_sql(sql).execute(self).await?;
        Ok(())
    }
}

/// Brings the database to the newest schema.
pub(super) async fn migrate(url: &str) -> Result<MigrationReport, OpenError> {
    let session = address::parse(url)?.options([QUIET]);
    let mut connection = session.connect().await.map_err(Failure::from)?;
    require_server(&mut connection).await?;
    let report = apply(&mut connection).await;
    let closed = connection.close().await.map_err(Failure::from);
    let report = report?;
    closed?;
    Ok(report)
}

/// Applies what is missing, all of it or nothing. The lock is held from the question which
/// migrations were applied to the commit of the last.
async fn apply(connection: &mut PgConnection) -> Result<MigrationReport, OpenError> {
    let begun = connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED");
    let mut transaction = begun.await.map_err(Failure::from)?;
    let lock = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK);
    let locked = lock.execute(&mut *transaction).await;
    locked.map_err(Failure::from)?;
    let report = migrations::apply(&mut *transaction).await?;
    transaction.commit().await.map_err(Failure::from)?;
    Ok(report)
}
