//! Data migration: copies an embedded installation to shared backends, its records to PostgreSQL and
//! its bytes to S3 or another directory.

mod blobs;
mod error;
mod progress;
mod validation;

pub use attache_metadata_sql::data_migration::CopiedRows;
pub use error::DataMigrationError;
pub use progress::{DataMigrationEvent, DataMigrationObserver, DataMigrationReport};

use attache_metadata_sql::data_migration::DataMigration;
use attache_service::{IdentityError, Marker, compare_halves};

use self::blobs::Stores;
use crate::installation::{InstallationOptions, OpenStore, open_store};

/// Copies an installation on SQLite to one on PostgreSQL and another store: every record with its id,
/// number and key, and all bytes, each blob verified against its size and digest on the way.
///
/// No server may use the source meanwhile. It is not changed, and is locked against changes by others.
/// The target must be migrated, and be empty or hold a part of this source: an interrupted migration
/// resumes when it is called again. Serve the target only after `Ok`, with the signing keys of the
/// source; the signing keys in the options are ignored.
///
/// # Cancellation
///
/// Dropping the future is safe at any point; so is the end of the process.
///
/// # Errors
///
/// [`DataMigrationError`]. With [`DataMigrationError::Damaged`], everything else was copied as far as
/// possible.
pub async fn migrate_data(
    source: &InstallationOptions,
    target: &InstallationOptions,
    observer: DataMigrationObserver,
) -> Result<DataMigrationReport, DataMigrationError> {
    let databases = validation::databases(source, target)?;
    // Before anything else: the locks that a server holds.
    let _locks = source.lock().map_err(DataMigrationError::OpenSource)?;
    let source_store = open_store(source).await;
    let source_store = source_store.map_err(DataMigrationError::OpenSource)?;
    let migration = DataMigration::open(databases.source, databases.target).await?;
    let outcome = async {
        require_own_store(&migration, &source_store).await?;
        let (blobs, bytes) = migration.check().await?;
        let target_store = open_store(target).await;
        let target_store = target_store.map_err(DataMigrationError::OpenTarget)?;
        let health = target_store.blobs.health().await;
        health.map_err(DataMigrationError::TargetStore)?;
        let paired = target.pair_target(&target_store).await;
        paired.map_err(DataMigrationError::OpenTarget)?;
        observer(DataMigrationEvent::Started { blobs, bytes });
        migration.begin().await?;
        let stores = Stores {
            source: source_store.blobs.as_ref(),
            target: target_store.blobs.as_ref(),
        };
        let mut report = blobs::copy_all(&migration, stores, &observer).await?;
        let rows_done = |table, rows| observer(DataMigrationEvent::RowsDone { table, rows });
        report.tables = migration.finish(&rows_done).await?;
        Ok(report)
    };
    let outcome = outcome.await;
    migration.close().await;
    outcome
}

/// Refuses a source whose bytes are another installation's.
async fn require_own_store(
    migration: &DataMigration,
    store: &OpenStore,
) -> Result<(), DataMigrationError> {
    let row = migration.source_installation().await?;
    let marker = store.marker.read_marker().await;
    let marker = marker.map_err(DataMigrationError::SourceStore)?;
    let marker = marker.map(|text| Marker::parse(&text)).transpose();
    let compared = marker.and_then(|marker| compare_halves(row.as_ref(), marker));
    let refused = |error: IdentityError| DataMigrationError::OpenSource(error.into());
    compared.map(drop).map_err(refused)
}
