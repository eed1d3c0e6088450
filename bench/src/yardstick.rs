//! The yardstick of durable uploads: one thread that does what any durable file service must do.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use rusqlite::Connection;

/// A loop of file sync, rename, directory sync and a SQLite commit with `synchronous=FULL`.
pub(crate) struct SerialLoop {
    folder: PathBuf,
    database: Connection,
    next_number: u64,
}

impl SerialLoop {
    /// Prepares the folder and the database.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        let files = folder.join("files");
        fs::create_dir(&files)?;
        let database = Connection::open(folder.join("yardstick.db"))?;
        database.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE files (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        )?;
        Ok(Self {
            folder: files,
            database,
            next_number: 0,
        })
    }

    /// Stores files one after another for a while and returns how many it stored per second.
    pub(crate) fn run(&mut self, content: &[u8], time: Duration) -> Result<f64> {
        let started = Instant::now();
        let mut stored = 0_u32;
        while started.elapsed() < time {
            self.store(content)?;
            stored += 1;
        }
        Ok(f64::from(stored) / started.elapsed().as_secs_f64())
    }

    fn store(&mut self, content: &[u8]) -> Result<()> {
        let name = self.next_number.to_string();
        self.next_number += 1;
        let temporary = self.folder.join(".temporary");
        let mut file = File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, self.folder.join(&name))?;
        File::open(&self.folder)?.sync_all()?;
        self.database
            .prepare_cached("INSERT INTO files (name) VALUES (?1)")?
            .execute([name])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_loop_stores_files_and_rows() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let mut serial = SerialLoop::new(folder.path())?;
        serial.store(b"one")?;
        serial.store(b"two")?;
        assert_eq!(fs::read(folder.path().join("files/1"))?, b"two");
        let rows: i64 = serial
            .database
            .query_row("SELECT count(*) FROM files", [], |row| row.get(0))?;
        assert_eq!(rows, 2);
        Ok(())
    }
}
