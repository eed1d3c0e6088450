//! The write-ahead log: kept short by the writer between groups, so that no reader or writer of a
//! request ever pays for a checkpoint.

use rusqlite::Connection;

/// Pages in the log that are not in the file yet, above which they are copied: 16 MiB. A page that changes often is
/// copied once for many changes.
const COPY_ABOVE_PAGES: i64 = 4096;

/// Length of the log in pages above which the writer waits for readers to let it begin again: 64 MiB.
const TRUNCATE_ABOVE_PAGES: i64 = 16_384;

/// Copies what has gathered in the log into the file, if it is much.
pub(super) fn keep_short(connection: &Connection) {
    let mode = match log_length(connection) {
        Ok((pages, _)) if pages > TRUNCATE_ABOVE_PAGES => "PRAGMA wal_checkpoint(TRUNCATE)",
        Ok((pages, copied)) if pages - copied > COPY_ABOVE_PAGES => {
            "PRAGMA wal_checkpoint(PASSIVE)"
        }
        Ok(_) => return,
        Err(error) => return warn(&error),
    };
    checkpoint(connection, mode);
}

/// Copies the whole log and truncates it.
pub(super) fn empty(connection: &Connection) {
    checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/// Returns the pages in the log, and the number of those that have been copied.
fn log_length(connection: &Connection) -> Result<(i64, i64), rusqlite::Error> {
    let sql = "PRAGMA wal_checkpoint(NOOP)";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_row([], |row| Ok((row.get(1)?, row.get(2)?)))
}

fn checkpoint(connection: &Connection, sql: &'static str) {
    if let Err(error) = connection.query_row(sql, [], |_| Ok(())) {
        warn(&error);
    }
}

/// Nothing is lost while the log cannot be copied: it only grows, and the next group tries again.
fn warn(error: &rusqlite::Error) {
    tracing::warn!(%error, "the write-ahead log could not be copied into the database");
}
