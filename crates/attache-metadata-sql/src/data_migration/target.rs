//! The target of a data migration: a database that is filled with the rows of another.

use sqlx::{AssertSqlSafe, PgPool, PgTransaction, Row as _};

use super::page::{Cell, Range};
use super::tables::Kind;
use super::{DataMigrationError, Page, Table};
use crate::failure::Failure;
use crate::migrations;
use crate::open_error::OpenError;
use crate::postgres::PostgresOptions;
use crate::postgres::connect;
use crate::postgres::server::require_server;

/// The lock that a data migration holds on its target: "transfer" in bytes, as in older releases.
const LOCK: i64 = 0x7472_616e_7366_6572;

/// Connections to the target, and a lock that keeps other migrations out.
pub(super) struct Target {
    pool: PgPool,
    lock: PgTransaction<'static>,
}

impl Target {
    /// Opens a database of this program's schema.
    pub(super) async fn open(options: &PostgresOptions) -> Result<Self, DataMigrationError> {
        let pool = connected(options).await;
        let pool = pool.map_err(DataMigrationError::OpenTarget)?;
        let mut lock = pool.begin().await.map_err(DataMigrationError::of_target)?;
        // It is held for as long as all the bytes take. It has seen nothing, so it keeps nothing from
        // being cleared up.
        let no_timeout = sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 0");
        let set = no_timeout.execute(&mut *lock).await;
        set.map_err(DataMigrationError::of_target)?;
        let ask = sqlx::query("SELECT pg_try_advisory_xact_lock($1)").bind(LOCK);
        let row = ask.fetch_one(&mut *lock).await;
        let is_ours = row.and_then(|row| row.try_get(0));
        if !is_ours.map_err(DataMigrationError::of_target)? {
            return Err(DataMigrationError::TargetInUse);
        }
        Ok(Self { pool, lock })
    }

    /// Closes the connections.
    pub(super) async fn close(self) {
        // The lock ends with its connection, whatever comes of this.
        let _ = self.lock.rollback().await;
        self.pool.close().await;
    }

    /// Reads the rows in a range of keys.
    pub(super) async fn page(
        &self,
        table: &'static Table,
        range: &Range,
    ) -> Result<Page, DataMigrationError> {
        let acquired = self.pool.acquire().await;
        let mut connection = acquired.map_err(DataMigrationError::of_target)?;
        let page = Page::read(&mut *connection, table, "TRUE", range).await;
        page.map_err(DataMigrationError::of_target)
    }

    /// Adds rows as they are, numbers included: all of them or none.
    pub(super) async fn insert(&self, page: &Page) -> Result<(), DataMigrationError> {
        if page.len() == 0 {
            return Ok(());
        }
        let table = page.table;
        let arrays = table.columns.iter().enumerate().map(|(at, (_, kind))| {
            let kind = match kind {
                Kind::Integer => "bigint",
                Kind::Text => "text",
                Kind::Bytes => "bytea",
                Kind::Uuid => "uuid",
            };
            format!("${}::{kind}[]", at + 1)
        });
        let arrays: Vec<_> = arrays.collect();
        let (name, columns, arrays) = (table.name, table.column_list(), arrays.join(", "));
        let sql = format!(
            "INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest({arrays})"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (at, (_, kind)) in table.columns.iter().enumerate() {
            let cells = page.rows.iter().map(|row| &row[at]);
            query = match kind {
                Kind::Integer => query.bind(column(cells, |cell| match cell {
                    Cell::Integer(value) => *value,
                    _ => None,
                })),
                Kind::Text => query.bind(column(cells, |cell| match cell {
                    Cell::Text(value) => value.as_deref(),
                    _ => None,
                })),
                Kind::Bytes => query.bind(column(cells, |cell| match cell {
                    Cell::Bytes(value) => value.as_deref(),
                    _ => None,
                })),
                Kind::Uuid => query.bind(column(cells, |cell| match cell {
                    Cell::Uuid(value) => *value,
                    _ => None,
                })),
            };
        }
        match query.execute(&self.pool).await {
            Ok(_) => Ok(()),
            // Another row has a value that must be unique.
            Err(error)
                if error
                    .as_database_error()
                    .is_some_and(sqlx::error::DatabaseError::is_unique_violation) =>
            {
                Err(DataMigrationError::OtherContent { table: table.name })
            }
            Err(error) => Err(DataMigrationError::of_target(error)),
        }
    }

    /// Lets the sequence of a table continue behind a number, and never go back.
    pub(super) async fn number_behind(
        &self,
        table: &Table,
        last: i64,
    ) -> Result<(), DataMigrationError> {
        let sql = "SELECT setval(its, greatest($3, pg_sequence_last_value(its))) \
            FROM (SELECT pg_get_serial_sequence($1, $2)::regclass AS its) AS sequences";
        let query = sqlx::query(sql).bind(table.name).bind(table.key());
        let set = query.bind(last).execute(&self.pool).await;
        set.map(drop).map_err(DataMigrationError::of_target)
    }
}

/// Returns the values of a column.
fn column<'c, T>(
    cells: impl Iterator<Item = &'c Cell>,
    value: impl Fn(&'c Cell) -> Option<T>,
) -> Vec<Option<T>> {
    cells.map(value).collect()
}

async fn connected(options: &PostgresOptions) -> Result<PgPool, OpenError> {
    // One is held for the lock.
    let connections = options.max_connections.max(2);
    let pool = connect::pool(&options.clone().with_max_connections(connections))?;
    let mut connection = pool.acquire().await.map_err(Failure::from)?;
    require_server(&mut connection).await?;
    migrations::require_newest(&mut *connection).await?;
    drop(connection);
    Ok(pool)
}
