//! The programs that the tests start: found, or installed if the system is a Debian.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::apt;

/// The first version of Node.js with `fetch` and `Blob` built in.
const OLDEST_NODE: u32 = 18;

/// Makes sure that all programs are there.
///
/// # Errors
/// If one is missing and cannot be installed; the message has the remedy.
pub(super) fn require_all() -> Result<()> {
    apt::require(
        "PostgreSQL",
        "postgresql",
        has_postgres,
        "name the directory of `initdb` and `postgres` in PG_BIN",
    )?;
    // Runs the JavaScript that published pages print.
    let node = format!("Node.js from version {OLDEST_NODE} on");
    let has_node = || has_node(OLDEST_NODE);
    apt::require(&node, "nodejs", has_node, "put `node` on the PATH")?;
    // Runs the commands that published pages and our own documents print.
    let has_curl = || version("curl").is_some();
    apt::require("curl", "curl", has_curl, "put `curl` on the PATH")
}

/// Returns what a program prints for `--version`; `None` if there is none that can be run.
pub(crate) fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let stdout = output.status.success().then_some(output.stdout)?;
    Some(String::from_utf8_lossy(&stdout).into_owned())
}

/// Returns `true` if there is a Node.js of this major version or a later one.
pub(crate) fn has_node(oldest: u32) -> bool {
    version("node").is_some_and(|version| is_new_enough(&version, oldest))
}

/// Reads a version of Node.js such as `v20.20.2`.
fn is_new_enough(version: &str, oldest: u32) -> bool {
    let numbers = version.trim().strip_prefix('v').unwrap_or_default();
    let major = numbers.split('.').next().and_then(|it| it.parse().ok());
    major.is_some_and(|major: u32| major >= oldest)
}

fn has_postgres() -> bool {
    let named = std::env::var_os("PG_BIN").map(PathBuf::from);
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let debian = debian.flatten().map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut directories = named.into_iter().chain(debian).chain(path);
    directories.any(|directory| has_server(&directory))
}

fn has_server(directory: &Path) -> bool {
    let programs = ["initdb", "postgres", "createdb"];
    programs.iter().all(|it| directory.join(it).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_program_has_no_version() {
        assert_eq!(version("attache-no-such-program"), None);
        assert!(version("rustc").is_some_and(|version| version.starts_with("rustc ")));
    }

    #[test]
    fn node_versions_compare_as_numbers() {
        for new in ["v18.0.0\n", "v20.20.2", "v100.1.0"] {
            assert!(is_new_enough(new, 18), "{new}");
        }
        for old in ["", "v", "v16.20.2", "v9.0.0", "20.0.0", "node"] {
            assert!(!is_new_enough(old, 18), "{old}");
        }
    }

    #[test]
    fn postgres_needs_all_programs_in_one_directory() {
        let directory = tempfile::tempdir().expect("a directory");
        for program in ["initdb", "postgres", "createdb"] {
            assert!(!has_server(directory.path()));
            std::fs::write(directory.path().join(program), "").expect("a file");
        }
        assert!(has_server(directory.path()));
    }
}
