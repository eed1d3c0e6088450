//! Cargo's subcommands that the tasks need: found, or built from the registry.

use std::process::Stdio;

use anyhow::{Context, Result};

use crate::workspace::{self, Workspace};

/// A crate that adds a subcommand to cargo.
pub(crate) struct Tool {
    subcommand: &'static str,
    package: &'static str,
    /// The version to build; an installed one may be any.
    version: &'static str,
}

pub(crate) const DENY: Tool = Tool {
    subcommand: "deny",
    package: "cargo-deny",
    version: "0.20.2",
};

pub(crate) const FUZZ: Tool = Tool {
    subcommand: "fuzz",
    package: "cargo-fuzz",
    version: "0.13.2",
};

pub(crate) const NEXTEST: Tool = Tool {
    subcommand: "nextest",
    package: "cargo-nextest",
    version: "0.9.143",
};

impl Tool {
    /// Builds the tool unless it is installed. Unoptimised: it runs for seconds, and an optimised build
    /// would take three times as long.
    ///
    /// # Errors
    /// If it cannot be built.
    pub(crate) fn require(&self, workspace: &Workspace) -> Result<()> {
        let probe = workspace
            .cargo([self.subcommand, "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .context("cannot start cargo")?;
        if probe.success() {
            return Ok(());
        }
        println!("note: building {}", self.package);
        let mut install = workspace.cargo(["install", "--quiet", "--locked", "--debug"]);
        install.args(["--config", "profile.dev.debug=false"]).args([
            self.package,
            "--version",
            self.version,
        ]);
        workspace::run(&mut install).with_context(|| format!("cannot install {}", self.package))
    }
}
