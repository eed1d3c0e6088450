//! The seam between the program's statements, which are written once, and the connection that runs
//! them.

use std::borrow::Cow;

use attache_model::{BlobId, Sha256Digest, TenantId};
use uuid::Uuid;

use crate::columns::Columns;
use crate::failure::{Failure, RowError};

/// A parameter of a statement. `None` is `NULL` of that type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'v> {
    Integer(Option<i64>),
    Text(Option<Cow<'v, str>>),
    Bytes(Option<&'v [u8]>),
    Id(Option<Uuid>),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(Some(value))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Integer(value)
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(value: &'v str) -> Self {
        Self::Text(Some(Cow::Borrowed(value)))
    }
}

impl<'v> From<Option<&'v str>> for Value<'v> {
    fn from(value: Option<&'v str>) -> Self {
        Self::Text(value.map(Cow::Borrowed))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Some(Cow::Owned(value)))
    }
}

impl<'v> From<&'v [u8]> for Value<'v> {
    fn from(value: &'v [u8]) -> Self {
        Self::Bytes(Some(value))
    }
}

impl<'v> From<Option<&'v [u8]>> for Value<'v> {
    fn from(value: Option<&'v [u8]>) -> Self {
        Self::Bytes(value)
    }
}

impl From<Uuid> for Value<'_> {
    fn from(value: Uuid) -> Self {
        Self::Id(Some(value))
    }
}

impl From<Option<Uuid>> for Value<'_> {
    fn from(value: Option<Uuid>) -> Self {
        Self::Id(value)
    }
}

/// A statement and its parameters: the first value is `$1`, the tenth `$10`, wherever and however
/// often they stand in the text.
#[derive(Debug, Clone)]
pub(crate) struct Statement<'v> {
    pub(crate) sql: Cow<'static, str>,
    pub(crate) values: Vec<Value<'v>>,
}

