//! Connections with the settings that the guarantees rest on, set and read back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use attache_model::Clock;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use crate::failure::Failure;

/// The longest time that a statement waits for another process that holds the lock.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The prepared statements that a connection keeps.
const STATEMENTS: usize = 256;

const SETTINGS: &str = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
    PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;";

/// The settings of a connection that writes. A page is written to the log once, by the commit of its
/// group, and not before because memory was short: a group changes few megabytes at most.
const WRITER_SETTINGS: &str = "PRAGMA cache_spill = OFF; PRAGMA cache_size = -16384;";

const READER_SETTINGS: &str = "PRAGMA query_only = ON; PRAGMA cache_size = -8192;";

/// The settings that every connection must be found with, as SQLite reports them. The journal mode is
/// kept by the file, and changing it is for the migration alone. Temporary files, among them the
/// journals of savepoints, stay in memory.
const EVERYWHERE: [(&str, &str); 7] = [
    ("journal_mode", "wal"),
    ("synchronous", "2"),
    ("foreign_keys", "1"),
    ("busy_timeout", "5000"),
    ("trusted_schema", "0"),
    ("wal_autocheckpoint", "0"),
    ("temp_store", "2"),
];

/// Opens a connection that writes, on a file that may be no database of this program's.
pub(crate) fn open_unverified(path: &Path) -> Result<Connection, Failure> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch(WRITER_SETTINGS)?;
    Ok(connection)
}

/// Opens a connection that writes, and checks it.
pub(super) fn open_writer(path: &Path, clock: &Arc<dyn Clock>) -> Result<Connection, Failure> {
    let connection = open_unverified(path)?;
    verify(&connection)?;
    add_clock(&connection, clock)?;
    Ok(connection)
}

/// Opens a connection that only reads, and checks it.
pub(super) fn open_reader(path: &Path, clock: &Arc<dyn Clock>) -> Result<Connection, Failure> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch(READER_SETTINGS)?;
    verify(&connection)?;
    add_clock(&connection, clock)?;
    Ok(connection)
}

fn open(path: &Path, access: OpenFlags) -> Result<Connection, Failure> {
    // One thread at a time has it.
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(SETTINGS)?;
    Ok(connection)
}

/// Gives SQL the clock of leases and the reaper.
fn add_clock(connection: &Connection, clock: &Arc<dyn Clock>) -> Result<(), Failure> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    // The first is called once a statement, so that an index can be searched with it.
    for (name, flags) in [
        ("database_now", flags | FunctionFlags::SQLITE_DETERMINISTIC),
        ("database_clock", flags),
    ] {
        let clock = Arc::clone(clock);
        connection.create_scalar_function(name, 0, flags, move |_| Ok(clock.now().as_millis()))?;
    }
    Ok(())
}

/// Reads the settings of a connection back.
pub(crate) fn verify(connection: &Connection) -> Result<(), Failure> {
    for (name, expected) in EVERYWHERE {
        let found = setting(connection, name)?;
        if found != expected {
            return Err(Failure::Setting { name, found });
        }
    }
    Ok(())
}

/// Returns a setting as text.
fn setting(connection: &Connection, name: &str) -> Result<String, rusqlite::Error> {
    connection.pragma_query_value(None, name, |row| {
        Ok(match row.get(0)? {
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text,
            other => format!("{other:?}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use attache_model::SystemClock;

    use super::*;
    use crate::SqliteRepository;

    #[tokio::test]
    async fn settings_hold_on_every_connection() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("attache.db");
        SqliteRepository::migrate(&path).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let writer = open_writer(&path, &clock).unwrap();
        let reader = open_reader(&path, &clock).unwrap();
        for connection in [writer, reader] {
            for (name, expected) in EVERYWHERE {
                assert_eq!(setting(&connection, name).unwrap(), expected, "{name}");
            }
            // A setting that is not as it must be is found.
            for wrong in ["synchronous = NORMAL", "foreign_keys = OFF"] {
                connection
                    .execute_batch(&format!("PRAGMA {wrong}"))
                    .unwrap();
                let refused = verify(&connection);
                assert!(matches!(refused, Err(Failure::Setting { .. })), "{wrong}");
            }
        }
    }
}
