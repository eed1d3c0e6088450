//! A session on the thread that owns its connection: a statement is a function call, and a future of
//! this session never waits.

use std::panic::{AssertUnwindSafe, catch_unwind};

use attache_model::TenantId;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, Row};
use uuid::Uuid;

use crate::columns::Columns;
use crate::failure::{Failure, RowError};
use crate::session::{BlobLocks, Session, Statement, Value};

/// A connection of SQLite's.
#[derive(Debug)]
pub(crate) struct SqliteSession {
    pub(super) connection: Connection,
}

impl SqliteSession {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Runs a statement without parameters and rows.
    pub(super) fn command(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.connection.prepare_cached(sql)?.raw_execute().map(drop)
    }

    fn query<T>(
        &self,
        statement: &Statement<'_>,
        mut read: impl FnMut(&dyn Columns) -> Result<Option<T>, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let mut prepared = self.prepare(statement)?;
        let mut rows = prepared.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            match read(row)? {
                Some(value) => found.push(value),
                None => break,
            }
        }
        Ok(found)
    }

    /// Prepares a statement and binds its values. To SQLite `$1` is a name, not a position: it numbers
    /// parameters as they appear in the text.
    fn prepare(&self, statement: &Statement<'_>) -> Result<CachedStatement<'_>, Failure> {
        let mut prepared = self.connection.prepare_cached(&statement.sql)?;
        for index in 1..=prepared.parameter_count() {
            let name = prepared.parameter_name(index);
            let number = name.and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
            let value = number.and_then(|number| statement.values.get(number.checked_sub(1)?));
            let value = value.ok_or(Failure::NotStorable("a parameter"))?;
            prepared.raw_bind_parameter(index, value)?;
        }
        Ok(prepared)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Value::Integer(value) => value.map(ValueRef::Integer),
            Value::Text(value) => value.as_ref().map(|text| ValueRef::Text(text.as_bytes())),
            Value::Bytes(value) => value.map(ValueRef::Blob),
            Value::Id(value) => value.as_ref().map(|id| ValueRef::Blob(id.as_bytes())),
        };
        Ok(ToSqlOutput::Borrowed(value.unwrap_or(ValueRef::Null)))
    }
}

impl Session for SqliteSession {
    async fn fetch<T, F>(&mut self, statement: Statement<'_>, read: F) -> Result<Vec<T>, Failure>
    where
        T: Send,
        F: FnMut(&dyn Columns) -> Result<Option<T>, Failure> + Send,
    {
        self.query(&statement, read)
    }

    async fn run(&mut self, statement: Statement<'_>) -> Result<u64, Failure> {
        let changed = self.prepare(&statement)?.raw_execute()?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    /// A transaction that writes has the whole database to itself.
    fn lock(_: &'static str) -> &'static str {
        ""
    }

    async fn lock_blobs(&mut self, _: TenantId, _: BlobLocks<'_>) -> Result<(), Failure> {
        Ok(())
    }
}

impl Columns for Row<'_> {
    fn integer_or_null(&self, at: usize) -> Result<Option<i64>, Failure> {
        let value = self.get_ref(at).map_err(Failure::column)?;
        value.as_i64_or_null().map_err(Failure::column)
    }

    fn text_or_null(&self, at: usize) -> Result<Option<&str>, Failure> {
        let value = self.get_ref(at).map_err(Failure::column)?;
        value.as_str_or_null().map_err(Failure::column)
    }

    fn bytes_or_null(&self, at: usize) -> Result<Option<&[u8]>, Failure> {
        let value = self.get_ref(at).map_err(Failure::column)?;
        value.as_blob_or_null().map_err(Failure::column)
    }

    fn id_or_null(&self, at: usize) -> Result<Option<Uuid>, Failure> {
        let id = self.bytes_or_null(at)?.map(Uuid::from_slice);
        id.transpose().map_err(|_| RowError::Column("id").into())
    }
}

/// Runs the work of an operation to its end. A panic in it is a failure of its own.
pub(crate) fn complete<'w, T, E: From<Failure>>(
    work: impl FnOnce() -> BoxFuture<'w, Result<T, E>>,
) -> Result<T, E> {
    // Nothing in this session waits, so one poll is enough.
    let completed = catch_unwind(AssertUnwindSafe(|| work().now_or_never()));
    match completed {
        Ok(Some(result)) => result,
        Ok(None) => Err(Failure::Waited.into()),
        Err(_) => Err(Failure::Panicked.into()),
    }
}
