//! `check`: whether the configuration holds and both backends can be used. Changes nothing, and
//! works beside a server that runs.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use attache::{EmbeddedDatabase, EmbeddedOptions, SigningKeySource, signing_keys};
use rustix::fs::Access;

use crate::output::print;

pub(super) async fn run(options: &EmbeddedOptions) -> anyhow::Result<ExitCode> {
    let blobs = options.blobs_path();
    let checks = [
        ("configuration", Ok("can be read".to_owned())),
        ("data directory", check_directory(&options.data_dir)),
        ("signing keys", check_keys(options)),
        ("database", check_database(options).await),
        ("storage", check_storage(&blobs)),
        ("free disk", check_room(options)),
    ];
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

fn check_keys(options: &EmbeddedOptions) -> anyhow::Result<String> {
    let (ring, origin) = match (&options.signing_keys, options.signing_keys_path()) {
        (SigningKeySource::Ring(ring), _) => (ring.clone(), "the configuration".to_owned()),
        (_, Some(path)) => (signing_keys::load(&path)?, path.display().to_string()),
        (_, None) => bail!("there are none"),
    };
    let ids: Vec<_> = ring.keys().map(|key| key.id().as_str()).collect();
    Ok(format!("{} from {origin}", ids.join(", ")))
}

async fn check_database(options: &EmbeddedOptions) -> anyhow::Result<String> {
    let database = EmbeddedDatabase::open(options).await?;
    let health = database.repository().health().await;
    database.close().await;
    health?;
    Ok(options.database_path().display().to_string())
}

/// Looks at the store without opening it, which a server that runs would refuse.
fn check_storage(root: &Path) -> anyhow::Result<String> {
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

fn check_room(options: &EmbeddedOptions) -> anyhow::Result<String> {
    let mut told = Vec::new();
    for path in [options.blobs_path(), options.database_path()] {
        let shown = path.display();
        let free =
            free_bytes(&path).with_context(|| format!("the disk of {shown} is not known"))?;
        let mebibytes = free >> 20;
        ensure!(
            free > options.reserved_bytes,
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
