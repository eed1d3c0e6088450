//! `migrate-data`: carrying an installation on SQLite over to Postgres and another store.

use std::fmt::Write as _;

use anyhow::anyhow;
use attache::transfer::{TransferError, TransferReport, transfer};
use attache::{InstallationOptions, OpenError, SigningKeySource, sql};

use super::explain;
use crate::config::{Cli, DestinationArgs};
use crate::output::print;
use crate::progress::Progress;
use crate::shutdown;

/// What to do about an end before the end.
const GO_ON: &str = "nothing is lost: run the same command again to go on";

pub(super) async fn run(to: &DestinationArgs, source: &InstallationOptions) -> anyhow::Result<()> {
    let target = to.options(|name| std::env::var(name).ok());
    let target = target.unwrap_or_else(|problem| Cli::refuse(problem));
    let stop = shutdown::listen()?;
    let progress = Progress::start();
    let outcome = tokio::select! {
        done = transfer(source, &target, progress.observer()) => done.map_err(explain_transfer),
        signal = stop => Err(anyhow!("ended by {signal}: {GO_ON}")),
    };
    progress.end();
    print(&summary(&outcome?, source))
}

/// What was carried, and what comes next.
fn summary(report: &TransferReport, source: &InstallationOptions) -> String {
    let mut text = String::from("Everything was carried and compared:\n\n");
    for table in &report.tables {
        let left = match table.left {
            0 => String::new(),
            left => format!("  ({left} left behind: no file refers to them)"),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{:>12}  {}{left}", table.rows, table.table);
    }
    let keys = match &source.signing_keys {
        SigningKeySource::Generated(path) | SigningKeySource::File(path) => {
            format!("the signing keys in {}", path.display())
        }
        _ => "the same signing keys".to_owned(),
    };
    let (now, before) = (report.blobs_carried, report.blobs_found);
    let _ = write!(
        text,
        "\n{now} blobs were carried now, {before} by earlier runs.\n\
         \nNext: give every new server {keys} by --signing-keys: without them the links made so far \
         do not work.\nStart the servers with the new --database-url and --storage-url, and do not \
         start the old one again.\nKeep the old data until the new servers have proved themselves: \
         nothing in it was changed.\n"
    );
    text
}

/// Adds what to do about it on the command line.
fn explain_transfer(error: TransferError) -> anyhow::Error {
    use sql::data_migration::DataMigrationError as Records;
    let advice = match error {
        TransferError::OpenSource(error @ OpenError::InUse { .. }) => {
            return explain(error).context("stop the server on the source first");
        }
        TransferError::OpenSource(error) | TransferError::OpenTarget(error) => {
            return explain(error);
        }
        TransferError::SourceNotSqlite => {
            "--data-dir or --database-url must name the SQLite database to carry from \
             (is ATTACHE_DATABASE_URL set to the new one?)"
        }
        TransferError::Records(Records::OpenSource(ref error)) if is_older(error) => {
            "run `attached migrate` on the source first"
        }
        TransferError::Records(Records::OpenTarget(ref error)) if is_older(error) => {
            "run `attached migrate` with the target as --database-url first"
        }
        TransferError::Records(Records::OtherContent { .. }) => {
            "the target must be empty, or what an earlier run from this very source left: nothing \
             of it is overwritten"
        }
        TransferError::Records(Records::SourceInUse) => "stop what works on the source first",
        TransferError::Damaged { ref files, .. } => {
            let ids: Vec<_> = files.iter().map(ToString::to_string).collect();
            let advice = format!(
                "all other bytes were carried. Restore the bytes of these files from a backup or \
                 delete the files, and run the command again to go on: {}",
                ids.join(", ")
            );
            return anyhow::Error::from(error).context(advice);
        }
        TransferError::SourceStore(_)
        | TransferError::TargetStore(_)
        | TransferError::Records(Records::Source(_) | Records::Target(_)) => GO_ON,
        _ => return error.into(),
    };
    anyhow::Error::from(error).context(advice)
}

fn is_older(error: &sql::OpenError) -> bool {
    matches!(error, sql::OpenError::SchemaOlder { .. })
}
