//! The PostgreSQL server that all tests of a run share.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Tells the tests the directory of the server.
pub(super) const VARIABLE: &str = "ATTACHE_TEST_POSTGRES";

/// A server that ends with this value, or with the process.
pub(super) struct Server {
    process: Child,
    directory: String,
}

impl Server {
    /// Starts a server with a program that prints its directory, and stops it at the end of its input.
    pub(super) fn start(program: &Path) -> Result<Self> {
        let mut process = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = process.stdout.take().context("a pipe")?;
        let mut directory = String::new();
        BufReader::new(stdout).read_line(&mut directory)?;
        let directory = directory.trim_end().to_owned();
        ensure!(!directory.is_empty(), "PostgreSQL does not start");
        Ok(Self { process, directory })
    }

    pub(super) fn directory(&self) -> &str {
        &self.directory
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // Its files are temporary: nothing depends on how it ends.
        drop(self.process.wait());
    }
}
