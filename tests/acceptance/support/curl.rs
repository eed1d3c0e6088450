//! Runs the curl commands that a published page prints, as it prints them.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::run;

/// A reader of a page, at a shell in a directory of their own.
#[derive(Debug)]
pub(crate) struct Page {
    folder: TempDir,
    /// What the reader puts in the place of what the page has.
    replaced: Vec<(String, String)>,
}

/// What curl printed.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Page {
    /// `replaced`: the page's host, key, ids and paths, each with what stands in its place.
    pub(crate) fn new(replaced: &[(&str, &str)]) -> Self {
        let own = |(from, to): &(&str, &str)| ((*from).to_owned(), (*to).to_owned());
        Self {
            folder: TempDir::with_prefix("attache-page-").unwrap(),
            replaced: replaced.iter().map(own).collect(),
        }
    }

    /// Replaces one more text from here on.
    pub(crate) fn replace(&mut self, from: &str, to: &str) {
        self.replaced.push((from.to_owned(), to.to_owned()));
    }

    /// Writes a file into the reader's directory.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs a command, which must be one of curl's. Nothing is replaced in it but what was said, and
    /// nothing is added but how it prints.
    #[track_caller]
    pub(crate) fn curl(&self, command: &str) -> Printed {
        let mut command = command.trim().to_owned();
        assert!(command.starts_with("curl "), "{command}");
        for (from, to) in &self.replaced {
            command = command.replace(from, to);
        }
        command += " --silent --show-error --write-out '%{stderr}%{http_code}'";
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).current_dir(self.folder.path());
        let output = run(&mut shell);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{command}\n{told}");
        Printed {
            status: told.parse().unwrap_or_else(|_| panic!("{command}\n{told}")),
            text: String::from_utf8(output.stdout).unwrap(),
        }
    }

    /// The content of a file that a command wrote.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }
}

impl Printed {
    /// The JSON, where the status is as expected.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}
