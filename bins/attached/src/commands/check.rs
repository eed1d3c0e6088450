//! `check`: tests the configuration and both backends. Changes nothing, and works beside a running
//! server.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use attache::model::{Finding, FindingLevel};
use attache::{
    DatabaseLocation, InstallationDatabase, InstallationOptions, OpenError, SigningKeySource,
    StorageLocation, signing_keys,
};
use rustix::fs::Access;

use super::explain;
use crate::output::print;

pub(super) async fn run(options: &InstallationOptions) -> anyhow::Result<ExitCode> {
    let checks = checks(options).await;
    let mut worst = FindingLevel::Fine;
    let mut lines = Vec::new();
    for (name, findings) in checks {
        for finding in findings {
            worst = worst.max(finding.level);
            let verdict = match finding.level {
                FindingLevel::Fine => "ok",
                FindingLevel::Warning => "warn",
                FindingLevel::Failure => "FAIL",
            };
            lines.push(format!("{verdict:4}  {name:14}  {}\n", finding.text));
        }
    }
    print(&lines.concat())?;
    Ok(match worst {
        FindingLevel::Failure => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

type Check = (&'static str, Vec<Finding>);

async fn checks(options: &InstallationOptions) -> Vec<Check> {
    let mut checks = vec![("configuration", vec![Finding::fine("valid")])];
    if let Some(data_dir) = &options.data_dir {
        checks.push(("data directory", finding(check_directory(data_dir))));
    }
    checks.push(("signing keys", check_keys(options)));
    let (database, identity) = check_database(options).await;
    checks.push(("database", database));
    checks.push(("storage", options.diagnose_storage().await));
    if !identity.is_empty() {
        checks.push(("installation", identity));
    }
    let disks = disks(options);
    if !disks.is_empty() {
        checks.push((
            "free disk",
            finding(check_free_space(&disks, options.reserved_bytes)),
        ));
    }
    checks
}

/// Converts the outcome of a check that either passes or fails.
fn finding(outcome: anyhow::Result<String>) -> Vec<Finding> {
    vec![match outcome {
        Ok(text) => Finding::fine(text),
        Err(error) => Finding::failure(error.as_ref()),
    }]
}

fn check_directory(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let metadata = std::fs::metadata(path);
    let metadata = metadata.with_context(|| format!("{shown} cannot be used"))?;
    ensure!(metadata.is_dir(), "{shown} is not a directory");
    let access = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    let accessible = rustix::fs::access(path, access);
    accessible.with_context(|| format!("{shown} cannot be read and written"))?;
    Ok(shown.to_string())
}

fn check_keys(options: &InstallationOptions) -> Vec<Finding> {
    let (ring, origin, warning) = match &options.signing_keys {
        SigningKeySource::Ring(ring) => (ring.clone(), "the configuration".to_owned(), None),
        SigningKeySource::Generated(_) if options.database.is_shared() => {
            return finding(Err(explain(OpenError::NoSigningKeys)));
        }
        SigningKeySource::File(path) | SigningKeySource::Generated(path) => {
            match signing_keys::inspect(path) {
                Ok(file) => {
                    let warning = file.warning();
                    (file.ring, path.display().to_string(), warning)
                }
                Err(error) => return finding(Err(error.into())),
            }
        }
        _ => return finding(Err(explain(OpenError::NoSigningKeys))),
    };
    let ids: Vec<_> = ring.keys().map(|key| key.id().as_str()).collect();
    let found = Finding::fine(format!("{} from {origin}", ids.join(", ")));
    std::iter::once(found)
        .chain(warning.map(Finding::warning))
        .collect()
}

/// Checks the database, and whether the store is the one that belongs to it.
async fn check_database(options: &InstallationOptions) -> (Vec<Finding>, Vec<Finding>) {
    let database = match InstallationDatabase::open(options).await {
        Ok(database) => database,
        Err(error) => return (finding(Err(explain(error))), Vec::new()),
    };
    let findings = database.diagnose().await;
    let identity = options.diagnose_identity(&database).await;
    let identity = identity.unwrap_or_else(|error| finding(Err(explain(error))));
    database.close().await;
    (findings, identity)
}

/// Returns the local paths that this installation writes to.
fn disks(options: &InstallationOptions) -> Vec<&Path> {
    let mut disks = Vec::new();
    if let StorageLocation::Local(path) = &options.storage {
        disks.push(path.as_path());
    }
    if let DatabaseLocation::Sqlite(path) = &options.database {
        disks.push(path.as_path());
    }
    disks
}

fn check_free_space(disks: &[&Path], reserved_bytes: u64) -> anyhow::Result<String> {
    let mut texts = Vec::new();
    for path in disks {
        let shown = path.display();
        let free =
            free_bytes(path).with_context(|| format!("the disk of {shown} cannot be examined"))?;
        let mebibytes = free >> 20;
        ensure!(
            free > reserved_bytes,
            "{mebibytes} MiB at {shown}, not above the reserve: uploads are refused"
        );
        texts.push(format!("{mebibytes} MiB at {shown}"));
    }
    Ok(texts.join(", "))
}

/// Returns the number of bytes that this user may still write to the disk of `path`.
fn free_bytes(path: &Path) -> anyhow::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
