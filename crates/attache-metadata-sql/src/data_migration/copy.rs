//! A data migration: the calls on both databases, in the order that keeps every guarantee.

use std::path::PathBuf;

use attache_metadata::InstallationRow;
use attache_model::{BlobId, FileId, Sha256Digest};

use super::page::{Cell, Range};
use super::source::Source;
use super::tables::{self, AFTER_BLOBS, BEFORE_BLOBS, BLOBS};
use super::target::Target;
use super::{Comparison, DataMigrationError, Page, Table, compare};
use crate::postgres::PostgresOptions;

/// The number of rows that are read and written at a time.
const ROWS: usize = 500;

/// The number of blobs that are returned at a time.
const BLOBS_AT_ONCE: usize = 200;

/// Copies the rows of an SQLite database to a PostgreSQL database.
///
/// While it lives nobody can change the source, and no other migration to the target can begin. Every
/// call may be repeated, in this run or in the next: rows that exist already are compared and left
/// alone. The order is
///
/// 1. [`check`](Self::check), which changes nothing;
/// 2. [`begin`](Self::begin), which copies the rows that blobs refer to;
/// 3. [`copy_blob`](Self::copy_blob) for each of [`blobs_after`](Self::blobs_after), once its bytes
///    are where the target looks for them;
/// 4. [`finish`](Self::finish), which copies the rest and compares all.
///
/// A future that is dropped leaves rows whole or not copied.
pub struct DataMigration {
    source: Source,
    target: Target,
}

/// The number of rows of a table that were copied, all runs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopiedRows {
    /// The table.
    pub table: &'static str,
    /// The number of its rows, the same in the source and in the target.
    pub rows: u64,
    /// The number of rows that stay behind: blobs that nothing refers to, and uploads whose bytes were on
    /// their way straight to the store.
    pub left: u64,
}

/// A blob of the source that is to be copied.
#[derive(Debug, Clone)]
pub struct SourceBlob {
    /// Its id.
    pub id: BlobId,
    /// The key of its bytes, in the source's store and in the target's alike.
    pub storage_key: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The digest of its bytes.
    pub sha256: Sha256Digest,
    /// True if the target has the row, and so the bytes.
    pub is_copied: bool,
    row: Page,
}

impl DataMigration {
    /// Opens both databases, and keeps others from changing the source.
    ///
    /// # Errors
    ///
    /// [`DataMigrationError`]; nothing was changed.
    pub async fn open(
        source: impl Into<PathBuf>,
        target: &PostgresOptions,
    ) -> Result<Self, DataMigrationError> {
        let source = Source::open(source.into()).await?;
        let target = Target::open(target).await?;
        Ok(Self { source, target })
    }

    /// Returns the identity that the source shares with its store; `None` if it was never opened with one.
    ///
    /// # Errors
    ///
    /// The source may fail.
    pub async fn source_installation(&self) -> Result<Option<InstallationRow>, DataMigrationError> {
        self.source.installation().await
    }

    /// Checks, row by row, that the target is empty or holds a part of this very source. Returns the
    /// number of blobs and of their bytes.
    ///
    /// # Errors
    ///
    /// [`DataMigrationError::OtherContent`], [`DataMigrationError::UnknownFormat`]; either database may fail.
    pub async fn check(&self) -> Result<(u64, u64), DataMigrationError> {
        if !self.source.is_plain().await? {
            return Err(DataMigrationError::UnknownFormat);
        }
        for table in tables::all() {
            self.compare(table, &|_, _| {}).await?;
        }
        let blobs = self.source.count(&BLOBS).await?;
        Ok((blobs, self.source.stored_bytes(&BLOBS).await?))
    }

    /// Copies the rows that blobs refer to, and lets the target's numbers continue behind the source's.
    ///
    /// # Errors
    ///
    /// [`DataMigrationError`]; what was copied stays.
    pub async fn begin(&self) -> Result<(), DataMigrationError> {
        let given = self.source.sequences().await?;
        for table in tables::all().filter(|table| table.is_numbered) {
            if let Some(&last) = given.get(table.name).filter(|last| **last > 0) {
                self.target.number_behind(table, last).await?;
            }
        }
        for table in BEFORE_BLOBS {
            self.copy(table, &|_, _| {}).await?;
        }
        Ok(())
    }

    /// Returns the blobs behind one, in the order of their ids: some of them, and none at the end.
    ///
    /// # Errors
    ///
    /// Either database may fail.
    pub async fn blobs_after(
        &self,
        after: Option<BlobId>,
    ) -> Result<Vec<SourceBlob>, DataMigrationError> {
        let after = after.map(|id| Cell::Uuid(Some(id.as_uuid())));
        let page = self.source.page(&BLOBS, after.clone(), BLOBS_AT_ONCE);
        let page = page.await?;
        let lacks = self.lacks(&page, after).await?;
        let rows = (0..page.len()).map(|place| {
            let blob = blob(&page, place, !lacks.contains(&place));
            blob.ok_or(DataMigrationError::Inconsistent { table: BLOBS.name })
        });
        rows.collect()
    }