impl<'v> Statement<'v> {
    pub(crate) fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self {
            sql: sql.into(),
            values: Vec::new(),
        }
    }

    /// Adds the value of the next parameter.
    pub(crate) fn bind(mut self, value: impl Into<Value<'v>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds a value and returns the name of its parameter.
    pub(crate) fn parameter(&mut self, value: impl Into<Value<'v>>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Appends to the text.
    pub(crate) fn push(&mut self, sql: &str) {
        self.sql.to_mut().push_str(sql);
    }

    /// Checks the values before they are sent. PostgreSQL has no texts with a NUL, so no row of any
    /// database has one: a question about it returns no rows, and it cannot be stored.
    fn check(&self) -> Result<RowSource, Failure> {
        let has_nul =
            |value: &Value<'_>| matches!(value, Value::Text(Some(text)) if text.contains('\0'));
        if !self.values.iter().any(has_nul) {
            return Ok(RowSource::Database);
        }
        if self.sql.starts_with("SELECT ") {
            return Ok(RowSource::Empty);
        }
        Err(Failure::NotStorable("a text"))
    }
}

/// The source of a statement's rows.
enum RowSource {
    Database,
    /// Nothing matches, whatever the database holds.
    Empty,
}

/// Blobs to lock until the transaction ends.
#[derive(Debug, Default)]
pub(crate) struct BlobLocks<'l> {
    pub(crate) ids: Vec<BlobId>,
    /// Bytes and their size: referenced blobs with the same are locked too.
    pub(crate) contents: Vec<(&'l Sha256Digest, i64)>,
}

/// A connection that runs statements: inside the transaction of a change, or for a read.
///
/// `database_now()` and `database_clock()` are functions of every database: the time at which the
/// transaction began, which an index may be searched with, and the present time.
pub(crate) trait Session: Send {
    /// Runs a checked statement and reads its rows, until `read` returns `None`.
    fn fetch<T, F>(
        &mut self,
        statement: Statement<'_>,
        read: F,
    ) -> impl Future<Output = Result<Vec<T>, Failure>> + Send
    where
        T: Send,
        F: FnMut(&dyn Columns) -> Result<Option<T>, Failure> + Send;

    /// Runs a checked statement and returns how many rows it changed.
    fn run(
        &mut self,
        statement: Statement<'_>,
    ) -> impl Future<Output = Result<u64, Failure>> + Send;

    /// Returns what a statement ends with to lock its rows until the transaction ends: the clause, or
    /// nothing where a transaction that writes is alone.
    fn lock(clause: &'static str) -> &'static str;

    /// Locks blobs in the order of their ids, in whatever state they are.
    fn lock_blobs(
        &mut self,
        tenant: TenantId,
        blobs: BlobLocks<'_>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Runs a statement and reads its rows, until `read` returns `None`: the rest is not fetched, as far as the
    /// database allows.
    fn rows_while<T, F>(
        &mut self,
        statement: Statement<'_>,
        read: F,
    ) -> impl Future<Output = Result<Vec<T>, Failure>> + Send
    where
        T: Send,
        F: FnMut(&dyn Columns) -> Result<Option<T>, Failure> + Send,
    {
        async move {
            match statement.check()? {
                RowSource::Database => self.fetch(statement, read).await,
                RowSource::Empty => Ok(Vec::new()),
            }
        }
    }

    /// Runs a statement and reads its rows.
    fn rows<T, F>(
        &mut self,
        statement: Statement<'_>,
        read: F,
    ) -> impl Future<Output = Result<Vec<T>, Failure>> + Send
    where
        T: Send,
        F: Fn(&dyn Columns) -> Result<T, Failure> + Send,
    {
        self.rows_while(statement, move |row| read(row).map(Some))
    }

    /// Runs a statement that returns at most one row.
    fn optional<T, F>(
        &mut self,
        statement: Statement<'_>,
        read: F,
    ) -> impl Future<Output = Result<Option<T>, Failure>> + Send
    where
        T: Send,
        F: Fn(&dyn Columns) -> Result<T, Failure> + Send,
    {
        async move { Ok(self.rows(statement, read).await?.pop()) }
    }

    /// Runs a statement that always returns one row.
    fn one<T, F>(
        &mut self,
        statement: Statement<'_>,
        read: F,
    ) -> impl Future<Output = Result<T, Failure>> + Send
    where
        T: Send,
        F: Fn(&dyn Columns) -> Result<T, Failure> + Send,
    {
        async move {
            let found = self.optional(statement, read).await?;
            found.ok_or(Failure::Row(RowError::Missing))
        }
    }

    /// Returns `true` if a statement returns a row.
    fn exists(
        &mut self,
        statement: Statement<'_>,
    ) -> impl Future<Output = Result<bool, Failure>> + Send {
        async move { Ok(!self.rows(statement, |_| Ok(())).await?.is_empty()) }
    }

    /// Runs a statement and returns how many rows it changed.
    fn execute(
        &mut self,
        statement: Statement<'_>,
    ) -> impl Future<Output = Result<u64, Failure>> + Send {
        async move {
            match statement.check()? {
                RowSource::Database => self.run(statement).await,
                RowSource::Empty => Ok(0),
            }
        }
    }
}

/// Makes a number what a column holds.
pub(crate) fn integer(column: &'static str, value: u64) -> Result<i64, Failure> {
    i64::try_from(value).map_err(|_| Failure::NotStorable(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_with_nul_is_neither_found_nor_stored() {
        let question = Statement::new("SELECT 1 FROM files WHERE key = $1").bind("a\0b");
        assert!(matches!(question.check(), Ok(RowSource::Empty)));
        let change = Statement::new("UPDATE files SET key = $1").bind("a\0b");
        assert!(matches!(change.check(), Err(Failure::NotStorable(_))));
        let plain = Statement::new("UPDATE files SET key = $1").bind("ab");
        assert!(matches!(plain.check(), Ok(RowSource::Database)));
    }
}
