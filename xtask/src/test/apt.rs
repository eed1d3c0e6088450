//! Installing what the tests need, where the system is a Debian.

use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace;

/// Installs a package and what it cannot do without.
///
/// # Errors
/// When it cannot be installed: no `apt-get`, no network, no permission.
pub(super) fn install(package: &str) -> Result<()> {
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
