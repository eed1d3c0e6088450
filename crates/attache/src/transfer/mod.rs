//! Moving an embedded installation to shared backends: its records to PostgreSQL, its bytes to S3 or
//! another directory.

mod blobs;
mod error;
mod places;

use std::sync::Arc;

use attache_metadata_sql::data_migration::DataMigration;

pub use attache_metadata_sql::data_migration::CopiedRows;
pub use error::TransferError;

use self::blobs::Stores;
use self::places::Places;
use crate::InstallationOptions;
use crate::installation::open_store;

/// What is told while a transfer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferEvent {
    /// Everything was looked over, and nothing stands in the way.
    Begun {
        /// How many blobs there are to carry, those of earlier runs included.
        blobs: u64,
        /// How many bytes they have.
        bytes: u64,
    },
    /// A blob of an earlier run was found.
    BlobFound {
        /// Its size in bytes.
        size_bytes: u64,
    },
    /// So many more bytes were read from the source.
    BytesRead(u64),
    /// A blob's bytes are at the target, verified, and the target knows of them.
    BlobCarried {
        /// Its size in bytes.
        size_bytes: u64,
    },
    /// All blobs are there; what is left are rows.
    RowsDone {
        /// The table that is being carried or, in the end, compared.
        table: &'static str,
        /// How many of its rows are done.
        rows: u64,
    },
}

/// Is told of each event, from any thread, and should answer at once.
pub type TransferObserver = Arc<dyn Fn(TransferEvent) + Send + Sync>;

/// What a transfer that came to its end has carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferReport {
    /// Each table and its rows, which are the same in both databases.
    pub tables: Vec<CopiedRows>,
    /// How many blobs this run carried.
    pub blobs_carried: u64,
    /// How many blobs earlier runs had carried.
    pub blobs_found: u64,
    /// How many bytes this run carried.
    pub bytes_carried: u64,
}

/// Carries an installation on SQLite over to one on PostgreSQL and another store: every record with its
/// id, number and key, and all bytes, each blob checked against its size and digest on the way.
///
/// The source must not be served meanwhile; it is not changed, and nobody else can change it. The
/// target must be migrated, and be empty or hold a part of this very source: so a transfer that ended
/// before its end, however, goes on when it is called again. Only when it has answered `Ok` is the
/// target to be served, with the signing keys of the source: the options' own are not looked at.
///
/// # Cancellation
///
/// Dropping the future is safe at any point; so is the end of the process.
///
/// # Errors
///
/// [`TransferError`]. With [`TransferError::Damaged`] everything else was carried as far as it can be.
pub async fn transfer(
    source: &InstallationOptions,
    target: &InstallationOptions,
    observer: TransferObserver,
) -> Result<TransferReport, TransferError> {
    let places = Places::of(source, target)?;
    // First of all, as a local store has the lock that a server holds.
    let from = open_store(source).await;
    let from = from.map_err(TransferError::OpenSource)?;
    let transfer = DataMigration::open(places.sqlite, places.postgres).await?;
    let done = async {
        let (blobs, bytes) = transfer.check().await?;
        let to = open_store(target).await;
        let to = to.map_err(TransferError::OpenTarget)?;
        to.health().await.map_err(TransferError::TargetStore)?;
        observer(TransferEvent::Begun { blobs, bytes });
        transfer.begin().await?;
        let stores = Stores {
            from: from.as_ref(),
            to: to.as_ref(),
        };
        let mut report = blobs::carry_all(&transfer, stores, &observer).await?;
        let rows_done = |table, rows| observer(TransferEvent::RowsDone { table, rows });
        report.tables = transfer.finish(&rows_done).await?;
        Ok(report)
    };
    let done = done.await;
    transfer.close().await;
    done
}
