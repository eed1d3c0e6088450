//! A database that is filled with the rows of another: the target of a transfer.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgPool, PgTransaction, Postgres, Row as _};

use super::{DataMigrationError, Page, Table, Values};
use crate::postgres::PostgresOptions;
use crate::postgres::open::{failed, require_server};
use crate::postgres::{connect, migrate};
use crate::schema::OpenError;

/// The lock that a transfer holds on its target: «transfer» in bytes.
const LOCK: i64 = 0x7472_616e_7366_6572;

/// Connections to the target, and a lock that keeps other transfers out.
pub(crate) struct Target {
    pool: PgPool,
    lock: PgTransaction<'static>,
}

impl Target {
    /// Opens a database of this program's schema.
    pub(crate) async fn open(options: &PostgresOptions) -> Result<Self, DataMigrationError> {
        let pool = connected(options).await;
        let pool = pool.map_err(DataMigrationError::OpenTarget)?;
        let mut lock = pool.begin().await.map_err(DataMigrationError::of_target)?;
        // It is held for as long as all the bytes take. It has seen nothing, so it keeps nothing from
        // being cleared up.
        let patient = sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 0");
        let set = patient.execute(&mut *lock).await;
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
    pub(crate) async fn close(self) {
        // The lock ends with its connection, whatever comes of this.
        let _ = self.lock.rollback().await;
        self.pool.close().await;
    }

    /// Up to `limit` rows behind one key and up to another; without the other, to the end.
    pub(crate) async fn rows(
        &self,
        table: &'static Table,
        after: Option<&Values>,
        up_to: Option<&Values>,
        limit: usize,
    ) -> Result<Page, DataMigrationError> {
        let (columns, key, name) = (table.column_list(), table.key(), table.name);
        let mut conditions = vec!["TRUE".to_owned()];
        for (bound, sign) in [(after, ">"), (up_to, "<=")] {
            if bound.is_some() {
                // The limit is the first argument.
                let place = conditions.len() + 1;
                conditions.push(format!("{key} {sign} ${place}"));
            }
        }
        let condition = conditions.join(" AND ");
        let sql = format!("SELECT {columns} FROM {name} WHERE {condition} ORDER BY {key} LIMIT $1");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(limit);
        for bound in [after, up_to].into_iter().flatten() {
            query = bind_first(query, bound);
        }
        let rows = query.fetch_all(&self.pool).await;
        page_of(table, &rows.map_err(DataMigrationError::of_target)?)
            .map_err(DataMigrationError::of_target)
    }

    /// Adds rows as they are, numbers included: all of them or none.
    pub(crate) async fn insert(&self, page: &Page) -> Result<(), DataMigrationError> {
        if page.len() == 0 {
            return Ok(());
        }
        let table = page.table;
        let types = page.columns().iter().enumerate().map(|(index, values)| {
            let kind = match values {
                Values::Integers(_) => "bigint",
                Values::Texts(_) => "text",
                Values::Bytes(_) => "bytea",
                Values::Uuids(_) => "uuid",
            };
            format!("${}::{kind}[]", index + 1)
        });
        let arrays: Vec<_> = types.collect();
        let (name, columns, arrays) = (table.name, table.column_list(), arrays.join(", "));
        let sql = format!(
            "INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest({arrays})"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for values in page.columns() {
            query = match values {
                Values::Integers(values) => query.bind(values),
                Values::Texts(values) => query.bind(values),
                Values::Bytes(values) => query.bind(values),
                Values::Uuids(values) => query.bind(values),
            };
        }
        match query.execute(&self.pool).await {
            Ok(_) => Ok(()),
            // Somebody was first with a value that must be unique.
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

    /// Has the sequence of a table go on behind a number, and never go back.
    pub(crate) async fn number_behind(
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

async fn connected(options: &PostgresOptions) -> Result<PgPool, OpenError> {
    // One is held for the lock.
    let connections = options.max_connections.max(2);
    let pool = connect::pool(&options.clone().with_max_connections(connections))?;
    let mut connection = pool.acquire().await.map_err(failed)?;
    require_server(&mut connection).await?;
    migrate::require_newest(&mut connection).await?;
    drop(connection);
    Ok(pool)
}

fn page_of(table: &'static Table, rows: &[PgRow]) -> Result<Page, sqlx::Error> {
    let mut page = Page::new(table);
    for row in rows {
        page.push(row)?;
    }
    Ok(page)
}

/// Binds the first value of a column.
fn bind_first<'q>(
    query: Query<'q, Postgres, PgArguments>,
    values: &Values,
) -> Query<'q, Postgres, PgArguments> {
    match values {
        Values::Integers(values) => query.bind(values[0]),
        Values::Texts(values) => query.bind(values[0].clone()),
        Values::Bytes(values) => query.bind(values[0].clone()),
        Values::Uuids(values) => query.bind(values[0]),
    }
}
