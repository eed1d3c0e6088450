//! What each command does.

mod check;
mod key;
mod migrate;
mod serve;
mod tenant;

use std::process::ExitCode;

use attache::{EmbeddedDatabase, EmbeddedOptions};

use crate::config::Command;

/// Does what a command says.
pub(crate) async fn run(command: Command, options: EmbeddedOptions) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(*args, options).await?,
        Command::Tenant(command) => tenant::run(command, &options).await?,
        Command::Key(command) => key::run(command, &options).await?,
        Command::Migrate => migrate::run(&options).await?,
        Command::Check => return check::run(&options).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Works on the database, and closes it whatever came of that.
async fn with_database<T>(
    options: &EmbeddedOptions,
    work: impl AsyncFnOnce(&EmbeddedDatabase) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let database = EmbeddedDatabase::open(options).await?;
    let worked = work(&database).await;
    database.close().await;
    worked
}
