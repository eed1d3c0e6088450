//! Runs the curl commands of a published page as the page prints them.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::run;

/// A reader of a page, at a shell in a directory of their own.
#[derive(Debug)]
pub(crate) struct PageReader {
    folder: TempDir,
    /// Each text of the page that is replaced, with its replacement.
    replacements: Vec<(String, String)>,
}

/// The status and body that curl received.
#[derive(Debug)]
pub(crate) struct CurlOutput {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl PageReader {
    /// `replacements` has the page's host, key, ids and paths, each with its replacement.
    pub(crate) fn new(replacements: &[(&str, &str)]) -> Self {
        let own = |(from, to): &(&str, &str)| ((*from).to_owned(), (*to).to_owned());
        Self {
            folder: TempDir::with_prefix("attache-page-").unwrap(),
            replacements: replacements.iter().map(own).collect(),
        }
    }

    /// Replaces one more text from here on.
    pub(crate) fn replace(&mut self, from: &str, to: &str) {
        self.replacements.push((from.to_owned(), to.to_owned()));
    }

    /// Writes a file into the reader's directory.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs a curl command after the replacements, and adds only how it prints.
    #[track_caller]
    pub(crate) fn curl(&self, command: &str) -> CurlOutput {
        let mut command = command.trim().to_owned();
        assert!(command.starts_with("curl "), "{command}");
        for (from, to) in &self.replacements {
            command = command.replace(from, to);
        }
        command += " --silent --show-error --write-out '%{stderr}%{http_code}'";
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).current_dir(self.folder.path());
        let output = run(&mut shell);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command}\n{stderr}");
        let status = stderr.parse();
        CurlOutput {
            status: status.unwrap_or_else(|_| panic!("{command}\n{stderr}")),
            text: String::from_utf8(output.stdout).unwrap(),
        }
    }

    /// Reads a file that a command wrote.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }
}

impl CurlOutput {
    /// Returns the JSON; fails unless the status is this one.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}
