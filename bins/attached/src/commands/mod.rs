//! What each command does.

mod check;
mod key;
mod migrate;
mod migrate_data;
mod serve;
mod tenant;

use std::process::ExitCode;

use attache::model::with_causes;
use attache::sql;
use attache::{InstallationDatabase, InstallationOptions, OpenError};

use crate::config::Command;

/// Does what a command says.
pub(crate) async fn run(
    command: Command,
    options: InstallationOptions,
) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(*args, options).await?,
        Command::Tenant(command) => tenant::run(command, &options).await?,
        Command::Key(command) => key::run(command, &options).await?,
        Command::Migrate => migrate::run(&options).await?,
        Command::MigrateData(to) => migrate_data::run(&to, &options).await?,
        Command::Check => return check::run(&options).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Works on the database, and closes it whatever came of that.
async fn with_database<T>(
    options: &InstallationOptions,
    work: impl AsyncFnOnce(&InstallationDatabase) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let opened = InstallationDatabase::open(options).await;
    let database = opened.map_err(explain)?;
    let worked = work(&database).await;
    database.close().await;
    worked
}

/// Adds to a failed opening what to do about it on the command line.
fn explain(error: OpenError) -> anyhow::Error {
    match error {
        // What the store says of its lock adds nothing.
        OpenError::InUse { .. } => anyhow::anyhow!("{error}"),
        OpenError::NoSigningKeys => anyhow::anyhow!(
            "--signing-keys (or ATTACHE_SIGNING_KEYS) is missing: with Postgres no keys are made, as \
             all servers need the same"
        ),
        OpenError::Database(
            sql::OpenError::SchemaOlder { .. } | sql::OpenError::Missing { .. },
        ) => anyhow::anyhow!("{}; run `attached migrate` first", with_causes(&error)),
        _ => error.into(),
    }
}
