//! `cargo xtask`: the tasks of this workspace that need more than one cargo command.

mod bench;
mod browsers;
mod ci;
mod clients;
mod conformance;
mod document;
mod guard;
mod interpreters;
mod nightly;
mod server;
mod steps;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// The tasks of the attache workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test of the workspace; the last line is `N passed, N failed`
    Test(test::Options),
    /// Run the whole gate: format, lints, architecture, licences, documentation, tests
    Ci(ci::Options),
    /// Run the long checks: more features, all stories on all backends, many repetitions
    Nightly,
    /// Check the layering rules that the compiler does not know
    Guard,
    /// Measure release builds
    #[command(subcommand)]
    Bench(bench::Measurement),
    /// Run the tests in a real browser
    Browsers,
    /// Lint the OpenAPI document with tools of others
    Lint,
    /// Send requests made from the OpenAPI document, and check the responses
    Requests,
    /// Make clients of the OpenAPI document with generators, and try each on a server
    Clients(clients::Options),
    /// Run the public suites on your servers
    Conformance(conformance::Options),
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    match &cli.task {
        Task::Test(options) => {
            let summary = test::run(&workspace, options)?;
            summary.print();
            return Ok(if summary.is_success() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Task::Ci(options) => ci::run(&workspace, options)?,
        Task::Nightly => nightly::run(&workspace)?,
        Task::Guard => guard::run(&workspace)?,
        Task::Bench(measurement) => bench::run(&workspace, measurement)?,
        Task::Browsers => browsers::run(&workspace)?,
        Task::Lint => document::lint(&workspace)?,
        Task::Requests => document::try_requests(&workspace, &document::FEW)?,
        Task::Clients(options) => clients::run(&workspace, options)?,
        Task::Conformance(options) => conformance::run(&workspace, options)?,
    }
    Ok(ExitCode::SUCCESS)
}
