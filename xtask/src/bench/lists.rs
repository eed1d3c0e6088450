//! What lists, lookups and claims cost in a small and in a large database on PostgreSQL. The measuring
//! itself is a benchmark of the crate that knows SQL.

use anyhow::{Context, Result};

use crate::workspace::{self, Workspace};

/// How much to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Records of the large database; the small one has ten thousand
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    records: u64,
    /// How often each call is timed
    #[arg(long, default_value_t = 200)]
    rounds: u64,
}

/// Prints the median time of each call in both databases, their ratio, and the pages of the disk that
/// each asks for.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut command = workspace.cargo(["bench", "--package", "attache-metadata-sql"]);
    command
        .args(["--features", "postgres", "--bench", "lists", "--"])
        .args([options.records.to_string(), options.rounds.to_string()]);
    workspace::run(&mut command).context("cannot measure the lists")
}
