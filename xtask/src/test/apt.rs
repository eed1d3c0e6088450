//! Debian packages.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Makes sure that a program is there, by installing `package` if it is not.
///
/// # Errors
/// If it is not there and cannot be installed. The message has the remedy: the package, or
/// `alternative`.
pub(crate) fn require(
    program: &str,
    package: &str,
    is_there: impl Fn() -> bool,
    alternative: &str,
) -> Result<()> {
    if is_there() {
        return Ok(());
    }
    println!("note: installing {program}, which the tests need");
    let installed = install(package);
    if is_there() {
        return Ok(());
    }
    let remedy = format!(
        "on Debian: apt-get install -y --no-install-recommends {package}; elsewhere {alternative}"
    );
    match installed {
        Ok(()) => bail!("{program} is not found, though {package} is installed: {remedy}"),
        Err(error) => Err(error.context(format!("{program} cannot be installed: {remedy}"))),
    }
}

/// Installs a package and its dependencies.
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
