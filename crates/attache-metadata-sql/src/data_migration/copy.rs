//! A transfer: what is asked of both databases, in the order in which it keeps every promise.

use std::path::PathBuf;

use attache_model::{BlobId, FileId, Sha256Digest};

use super::page::Values;
use super::source::Source;
use super::tables::{self, AFTER_BLOBS, BEFORE_BLOBS, BLOBS};
use super::target::Target;
use super::{Comparison, DataMigrationError, Page, Table, compare};
use crate::postgres::PostgresOptions;

/// How many rows are read and written at a time.
const ROWS: i64 = 500;

/// How many blobs are told of at a time.
const BLOBS_AT_ONCE: i64 = 200;

/// Carries the rows of an SQLite database over to a PostgreSQL database.
///
/// While it lives the source cannot be changed by anybody, and no other transfer to the target can
/// begin. Of what is called here, everything may be called again, in this run or in the next: what is
/// there already is compared and left alone. The order is
///
/// 1. [`check`](Self::check), which changes nothing;
/// 2. [`begin`](Self::begin), which carries what blobs refer to;
/// 3. [`copy_blob`](Self::copy_blob) for each of [`blobs_after`](Self::blobs_after), once its bytes
///    are where the target looks for them;
/// 4. [`finish`](Self::finish), which carries the rest and compares all.
///
/// A future that is dropped leaves rows whole or not carried.
pub struct DataMigration {
    source: Source,
    target: Target,
}

/// How many rows of a table were carried, all runs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopiedRows {
    /// The table.
    pub table: &'static str,
    /// How many of its rows are in the source and in the target, the same in both.
    pub rows: u64,
    /// How many stay behind: blobs that nothing refers to, and uploads whose bytes were on their way
    /// straight to the store.
    pub left: u64,
}

/// A blob that is to be carried.
#[derive(Debug, Clone)]
pub struct SourceBlob {
    /// Its id.
    pub id: BlobId,
    /// Where its bytes are, in the source's store and in the target's alike.
    pub storage_key: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// The digest of its bytes.
    pub sha256: Sha256Digest,
    /// Whether the target has the row, and so the bytes.
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

    /// Looks whether the target is empty or holds a part of this very source, row by row. Answers how
    /// many blobs there are, and how many bytes they have.
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

    /// Carries what blobs refer to, and has the target's numbers go on behind the source's.
    ///
    /// # Errors
    ///
    /// [`DataMigrationError`]; what was carried stays.
    pub async fn begin(&self) -> Result<(), DataMigrationError> {
        let given = self.source.sequences().await?;
        for table in tables::all().filter(|table| table.is_numbered) {
            if let Some(&last) = given.get(table.name).filter(|last| **last > 0) {
                self.target.number_behind(table, last).await?;
            }
        }
        for table in BEFORE_BLOBS {
            self.carry(table, &|_, _| {}).await?;
        }
        Ok(())
    }

    /// The blobs behind one, in the order of their ids: some of them, and none at the end.
    ///
    /// # Errors
    ///
    /// Either database may fail.
    pub async fn blobs_after(
        &self,
        after: Option<BlobId>,
    ) -> Result<Vec<SourceBlob>, DataMigrationError> {
        let after = after.map(|id| Values::Uuids(vec![Some(id.as_uuid())]));
        let page = self.source.page(&BLOBS, after.as_ref(), BLOBS_AT_ONCE);
        let page = page.await?;
        let lacks = self.lacks(&page, after.as_ref()).await?;
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

    /// Up to `limit` files that the bytes of a blob belong to.
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

    /// Carries what refers to blobs, then compares every row of every table. `observe` is told of each
    /// page: the table and how many rows of it are done.
    ///
    /// # Errors
    ///
    /// [`DataMigrationError::Incomplete`] where something is missing after all, [`DataMigrationError`].
    pub async fn finish(
        &self,
        observe: &(dyn Fn(&'static str, u64) + Send + Sync),
    ) -> Result<Vec<CopiedRows>, DataMigrationError> {
        for table in AFTER_BLOBS {
            self.carry(table, observe).await?;
        }
        let mut carried = Vec::new();
        for table in tables::all() {
            let (rows, lacks) = self.compare(table, observe).await?;
            if lacks > 0 {
                return Err(DataMigrationError::Incomplete { table: table.name });
            }
            let (table, left) = (table.name, self.source.count_left(table).await?);
            carried.push(CopiedRows { table, rows, left });
        }
        Ok(carried)
    }

    /// Closes both databases.
    pub async fn close(self) {
        self.source.close().await;
        self.target.close().await;
    }

    /// Adds what the target lacks of a table.
    async fn carry(
        &self,
        table: &'static Table,
        observe: &(dyn Fn(&'static str, u64) + Send + Sync),
    ) -> Result<(), DataMigrationError> {
        let (mut after, mut rows) = (None, 0);
        loop {
            let page = self.source.page(table, after.as_ref(), ROWS).await?;
            let Some(last) = page.last_key() else {
                return Ok(());
            };
            let lacks = self.lacks(&page, after.as_ref()).await?;
            self.target.insert(&page.select(&lacks)).await?;
            rows += page.len() as u64;
            observe(table.name, rows);
            after = Some(last);
        }
    }

    /// Compares a table from its beginning to its end in both databases; answers how many rows the
    /// source has, and how many of them the target lacks.
    async fn compare(
        &self,
        table: &'static Table,
        observe: &(dyn Fn(&'static str, u64) + Send + Sync),
    ) -> Result<(u64, u64), DataMigrationError> {
        let (mut after, mut rows, mut lacking) = (None, 0, 0);
        loop {
            let page = self.source.page(table, after.as_ref(), ROWS).await?;
            let Some(last) = page.last_key() else {
                break;
            };
            lacking += self.lacks(&page, after.as_ref()).await?.len() as u64;
            rows += page.len() as u64;
            observe(table.name, rows);
            after = Some(last);
        }
        // Behind the last row of the source there must be none.
        let rest = self.target.rows(table, after.as_ref(), None, 1).await?;
        if rest.len() > 0 {
            return Err(DataMigrationError::OtherContent { table: table.name });
        }
        Ok((rows, lacking))
    }

    /// Which rows of a page that begins behind a key the target lacks.
    async fn lacks(
        &self,
        page: &Page,
        after: Option<&Values>,
    ) -> Result<Vec<usize>, DataMigrationError> {
        let Some(last) = page.last_key() else {
            return Ok(Vec::new());
        };
        let table = page.table;
        // One more than there should be at most tells as well as a million.
        let limit = page.len() + 1;
        let there = self.target.rows(table, after, Some(&last), limit).await?;
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

/// Reads a blob from a page of them; `None` where a value is missing or makes no sense.
fn blob(page: &Page, place: usize, is_copied: bool) -> Option<SourceBlob> {
    let Values::Uuids(ids) = page.column("id")? else {
        return None;
    };
    let Values::Texts(keys) = page.column("storage_key")? else {
        return None;
    };
    let Values::Integers(sizes) = page.column("stored_bytes")? else {
        return None;
    };
    let Values::Bytes(digests) = page.column("sha256")? else {
        return None;
    };
    let digest: [u8; 32] = digests[place].as_deref()?.try_into().ok()?;
    Some(SourceBlob {
        id: BlobId::from_uuid(ids[place]?),
        storage_key: keys[place].clone()?,
        size_bytes: u64::try_from(sizes[place]?).ok()?,
        sha256: Sha256Digest::from_bytes(digest),
        is_copied,
        row: page.select(&[place]),
    })
}
