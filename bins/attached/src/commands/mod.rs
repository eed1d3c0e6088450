//! The commands.

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

/// Runs a command.
pub(crate) async fn run(
    command: Command,
    options: InstallationOptions,
) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(*args, options).await?,
        Command::Tenant(command) => tenant::run(command, &options).await?,
        Command::Key(command) => key::run(command, &options).await?,
        Command::Migrate => migrate::run(&options).await?,
        Command::MigrateData(target) => migrate_data::run(&target, &options).await?,
        Command::Check => return check::run(&options).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens the database, runs `work`, and closes the database whatever the outcome.
async fn with_database<T>(
    options: &InstallationOptions,
    work: impl AsyncFnOnce(&InstallationDatabase) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let opened = InstallationDatabase::open(options).await;
    let database = opened.map_err(explain)?;
    let outcome = work(&database).await;
    database.close().await;
    outcome
}

/// Adds advice for the command line to a failure to open.
fn explain(error: OpenError) -> anyhow::Error {
    match error {
        // The store's error about its lock adds nothing.
        OpenError::InUse { .. } => anyhow::anyhow!("{error}"),
        OpenError::NoSigningKeys => anyhow::anyhow!(
            "--signing-keys (or ATTACHE_SIGNING_KEYS) is required: with PostgreSQL no keys are \
             generated, because all servers need the same keys"
        ),
        OpenError::Database {
            source: sql::OpenError::SchemaOlder { .. },
            ..
        } => anyhow::anyhow!("{}; run `attached migrate` first", with_causes(&error)),
        OpenError::Database {
            source: sql::OpenError::Missing { path },
            ..
        } => {
            let path = std::path::absolute(&path).unwrap_or(path);
            anyhow::anyhow!(
                "there is no database at {}: if there should be one, name its directory with \
                 --data-dir (or ATTACHE_DATA_DIR); for a new one run `attached migrate` first",
                path.display()
            )
        }
        _ => error.into(),
    }
}
