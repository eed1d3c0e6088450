//! The schema: embedded migrations, applied in one transaction under an advisory lock.

use sqlx::migrate::{AppliedMigration, Migrate as _, MigrateError, Migration};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};

use super::connect;
use super::open::{failed, require_server};
use crate::schema::{self, DatabaseFailure, MigrationReport, OpenError, TABLE};

/// The lock that migrations of this program take, whichever the database: «attache» in bytes.
const LOCK: i64 = 0x61_7474_6163_6865;

/// Without this the server tells, each time, that the table of what was applied is there already.
const QUIET: (&str, &str) = ("client_min_messages", "warning");

/// Every migration of this program, oldest first.
fn migrations() -> Vec<Migration> {
    vec![
        schema::migration(
            1,
            "initial",
            include_str!("../../migrations/postgres/0001_initial.sql"),
        ),
        schema::migration(
            2,
            "uploads",
            include_str!("../../migrations/postgres/0002_uploads.sql"),
        ),
        schema::migration(
            3,
            "more lists",
            include_str!("../../migrations/postgres/0003_more_lists.sql"),
        ),
    ]
}

/// Brings the database to the newest schema.
pub(crate) async fn migrate(url: &str) -> Result<MigrationReport, OpenError> {
    let session = connect::address(url)?.options([QUIET]);
    let connected = session.connect().await;
    let mut connection = connected.map_err(failed)?;
    require_server(&mut connection).await?;
    let report = apply(&mut connection).await;
    let closed = connection.close().await.map_err(failed);
    let report = report?;
    closed?;
    Ok(report)
}

/// Applies what is missing, all of it or nothing. The lock is held from the question which
/// migrations were applied to the commit of the last.
async fn apply(connection: &mut PgConnection) -> Result<MigrationReport, OpenError> {
    let migrations = migrations();
    let begun = connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED");
    let mut transaction = begun.await.map_err(failed)?;
    let locked = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK);
    locked.execute(&mut *transaction).await.map_err(failed)?;
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

/// The version of the schema that this program works on.
pub(crate) fn newest() -> i64 {
    schema::newest(&migrations())
}

/// Refuses a schema that is not the one this program works on.
pub(crate) async fn require_newest(connection: &mut PgConnection) -> Result<(), OpenError> {
    let migrations = migrations();
    let found = schema_version(connection, &migrations).await?;
    schema::require_newest(found, &migrations)
}

async fn schema_version(
    connection: &mut PgConnection,
    migrations: &[Migration],
) -> Result<i64, OpenError> {
    let applied = applied(connection).await?;
    schema::version(&applied, migrations)
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<AppliedMigration>, OpenError> {
    let asked = sqlx::query("SELECT to_regclass($1) IS NOT NULL").bind(TABLE);
    let row = asked.fetch_one(&mut *connection).await.map_err(failed)?;
    if !row.try_get::<bool, _>(0).map_err(failed)? {
        return Ok(Vec::new());
    }
    let listed = connection.list_applied_migrations(TABLE).await;
    listed.map_err(of_migration)
}

fn of_migration(error: MigrateError) -> OpenError {
    OpenError::Database(DatabaseFailure::new(error))
}
