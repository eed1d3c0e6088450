//! Connections with the settings that the guarantees rest on, set and read back.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection};

use super::failure::Failure;

/// How long a statement waits for another process that holds the lock.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Settings that every connection must be found with, as SQLite answers them.
const EVERYWHERE: [(&str, &str); 6] = [
    ("journal_mode", "wal"),
    ("synchronous", "2"),
    ("foreign_keys", "1"),
    ("busy_timeout", "5000"),
    ("trusted_schema", "0"),
    ("wal_autocheckpoint", "0"),
];

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(256)
        .foreign_keys(true)
        .pragma("synchronous", "FULL")
        .pragma("trusted_schema", "OFF")
        .pragma("wal_autocheckpoint", "0")
        .disable_statement_logging()
}

/// For a connection that writes. The journal mode is not among the settings: it is kept by the file,
/// and changing it is for the migration alone.
pub(crate) fn writer_options(path: &Path) -> SqliteConnectOptions {
    options(path)
}

/// For a connection that only reads.
pub(crate) fn reader_options(path: &Path) -> SqliteConnectOptions {
    options(path).read_only(true).pragma("query_only", "ON")
}

/// Opens a connection that writes, and checks it.
pub(crate) async fn connect_writer(path: &Path) -> Result<SqliteConnection, Failure> {
    let mut connection = writer_unverified(path).await?;
    verify(&mut connection).await?;
    Ok(connection)
}

/// Opens a connection that writes, on a file that may not be a database of ours.
pub(crate) async fn writer_unverified(path: &Path) -> Result<SqliteConnection, Failure> {
    Ok(writer_options(path).connect().await?)
}

/// Reads the settings of a connection back.
pub(crate) async fn verify(connection: &mut SqliteConnection) -> Result<(), Failure> {
    for (name, expected) in EVERYWHERE {
        let found = setting(connection, name).await?;
        if found != expected {
            return Err(Failure::Setting { name, found });
        }
    }
    Ok(())
}

/// Asks for a setting; numbers come as text.
async fn setting(connection: &mut SqliteConnection, name: &str) -> Result<String, sqlx::Error> {
    let sql = sqlx::AssertSqlSafe(format!("PRAGMA {name}"));
    let row = sqlx::query(sql).fetch_one(connection).await?;
    row.try_get_unchecked(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteRepository;

    #[tokio::test]
    async fn commits_are_synchronous_and_foreign_keys_kept_on_every_connection() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("attache.db");
        SqliteRepository::migrate(&path).await.unwrap();
        let writer = connect_writer(&path).await.unwrap();
        let reader = reader_options(&path).connect().await.unwrap();
        for mut connection in [writer, reader] {
            for (name, expected) in EVERYWHERE {
                let found = setting(&mut connection, name).await.unwrap();
                assert_eq!(found, expected, "{name}");
            }
            // A setting that is not as it must be is found.
            for wrong in ["synchronous = NORMAL", "foreign_keys = OFF"] {
                let sql = sqlx::AssertSqlSafe(format!("PRAGMA {wrong}"));
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                let refused = verify(&mut connection).await;
                assert!(matches!(refused, Err(Failure::Setting { .. })), "{wrong}");
            }
        }
    }
}
