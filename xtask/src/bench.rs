//! `cargo xtask bench`: measurements of the release build of the server.

mod client;
mod memory;
mod pattern;
mod server;

use anyhow::Result;

use crate::workspace::Workspace;

/// What to measure.
#[derive(clap::Subcommand)]
pub(crate) enum Measurement {
    /// Peak memory of the server during one large upload and one large download
    Memory(memory::Options),
}

/// # Errors
/// When the measurement cannot be taken, or its bound is exceeded.
pub(crate) fn run(workspace: &Workspace, measurement: &Measurement) -> Result<()> {
    match measurement {
        Measurement::Memory(options) => memory::run(workspace, options),
    }
}
