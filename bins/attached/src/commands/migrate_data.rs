//! `migrate-data`: copies an installation on SQLite to PostgreSQL and another store.

use std::fmt::Write as _;

use anyhow::anyhow;
use attache::data_migration::{DataMigrationError, DataMigrationReport, migrate_data};
use attache::{InstallationOptions, OpenError, SigningKeySource, sql};

use super::explain;
use crate::config::{Cli, TargetArgs};
use crate::output::print;
use crate::progress::{Progress, Unit};
use crate::shutdown::{self, Reloads};

/// The advice after an interruption.
const RESUME: &str = "nothing is lost: run the same command again to resume";

pub(super) async fn run(target: &TargetArgs, source: &InstallationOptions) -> anyhow::Result<()> {
    let target = target.options(|name| std::env::var(name).ok());
    let target = target.unwrap_or_else(|problem| Cli::refuse(problem));
    let stop = shutdown::listen()?;
    Reloads::listen()?.ignore();
    let progress = Progress::start(Unit::Bytes);
    let outcome = tokio::select! {
        done = migrate_data(source, &target, progress.observer()) => done.map_err(advise),
        signal = stop => Err(anyhow!("interrupted by {signal}: {RESUME}")),
    };
    progress.finish();
    print(&summary(&outcome?, source))
}

/// Formats the report and the next steps.
fn summary(report: &DataMigrationReport, source: &InstallationOptions) -> String {
    let mut text = String::from("All data was copied and compared:\n\n");
    for table in &report.tables {
        let left = match table.left {
            0 => String::new(),
            left => format!("  ({left} not copied: no file refers to them)"),
        };
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{:>12}  {}{left}", table.rows, table.table);
    }
    let keys = match &source.signing_keys {
        SigningKeySource::Generated(path) | SigningKeySource::File(path) => {
            format!("the signing keys in {}", path.display())
        }
        _ => "the same signing keys".to_owned(),
    };
    let (copied, skipped) = (report.blobs_copied, report.blobs_skipped);
    let _ = write!(
        text,
        "\n{copied} blobs were copied by this run, {skipped} by earlier runs.\n\
         \nNext: give every new server {keys} with --signing-keys; without them existing links do \
         not work.\nStart the servers with the new --database-url and --storage-url, and do not \
         start the old one again.\nKeep the old data until you trust the new servers: nothing in it \
         was changed.\n"
    );
    text
}

/// Adds advice for the command line.
fn advise(error: DataMigrationError) -> anyhow::Error {
    use sql::data_migration::DataMigrationError as Records;
    let advice = match error {
        DataMigrationError::OpenSource(error @ OpenError::InUse { .. }) => {
            return explain(error).context("stop the server on the source first");
        }
        DataMigrationError::OpenSource(error) | DataMigrationError::OpenTarget(error) => {
            return explain(error);
        }
        DataMigrationError::SourceNotSqlite => {
            "--data-dir or --database-url must name the SQLite database to copy from \
             (is ATTACHE_DATABASE_URL set to the new one?)"
        }
        DataMigrationError::Records(Records::OpenSource(ref error)) if is_older(error) => {
            "run `attached migrate` on the source first"
        }
        DataMigrationError::Records(Records::OpenTarget(ref error)) if is_older(error) => {
            "run `attached migrate` with the target as --database-url first"
        }
        DataMigrationError::Records(Records::OtherContent { .. }) => {
            "the target must be empty or hold what an earlier run copied from this source: nothing \
             is overwritten"
        }
        DataMigrationError::Records(Records::SourceInUse) => {
            "stop all programs that use the source first"
        }
        DataMigrationError::Damaged { ref files, .. } => {
            let ids: Vec<_> = files.iter().map(ToString::to_string).collect();
            let advice = format!(
                "all other bytes were copied. Restore the bytes of these files from a backup or \
                 delete the files, and run the command again to resume: {}",
                ids.join(", ")
            );
            return anyhow::Error::from(error).context(advice);
        }
        DataMigrationError::SourceStore(_)
        | DataMigrationError::TargetStore(_)
        | DataMigrationError::Records(Records::Source(_) | Records::Target(_)) => RESUME,
        _ => return error.into(),
    };
    anyhow::Error::from(error).context(advice)
}

fn is_older(error: &sql::OpenError) -> bool {
    matches!(error, sql::OpenError::SchemaOlder { .. })
}
