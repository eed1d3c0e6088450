//! The write-ahead log: kept short by the writer between groups, so that no reader or writer of a
//! request ever pays for a checkpoint.

use sqlx::{Row as _, SqliteConnection};

/// Pages in the log that are not in the file yet, above which they are copied: 4 MiB.
const COPY_ABOVE_PAGES: i64 = 1024;

/// Length of the log in pages above which the writer waits for readers to let it begin anew: 64 MiB.
const TRUNCATE_ABOVE_PAGES: i64 = 16_384;

/// Copies what has gathered in the log into the file, if it is much.
pub(super) async fn keep_short(connection: &mut SqliteConnection) {
    let mode = match log_length(connection).await {
        Ok((pages, _)) if pages > TRUNCATE_ABOVE_PAGES => "PRAGMA wal_checkpoint(TRUNCATE)",
        Ok((pages, copied)) if pages - copied > COPY_ABOVE_PAGES => {
            "PRAGMA wal_checkpoint(PASSIVE)"
        }
        Ok(_) => return,
        Err(error) => return warn(&error),
    };
    checkpoint(connection, mode).await;
}

/// Copies the whole log and truncates it.
pub(super) async fn empty(connection: &mut SqliteConnection) {
    checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)").await;
}

/// The pages in the log, and how many of them have been copied.
async fn log_length(connection: &mut SqliteConnection) -> Result<(i64, i64), sqlx::Error> {
    let sql = "PRAGMA wal_checkpoint(NOOP)";
    let row = sqlx::query(sql).fetch_one(connection).await?;
    Ok((row.try_get(1)?, row.try_get(2)?))
}

async fn checkpoint(connection: &mut SqliteConnection, sql: &'static str) {
    if let Err(error) = sqlx::query(sql).fetch_one(connection).await {
        warn(&error);
    }
}

/// Nothing is lost while the log cannot be copied: it only grows, and the next group tries again.
fn warn(error: &sqlx::Error) {
    tracing::warn!(%error, "the write-ahead log could not be copied into the database");
}
