//! `cargo xtask browsers`: links, frames, scripts and uploads in a real Chromium, which Playwright drives.
//! The tests are in `tests/browsers/`.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::interpreters::Node;
use crate::server;
use crate::test::apt;
use crate::workspace::{self, Workspace};

/// Names another browser than the `chromium` on the path.
const BROWSER: &str = "ATTACHE_CHROMIUM";

/// The time limit of a file of tests, in milliseconds: a hanging page ends as a failed test.
const TEST_TIMEOUT_MS: &str = "300000";

/// Runs all tests, with the packages that the lock file names.
///
/// # Errors
/// If a program is missing and cannot be installed, or if a test fails.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let alternative = format!("name a Chromium in {BROWSER}");
    apt::require("Chromium", "chromium", || browser().is_some(), &alternative)?;
    let node = Node::require(workspace)?;
    let browser = browser().context("Chromium disappeared")?;
    let program = server::build(workspace)?;

    let folder = workspace.root().join("tests/browsers");
    let mut install = node.command("npm")?;
    install
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder);
    workspace::run(&mut install).context("the packages of tests/browsers cannot be installed")?;
    let mut tests = node.command("node")?;
    tests
        .args(["--test", "--test-reporter=spec"])
        .args(["--test-timeout", TEST_TIMEOUT_MS])
        .current_dir(&folder)
        .env("ATTACHE_BIN", program)
        .env(BROWSER, browser);
    workspace::run(&mut tests)
}

/// Returns the browser to use, if there is one.
fn browser() -> Option<PathBuf> {
    match std::env::var_os(BROWSER) {
        Some(named) => Some(PathBuf::from(named)),
        None => find("chromium"),
    }
}

/// Returns the path of a program on the PATH.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut candidates = std::env::split_paths(&path).map(|directory| directory.join(program));
    candidates.find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_program_is_not_found() {
        assert_eq!(find("attache-no-such-program"), None);
        assert!(find("sh").is_some_and(|shell| shell.is_absolute()));
    }
}
