//! `check`: whether the configuration holds and both backends can be used. Changes nothing, and
//! works beside a server that runs.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use attache::s3::{S3BlobStore, S3Credentials, S3Options};
use attache::{
    BlobStore as _, DatabaseLocation, InstallationDatabase, InstallationOptions, OpenError,
    SigningKeySource, StorageLocation, signing_keys,
};
use rustix::fs::Access;

use super::explain;
use crate::output::print;

pub(super) async fn run(options: &InstallationOptions) -> anyhow::Result<ExitCode> {
    let mut checks = vec![("configuration", Ok("can be read".to_owned()))];
    if let Some(data_dir) = &options.data_dir {
        checks.push(("data directory", check_directory(data_dir)));
    }
    checks.push(("signing keys", check_keys(options)));
    checks.push(("database", check_database(options).await));
    match &options.storage {
        StorageLocation::Local(blobs) => checks.push(("storage", check_local(blobs))),
        StorageLocation::S3 {
            options,
            credentials,
        } => checks.push(("storage", check_s3(options, credentials).await)),
        other => bail!("{other:?} cannot be checked"),
    }
    let disks = disks(options);
    if !disks.is_empty() {
        checks.push(("free disk", check_room(&disks, options.reserved_bytes)));
    }
    let mut all_well = true;
    let mut lines = Vec::new();
    for (name, outcome) in checks {
        let (verdict, detail) = match outcome {
            Ok(detail) => ("ok  ", detail),
            Err(error) => ("FAIL", format!("{error:#}")),
        };
        all_well &= verdict == "ok  ";
        lines.push(format!("{verdict}  {name:14}  {detail}\n"));
    }
    print(&lines.concat())?;
    Ok(if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn check_directory(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let metadata = std::fs::metadata(path);
    let metadata = metadata.with_context(|| format!("{shown} cannot be used"))?;
    ensure!(metadata.is_dir(), "{shown} is not a directory");
    require_writable(path)?;
    Ok(shown.to_string())
}

fn require_writable(path: &Path) -> anyhow::Result<()> {
    let access = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    let accessible = rustix::fs::access(path, access);
    accessible.with_context(|| format!("{} cannot be read and written", path.display()))
}

fn check_keys(options: &InstallationOptions) -> anyhow::Result<String> {
    let (ring, origin) = match &options.signing_keys {
        SigningKeySource::Ring(ring) => (ring.clone(), "the configuration".to_owned()),
        SigningKeySource::File(path) => (signing_keys::load(path)?, path.display().to_string()),
        SigningKeySource::Generated(path) if !options.database.is_shared() => {
            (signing_keys::load(path)?, path.display().to_string())
        }
        _ => return Err(explain(OpenError::NoSigningKeys)),
    };
    let ids: Vec<_> = ring.keys().map(|key| key.id().as_str()).collect();
    Ok(format!("{} from {origin}", ids.join(", ")))
}

async fn check_database(options: &InstallationOptions) -> anyhow::Result<String> {
    let database = InstallationDatabase::open(options).await.map_err(explain)?;
    let health = database.repository().health().await;
    database.close().await;
    health?;
    Ok(options.database.to_string())
}

async fn check_s3(options: &S3Options, credentials: &S3Credentials) -> anyhow::Result<String> {
    let store = S3BlobStore::new(options.clone(), credentials);
    store.health().await?;
    Ok(format!("the bucket {}", options.bucket))
}

/// Looks at the store without opening it, which a server that runs would refuse.
fn check_local(root: &Path) -> anyhow::Result<String> {
    let shown = check_directory(root)?;
    for part in ["blobs", "staging"] {
        require_writable(&root.join(part))?;
    }
    let lock = File::open(root.join(".lock"));
    let lock = lock.with_context(|| format!("{shown}/.lock cannot be opened"))?;
    // Shared and given back at once: it only tells whether a server holds the whole lock.
    match lock.try_lock_shared() {
        Ok(()) => Ok(format!("{shown}, not in use")),
        Err(TryLockError::WouldBlock) => Ok(format!("{shown}, in use by a running server")),
        Err(TryLockError::Error(error)) => Err(error).context("the lock cannot be looked at"),
    }
}

/// Where this installation writes on disks of this machine.
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

fn check_room(disks: &[&Path], reserved_bytes: u64) -> anyhow::Result<String> {
    let mut told = Vec::new();
    for path in disks {
        let shown = path.display();
        let free = free_bytes(path).with_context(|| format!("the disk of {shown} is not known"))?;
        let mebibytes = free >> 20;
        ensure!(
            free > reserved_bytes,
            "{mebibytes} MiB at {shown}, no more than the reserve: uploads are refused"
        );
        told.push(format!("{mebibytes} MiB at {shown}"));
    }
    Ok(told.join(", "))
}

/// How many bytes this user may still write on the disk of `path`.
fn free_bytes(path: &Path) -> anyhow::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
