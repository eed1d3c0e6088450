//! A database that nobody changes while it is read: the source of a transfer.

use std::collections::HashMap;
use std::path::PathBuf;

use attache_model::{BlobId, FileId};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::{DataMigrationError, Page, Table, Values};
use crate::schema::{DatabaseFailure, OpenError};
use crate::sqlite::connect::{verify, writer_unverified};
use crate::sqlite::failure::is_busy;
use crate::sqlite::{migrate, open};

/// A connection that holds the write lock and writes nothing.
pub(crate) struct Source(Mutex<SqliteConnection>);

impl Source {
    /// Opens a database of this program's schema and takes its write lock, so that every program that
    /// would change it has to wait, or to give up.
    pub(crate) async fn open(path: PathBuf) -> Result<Self, DataMigrationError> {
        let mut connection = connect(path)
            .await
            .map_err(DataMigrationError::OpenSource)?;
        let locked = sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await;
        match locked {
            Ok(_) => {}
            Err(error) if is_busy(&error) => return Err(DataMigrationError::SourceInUse),
            Err(error) => return Err(DataMigrationError::of_source(error)),
        }
        // Not before: with it the lock could not be taken.
        let read_only = sqlx::query("PRAGMA query_only = ON");
        let set = read_only.execute(&mut connection).await;
        set.map_err(DataMigrationError::of_source)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Gives the lock back.
    pub(crate) async fn close(self) {
        // Whatever comes of it, the lock ends with the connection.
        let _ = self.0.into_inner().close().await;
    }

    /// Up to `limit` rows that are carried, behind a key.
    pub(crate) async fn page(
        &self,
        table: &'static Table,
        after: Option<&Values>,
        limit: i64,
    ) -> Result<Page, DataMigrationError> {
        let (columns, key, name) = (table.column_list(), table.key(), table.name);
        let only = table.only.unwrap_or("TRUE");
        let behind = after.map_or("", |_| "AND {key} > ?2").replace("{key}", key);
        let sql =
            format!("SELECT {columns} FROM {name} WHERE {only} {behind} ORDER BY {key} LIMIT ?1");
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(limit);
        query = match after {
            None => query,
            Some(Values::Integers(keys)) => query.bind(keys[0]),
            Some(Values::Texts(keys)) => query.bind(keys[0].clone()),
            Some(Values::Bytes(keys)) => query.bind(keys[0].clone()),
            Some(Values::Uuids(keys)) => query.bind(keys[0]),
        };
        let rows = query.fetch_all(&mut *self.0.lock().await).await;
        let mut page = Page::new(table);
        for row in rows.map_err(DataMigrationError::of_source)? {
            page.push(&row).map_err(DataMigrationError::of_source)?;
        }
        Ok(page)
    }

    /// How many rows of a table are carried.
    pub(crate) async fn count(&self, table: &Table) -> Result<u64, DataMigrationError> {
        let only = table.only.unwrap_or("TRUE");
        self.number(format!("SELECT count(*) FROM {} WHERE {only}", table.name))
            .await
    }

    /// How many bytes the blobs have that are carried.
    pub(crate) async fn stored_bytes(&self, blobs: &Table) -> Result<u64, DataMigrationError> {
        let only = blobs.only.unwrap_or("TRUE");
        let name = blobs.name;
        let sql = format!("SELECT coalesce(sum(stored_bytes), 0) FROM {name} WHERE {only}");
        self.number(sql).await
    }

    /// How many rows of a table stay behind.
    pub(crate) async fn count_left(&self, table: &Table) -> Result<u64, DataMigrationError> {
        let Some(only) = table.only else {
            return Ok(0);
        };
        let name = table.name;
        self.number(format!("SELECT count(*) FROM {name} WHERE NOT ({only})"))
            .await
    }

    /// Whether all blobs are kept as they came.
    pub(crate) async fn is_plain(&self) -> Result<bool, DataMigrationError> {
        let sql = "SELECT count(*) FROM blobs WHERE format <> 0 OR wrapped_key IS NOT NULL";
        Ok(self.number(sql.to_owned()).await? == 0)
    }

    /// The last number that each table with a sequence has given.
    pub(crate) async fn sequences(&self) -> Result<HashMap<String, i64>, DataMigrationError> {
        let query = sqlx::query("SELECT name, seq FROM sqlite_sequence");
        let rows = query.fetch_all(&mut *self.0.lock().await).await;
        let rows = rows.map_err(DataMigrationError::of_source)?;
        let pairs = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        pairs
            .collect::<Result<_, _>>()
            .map_err(DataMigrationError::of_source)
    }

    /// Up to `limit` files that refer to a blob.
    pub(crate) async fn files_of(
        &self,
        blob: BlobId,
        limit: i64,
    ) -> Result<Vec<FileId>, DataMigrationError> {
        let sql = "SELECT files.id FROM blobs JOIN files ON files.tenant_id = blobs.tenant_id \
            AND files.blob_id = blobs.id WHERE blobs.id = ?1 ORDER BY files.seq LIMIT ?2";
        let query = sqlx::query(sql).bind(blob.as_uuid()).bind(limit);
        let rows = query.fetch_all(&mut *self.0.lock().await).await;
        let rows = rows.map_err(DataMigrationError::of_source)?;
        let ids = rows.iter().map(|row| row.try_get::<Uuid, _>(0));
        let ids: Result<Vec<_>, _> = ids.collect();
        let ids = ids.map_err(DataMigrationError::of_source)?;
        Ok(ids.into_iter().map(FileId::from_uuid).collect())
    }

    async fn number(&self, sql: String) -> Result<u64, DataMigrationError> {
        let query = sqlx::query(AssertSqlSafe(sql));
        let row = query.fetch_one(&mut *self.0.lock().await).await;
        let number = row.and_then(|row| row.try_get::<i64, _>(0));
        let number = number.map_err(DataMigrationError::of_source)?;
        Ok(u64::try_from(number).unwrap_or(0))
    }
}

async fn connect(path: PathBuf) -> Result<SqliteConnection, OpenError> {
    if !path.try_exists().map_err(OpenError::File)? {
        return Err(OpenError::Missing { path });
    }
    let failed = |failure| OpenError::Database(DatabaseFailure::new(failure));
    let mut connection = writer_unverified(&path).await.map_err(failed)?;
    open::require_library(&mut connection).await?;
    migrate::require_newest(&mut connection).await?;
    verify(&mut connection).await.map_err(failed)?;
    Ok(connection)
}
