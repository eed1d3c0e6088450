//! The source of a data migration: a database that nobody changes while it is read.

use std::collections::HashMap;
use std::path::PathBuf;

use attache_metadata::{InstallationRow, RepositoryError, RepositoryErrorKind};
use attache_model::{BlobId, FileId};

use super::page::{Cell, Range};
use super::{DataMigrationError, Page, Table};
use crate::call::Call;
use crate::columns::Columns;
use crate::installation;
use crate::open_error::{DatabaseFailure, OpenError};
use crate::session::{Session as _, Statement};
use crate::sqlite::connection;
use crate::sqlite::migrate::open_migrated;
use crate::sqlite::open::blocking;
use crate::sqlite::readers::Readers;

const OPERATION: &str = "migrate_data";

/// One reading thread, whose connection holds the write lock and writes nothing.
pub(super) struct Source(Readers);

impl Source {
    /// Opens a database of this program's schema and takes its write lock, so that every program that
    /// would change it has to wait, or to give up.
    pub(super) async fn open(path: PathBuf) -> Result<Self, DataMigrationError> {
        let opened = blocking(move || {
            let connection = open_migrated(&path)?;
            connection::verify(&connection)?;
            let readers = Readers::start(vec![connection], 1);
            readers.map_err(|error| OpenError::Database(DatabaseFailure::new(error)))
        });
        let readers = opened.await.map_err(DataMigrationError::OpenSource)?;
        let locked = readers.read(Call::of_service(OPERATION), (), |session, ()| {
            Box::pin(async move {
                session.execute(Statement::new("BEGIN IMMEDIATE")).await?;
                // Not before: with it the lock could not be taken.
                let read_only = Statement::new("PRAGMA query_only = ON");
                session.execute(read_only).await
            })
        });
        match locked.await {
            Ok(_) => Ok(Self(readers)),
            Err(error) if error.kind() == RepositoryErrorKind::Unavailable => {
                Err(DataMigrationError::SourceInUse)
            }
            Err(error) => Err(DataMigrationError::of_source(error)),
        }
    }

    /// Gives the lock back: it ends with the connection.
    pub(super) async fn close(self) {
        self.0.close().await;
    }

    /// Reads up to `limit` rows that are to be copied, behind a key.
    pub(super) async fn page(
        &self,
        table: &'static Table,
        after: Option<Cell>,
        limit: usize,
    ) -> Result<Page, DataMigrationError> {
        let range = Range {
            after,
            up_to: None,
            limit,
        };
        let page = self
            .0
            .read(Call::of_service(OPERATION), range, |session, range| {
                let only = table.only.unwrap_or("TRUE");
                Box::pin(Page::read(session, table, only, range))
            });
        page.await.map_err(DataMigrationError::of_source)
    }

    /// Counts the rows of a table that are to be copied.
    pub(super) async fn count(&self, table: &Table) -> Result<u64, DataMigrationError> {
        let only = table.only.unwrap_or("TRUE");
        self.number(format!("SELECT count(*) FROM {} WHERE {only}", table.name))
            .await
    }

    /// Counts the bytes of the blobs that are to be copied.
    pub(super) async fn stored_bytes(&self, blobs: &Table) -> Result<u64, DataMigrationError> {
        let only = blobs.only.unwrap_or("TRUE");
        let name = blobs.name;
        let sql = format!("SELECT coalesce(sum(stored_bytes), 0) FROM {name} WHERE {only}");
        self.number(sql).await
    }

    /// Counts the rows of a table that stay behind.
    pub(super) async fn count_left(&self, table: &Table) -> Result<u64, DataMigrationError> {
        let Some(only) = table.only else {
            return Ok(0);
        };
        let name = table.name;
        self.number(format!("SELECT count(*) FROM {name} WHERE NOT ({only})"))
            .await
    }

    /// Returns `true` if the bytes of all blobs are stored as they came.
    pub(super) async fn is_plain(&self) -> Result<bool, DataMigrationError> {
        let sql = "SELECT count(*) FROM blobs WHERE format <> 0 OR wrapped_key IS NOT NULL";
        Ok(self.number(sql.to_owned()).await? == 0)
    }

    /// Returns the identity that the database shares with its store.
    pub(super) async fn installation(&self) -> Result<Option<InstallationRow>, DataMigrationError> {
        let read = self.0.read(Call::of_service(OPERATION), (), |session, ()| {
            Box::pin(installation::find(session))
        });
        read.await.map_err(DataMigrationError::of_source)
    }

    /// Returns the last number that each table with a sequence has given.
    pub(super) async fn sequences(&self) -> Result<HashMap<String, i64>, DataMigrationError> {
        let read = self.0.read(Call::of_service(OPERATION), (), |session, ()| {
            let statement = Statement::new("SELECT name, seq FROM sqlite_sequence");
            let read = |row: &dyn Columns| Ok((row.text(0)?.to_owned(), row.integer(1)?));
            Box::pin(session.rows(statement, read))
        });
        let pairs = read.await.map_err(DataMigrationError::of_source)?;
        Ok(pairs.into_iter().collect())
    }

    /// Returns up to `limit` files that refer to a blob.
    pub(super) async fn files_of(
        &self,
        blob: BlobId,
        limit: i64,
    ) -> Result<Vec<FileId>, DataMigrationError> {
        let input = (blob, limit);
        let files = self.0.read(Call::of_service(OPERATION), input, |session, (blob, limit)| {
            let sql = "SELECT files.id FROM blobs JOIN files ON files.tenant_id = blobs.tenant_id \
                AND files.blob_id = blobs.id WHERE blobs.id = $1 ORDER BY files.seq LIMIT $2";
            let statement = Statement::new(sql).bind(blob.as_uuid()).bind(*limit);
            Box::pin(session.rows(statement, |row| Ok(FileId::from_uuid(row.id(0)?))))
        });
        files.await.map_err(DataMigrationError::of_source)
    }

    async fn number(&self, sql: String) -> Result<u64, DataMigrationError> {
        let number = self
            .0
            .read(Call::of_service(OPERATION), sql, |session, sql| {
                let statement = Statement::new(sql.clone());
                Box::pin(session.one(statement, |row| row.integer(0)))
            });
        let number: Result<i64, RepositoryError> = number.await;
        let number = number.map_err(DataMigrationError::of_source)?;
        Ok(u64::try_from(number).unwrap_or(0))
    }
}
