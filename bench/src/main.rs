//! Measurements of the release build of `attached`, each beside a yardstick in the same run.
//!
//! `cargo xtask bench` builds the server and starts this program.

mod client;
mod memory;
mod pattern;
mod server;
mod statistics;
mod uploads;
mod yardstick;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measurements of the release build of `attached`.
#[derive(Parser)]
struct Cli {
    /// Folder for data, on the disk to measure
    #[arg(long)]
    scratch: PathBuf,
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Subcommand)]
enum Measurement {
    /// Peak memory of the server during one large upload and one large download
    Memory(memory::Options),
    /// Durable small uploads by 8, 64 and 256 clients, against a serial loop
    Uploads(uploads::Options),
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    // One thread: the generator leaves the other core to the server.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match &cli.measurement {
        Measurement::Memory(options) => runtime.block_on(memory::run(&cli.scratch, options)),
        Measurement::Uploads(options) => runtime.block_on(uploads::run(&cli.scratch, options)),
    }
}
