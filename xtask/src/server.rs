//! The server `attached`, started for a task on a fresh directory.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::test;
use crate::workspace::{self, Workspace};

/// A running server. Its process ends, and its directory goes, with this value.
pub(crate) struct Server {
    process: Child,
    directory: tempfile::TempDir,
    pub(crate) url: String,
    /// The API key that its first start prints.
    pub(crate) key: String,
}

/// Builds the server, the same as the tests build it.
///
/// # Errors
/// If it does not compile.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    // Any test among the targets: without one, cargo would leave out the features of development dependencies,
    // and compile most dependencies a second time.
    let mut build = workspace.cargo(["build", "--workspace", "--bin", "attached"]);
    build
        .args(["--test", "acceptance"])
        .args(test::ALL_BACKENDS);
    workspace::run(&mut build).context("cannot build the server")?;
    Ok(workspace.built("attached"))
}

impl Server {
    /// Starts a server with these dialects on a free port.
    ///
    /// # Errors
    /// If it ends before it listens.
    pub(crate) fn start(program: &Path, dialects: &str) -> Result<Self> {
        let directory = tempfile::tempdir().context("a directory")?;
        let mut process = Command::new(program)
            .args(["--listen", "127.0.0.1:0", "--dialects", dialects])
            .args(["--log", "error", "--data-dir"])
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut output = BufReader::new(process.stdout.take().context("a pipe")?).lines();
        let mut next = |read: fn(&str) -> Option<&str>| {
            let mut lines = output.by_ref().map_while(Result::ok);
            lines.find_map(|line| read(&line).map(str::to_owned))
        };
        let key = next(|line| Some(line.trim()).filter(|line| line.starts_with("att_")));
        let url = next(|line| line.strip_prefix("attached listening on "));
        Ok(Self {
            directory,
            key: key.context("the server prints no key")?,
            url: url.context("the server does not listen")?,
            process,
        })
    }

    /// Writes the OpenAPI document to a file and returns its path.
    ///
    /// # Errors
    /// If curl cannot fetch it.
    pub(crate) fn document(&self) -> Result<PathBuf> {
        let path = self.directory.path().join("openapi.json");
        let mut fetch = Command::new("curl");
        fetch.args(["--silent", "--show-error", "--fail", "--output"]);
        fetch.arg(&path).arg(format!("{}/openapi.json", self.url));
        workspace::run(&mut fetch)?;
        Ok(path)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its files are temporary: nothing depends on how it ends.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