    /// Adds a blob to the target. Its bytes must be there, and be right.
    ///
    /// # Errors
    ///
    /// The target may fail.
    pub async fn copy_blob(&self, blob: &SourceBlob) -> Result<(), DataMigrationError> {
        self.target.insert(&blob.row).await
    }

    /// Returns up to `limit` files that the bytes of a blob belong to.
    ///
    /// # Errors
    ///
    /// The source may fail.
    pub async fn files_of(
        &self,
        blob: BlobId,
        limit: u32,
    ) -> Result<Vec<FileId>, DataMigrationError> {
        self.source.files_of(blob, i64::from(limit)).await
    }

    /// Copies the rows that refer to blobs, then compares every row of every table. `observe` is called
    /// for each page with the table and the number of its rows that are done.
    ///
    /// # Errors
    ///
    /// [`DataMigrationError::Incomplete`] where something is missing after all, [`DataMigrationError`].
    pub async fn finish(
        &self,
        observe: &(dyn Fn(&'static str, u64) + Send + Sync),
    ) -> Result<Vec<CopiedRows>, DataMigrationError> {
        for table in AFTER_BLOBS {
            self.copy(table, observe).await?;
        }
        let mut copied = Vec::new();
        for table in tables::all() {
            let (rows, lacks) = self.compare(table, observe).await?;
            if lacks > 0 {
                return Err(DataMigrationError::Incomplete { table: table.name });
            }
            let (table, left) = (table.name, self.source.count_left(table).await?);
            copied.push(CopiedRows { table, rows, left });
        }
        Ok(copied)
    }

    /// Closes both databases.
    pub async fn close(self) {
        self.source.close().await;
        self.target.close().await;
    }

    /// Adds what the target lacks of a table.
    async fn copy(
        &self,
        table: &'static Table,
        observe: &(dyn Fn(&'static str, u64) + Send + Sync),
    ) -> Result<(), DataMigrationError> {
        let (mut after, mut rows) = (None, 0);
        loop {
            let page = self.source.page(table, after.clone(), ROWS).await?;
            let Some(last) = page.last_key() else {
                return Ok(());
            };
            let lacks = self.lacks(&page, after).await?;
            self.target.insert(&page.select(&lacks)).await?;
            rows += page.len() as u64;
            observe(table.name, rows);
            after = Some(last);
        }
    }

    /// Compares a table from its beginning to its end in both databases. Returns the number of rows of
    /// the source, and of those that the target lacks.
    async fn compare(
        &self,
        table: &'static Table,
        observe: &(dyn Fn(&'static str, u64) + Send + Sync),
    ) -> Result<(u64, u64), DataMigrationError> {
        let (mut after, mut rows, mut lacking) = (None, 0, 0);
        loop {
            let page = self.source.page(table, after.clone(), ROWS).await?;
            let Some(last) = page.last_key() else {
                break;
            };
            lacking += self.lacks(&page, after).await?.len() as u64;
            rows += page.len() as u64;
            observe(table.name, rows);
            after = Some(last);
        }
        // Behind the last row of the source there must be none.
        let rest = Range {
            after,
            up_to: None,
            limit: 1,
        };
        let rest = self.target.page(table, &rest).await?;
        if rest.len() > 0 {
            return Err(DataMigrationError::OtherContent { table: table.name });
        }
        Ok((rows, lacking))
    }

    /// Returns the rows that the target lacks of a page that begins behind a key.
    async fn lacks(
        &self,
        page: &Page,
        after: Option<Cell>,
    ) -> Result<Vec<usize>, DataMigrationError> {
        let Some(last) = page.last_key() else {
            return Ok(Vec::new());
        };
        let table = page.table;
        // One more than there may be shows a difference as well as a million.
        let range = Range {
            after,
            up_to: Some(last),
            limit: page.len() + 1,
        };
        let there = self.target.page(table, &range).await?;
        match compare(page, &there) {
            Comparison::Lacks(places) => Ok(places),
            Comparison::Differs => Err(DataMigrationError::OtherContent { table: table.name }),
        }
    }
}

impl std::fmt::Debug for DataMigration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataMigration").finish_non_exhaustive()
    }
}

/// Reads a blob from a page of them; `None` where a value is missing or out of range.
fn blob(page: &Page, place: usize, is_copied: bool) -> Option<SourceBlob> {
    let Cell::Uuid(Some(id)) = page.cell(place, "id")? else {
        return None;
    };
    let Cell::Text(Some(storage_key)) = page.cell(place, "storage_key")? else {
        return None;
    };
    let Cell::Integer(Some(size_bytes)) = page.cell(place, "stored_bytes")? else {
        return None;
    };
    let Cell::Bytes(Some(digest)) = page.cell(place, "sha256")? else {
        return None;
    };
    let digest: [u8; 32] = digest.as_slice().try_into().ok()?;
    Some(SourceBlob {
        id: BlobId::from_uuid(*id),
        storage_key: storage_key.clone(),
        size_bytes: u64::try_from(*size_bytes).ok()?,
        sha256: Sha256Digest::from_bytes(digest),
        is_copied,
        row: page.select(&[place]),
    })
}
