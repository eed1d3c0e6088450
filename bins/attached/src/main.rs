#![doc = include_str!("../README.md")]

mod commands;
mod config;
mod gauges;
mod logging;
mod metrics;
mod output;
mod progress;
mod reload;
mod server;
mod shutdown;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;

use crate::config::{Cli, Command};
use crate::logging::Log;

/// Returns memory to the system after a peak, and is faster than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The time limit of blocking file system calls after everything else has stopped.
const BLOCKING_TIMEOUT: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let cli = Cli::from_process();
    let installed = logging::install(&cli.log);
    for warning in &cli.warnings {
        tracing::warn!("{warning}");
    }
    let (command, data) = cli.into_command();
    let options = data
        .options(|name| std::env::var(name).ok())
        .unwrap_or_else(|problem| Cli::refuse(problem));
    match installed.and_then(|log| run(command, options, &log)) {
        Ok(code) => code,
        Err(error) => {
            // The messages of the chain contain no secrets and no names of stored files.
            eprintln!("attached: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    command: Command,
    options: attache::InstallationOptions,
    log: &Log,
) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot be started")?;
    let outcome = runtime.block_on(commands::run(command, options, log));
    runtime.shutdown_timeout(BLOCKING_TIMEOUT);
    outcome
}
