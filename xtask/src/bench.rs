//! `cargo xtask bench`: measurements of release builds. The measuring itself is done by the package
//! `attache-bench`, and for SQL alone by benchmarks of the crate that knows SQL.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace::{self, Workspace};

/// A measurement.
#[derive(clap::Subcommand)]
pub(crate) enum Measurement {
    /// Lists, lookups and claims among ten thousand and a million records on PostgreSQL
    Lists(ListOptions),
    /// Peak memory of the server during one large upload and one large download
    Memory(ServiceOptions),
    /// Durable small uploads by 8, 64 and 256 clients, against a serial loop
    Uploads(ServiceOptions),
}

/// The size of the measurement of lists.
#[derive(clap::Args)]
pub(crate) struct ListOptions {
    /// Records of the large database; the small one has ten thousand
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..))]
    records: u64,
    /// Timed calls of each kind
    #[arg(long, default_value_t = 200)]
    rounds: u64,
}

/// Options of a measurement over HTTP.
#[derive(clap::Args)]
pub(crate) struct ServiceOptions {
    /// Passed on; `-- --help` lists what there is, such as `--server before=PATH` to compare builds
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Builds what is measured and measures it.
///
/// # Errors
/// If the measurement cannot be taken, or its bound is exceeded.
pub(crate) fn run(workspace: &Workspace, measurement: &Measurement) -> Result<()> {
    match measurement {
        Measurement::Lists(options) => lists(workspace, options),
        Measurement::Memory(options) => {
            let server = build_server(workspace)?;
            let server = format!("--server={}", server.display());
            service(workspace, "memory", &server, options)
        }
        Measurement::Uploads(options) => {
            let server = build_server(workspace)?;
            let server = format!("--server=this={}", server.display());
            service(workspace, "uploads", &server, options)
        }
    }
}

/// Prints the median time of each call in both databases, their ratio, and the pages that each reads.
fn lists(workspace: &Workspace, options: &ListOptions) -> Result<()> {
    let mut command = workspace.cargo(["bench", "--package", "attache-metadata-sql"]);
    command
        .args(["--features", "postgres", "--bench", "lists", "--"])
        .args([options.records.to_string(), options.rounds.to_string()]);
    workspace::run(&mut command).context("cannot measure the lists")
}

fn build_server(workspace: &Workspace) -> Result<PathBuf> {
    let build = ["build", "--release", "--package", "attached"];
    workspace::run(&mut workspace.cargo(build)).context("cannot build the server")?;
    Ok(workspace.target_directory().join("release/attached"))
}

fn service(
    workspace: &Workspace,
    measurement: &str,
    server: &str,
    options: &ServiceOptions,
) -> Result<()> {
    let mut command = workspace.cargo(["run", "--quiet", "--release", "--package"]);
    command
        .args(["attache-bench", "--", "--scratch"])
        // On the disk of the build: `/tmp` is memory on some machines.
        .arg(workspace.target_directory())
        .args([measurement, server])
        .args(&options.arguments);
    workspace::run(&mut command).with_context(|| format!("cannot measure {measurement}"))
}
