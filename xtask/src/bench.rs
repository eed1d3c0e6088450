//! `cargo xtask bench`: measurements of release builds.

mod client;
mod lists;
mod memory;
mod pattern;
mod server;

use anyhow::Result;

use crate::workspace::Workspace;

/// What to measure.
#[derive(clap::Subcommand)]
pub(crate) enum Measurement {
    /// Lists, lookups and claims among ten thousand and a million records on PostgreSQL
    Lists(lists::Options),
    /// Peak memory of the server during one large upload and one large download
    Memory(memory::Options),
}

/// # Errors
/// When the measurement cannot be taken, or its bound is exceeded.
pub(crate) fn run(workspace: &Workspace, measurement: &Measurement) -> Result<()> {
    match measurement {
        Measurement::Lists(options) => lists::run(workspace, options),
        Measurement::Memory(options) => memory::run(workspace, options),
    }
}
