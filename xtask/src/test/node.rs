//! Node.js, which runs the JavaScript that published pages print: found, or installed.

use std::process::Command;

use anyhow::{Result, bail};

use super::apt;

/// The first version that has `fetch` and `Blob` built in.
const OLDEST: u32 = 18;

const REMEDY: &str = "install version 18 or later, on Debian: apt-get install -y \
    --no-install-recommends nodejs; or have `node` on the PATH";

/// Makes sure that there is a Node.js that can run what the pages print.
///
/// # Errors
/// When there is none, or only an older one, and none can be installed; the message has the remedy.
pub(super) fn require() -> Result<()> {
    if is_there() {
        return Ok(());
    }
    println!("note: installing Node.js, which runs what published pages print");
    let installed = apt::install("nodejs");
    if is_there() {
        return Ok(());
    }
    match installed {
        Ok(()) => bail!("there is no Node.js from version {OLDEST} on: {REMEDY}"),
        Err(error) => Err(error.context(format!("Node.js cannot be installed: {REMEDY}"))),
    }
}

fn is_there() -> bool {
    let told = Command::new("node").arg("--version").output();
    told.is_ok_and(|told| is_new_enough(&String::from_utf8_lossy(&told.stdout)))
}

/// Reads what it says of itself, such as `v20.20.2`.
fn is_new_enough(version: &str) -> bool {
    let numbers = version.trim().strip_prefix('v').unwrap_or_default();
    let major = numbers.split('.').next().and_then(|it| it.parse().ok());
    major.is_some_and(|major: u32| major >= OLDEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for new in ["v18.0.0\n", "v20.20.2", "v100.1.0"] {
            assert!(is_new_enough(new), "{new}");
        }
        for old in ["", "v", "v16.20.2", "v9.0.0", "20.0.0", "node"] {
            assert!(!is_new_enough(old), "{old}");
        }
    }
}
