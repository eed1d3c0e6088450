//! The commands.

mod check;
mod key;
mod migrate;
mod migrate_data;
mod restore;
mod serve;
mod tenant;
mod verify;

use std::process::ExitCode;

use attache::model::with_causes;
use attache::service::IdentityError;
use attache::sql;
use attache::{InstallationDatabase, InstallationOptions, OpenError};

use crate::config::Command;
use crate::logging::Log;

/// Runs a command.
pub(crate) async fn run(
    command: Command,
    options: InstallationOptions,
    log: &Log,
) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(*args, options, log).await?,
        Command::Tenant(command) => tenant::run(command, &options).await?,
        Command::Key(command) => key::run(command, &options).await?,
        Command::Migrate => migrate::run(&options).await?,
        Command::Restore { adopt_store } => restore::run(&options, adopt_store).await?,
        Command::MigrateData(target) => migrate_data::run(&target, &options).await?,
        Command::Check => return check::run(&options).await,
        Command::Verify(args) => return verify::run(&args, &options).await,
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
        OpenError::Identity(ref identity) => match remedy(identity) {
            Some(remedy) => anyhow::anyhow!("{error}; {remedy}"),
            None => error.into(),
        },
        _ => error.into(),
    }
}

/// Returns the ways out for an operator whose database and store do not belong together.
fn remedy(error: &IdentityError) -> Option<&'static str> {
    Some(match error {
        IdentityError::NoMarker { .. } | IdentityError::MissingBlobs { .. } => {
            "mount its volume or correct --storage-url. Only if the bytes are lost for good, or the \
             store is to be replaced, run `attached restore --adopt-store`"
        }
        IdentityError::LostDatabase { .. } => {
            "correct --database-url or --data-dir, or restore the database from a backup and run \
             `attached restore`. Only to begin again without the records of these bytes, run \
             `attached migrate` and `attached restore --adopt-store`"
        }
        IdentityError::OtherStore { .. } | IdentityError::UnknownBlobs { .. } => {
            "correct --storage-url, --database-url or --data-dir, and give each database a store of \
             its own. Only if the two are to belong together from now on, run \
             `attached restore --adopt-store`"
        }
        IdentityError::OlderDatabase { .. } => {
            "start the newest database. If this one was restored from a backup on purpose, run \
             `attached restore`: it keeps the bytes of all uploads that the copy knows too little about"
        }
        IdentityError::Marker { .. } => {
            "restore the file `.installation` of the store from a backup, or run \
             `attached restore --adopt-store` if this is the store of the database"
        }
        _ => return None,
    })
}
