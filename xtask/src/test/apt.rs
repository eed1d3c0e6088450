//! Programs that the tests need: found, or installed where the system is a Debian.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Makes sure that `what` is there, by installing `package` where it is not.
///
/// # Errors
/// When it is not there and cannot be installed. The message has the remedy: the package, or what
/// `otherwise` says.
pub(super) fn require(
    what: &str,
    package: &str,
    is_there: impl Fn() -> bool,
    otherwise: &str,
) -> Result<()> {
    if is_there() {
        return Ok(());
    }
    println!("note: installing {what}, which the tests need");
    let installed = install(package);
    if is_there() {
        return Ok(());
    }
    let remedy = format!(
        "on Debian: apt-get install -y --no-install-recommends {package}; elsewhere {otherwise}"
    );
    match installed {
        Ok(()) => bail!("{what} is not found, though {package} is installed: {remedy}"),
        Err(error) => Err(error.context(format!("{what} cannot be installed: {remedy}"))),
    }
}

/// What a program says of its version; `None` where there is none that can be run.
pub(super) fn version(program: &str) -> Option<String> {
    let told = Command::new(program).arg("--version").output().ok()?;
    let told = told.status.success().then_some(told.stdout)?;
    Some(String::from_utf8_lossy(&told).into_owned())
}

/// Installs a package and what it cannot do without.
fn install(package: &str) -> Result<()> {
    apt_get(&["update"]).context("apt-get update")?;
    apt_get(&["install", "-y", "--no-install-recommends", package]).context("apt-get install")
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(arguments);
    workspace::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_program_that_is_not_there_has_no_version() {
        assert_eq!(version("attache-no-such-program"), None);
        assert!(version("rustc").is_some_and(|told| told.starts_with("rustc ")));
    }
}
