//! `verify`: compares the records with the stored bytes. Deletes nothing, and works beside a running
//! server.

use std::process::ExitCode;

use anyhow::Context as _;
use attache::service::{VerifyEvent, VerifyOptions, VerifyReport, verify};
use attache::{InstallationDatabase, InstallationOptions};
use serde_json::{Value, json};

use super::{explain, with_database};
use crate::config::VerifyArgs;
use crate::output::print;
use crate::progress::{Progress, Unit};

/// The exit code if the bytes of a file are missing or wrong.
const LOST: u8 = 3;
/// The exit code if nothing is lost, but the store has something that no row knows.
const UNKNOWN: u8 = 4;

pub(super) async fn run(
    args: &VerifyArgs,
    options: &InstallationOptions,
) -> anyhow::Result<ExitCode> {
    let report = with_database(options, async |database| {
        run_on(args, options, database).await
    });
    let report = report.await?;
    Ok(match report {
        VerifyReport {
            lost_files: 1.., ..
        } => ExitCode::from(LOST),
        VerifyReport {
            unknown_blobs: 1.., ..
        } => ExitCode::from(UNKNOWN),
        _ => ExitCode::SUCCESS,
    })
}

async fn run_on(
    args: &VerifyArgs,
    options: &InstallationOptions,
    database: &InstallationDatabase,
) -> anyhow::Result<VerifyReport> {
    let repository = database.repository();
    let tenant = match &args.tenant {
        None => None,
        Some(slug) => {
            let found = repository.find_tenant_by_slug(slug).await?;
            Some(
                found
                    .with_context(|| format!("there is no tenant {slug}"))?
                    .id,
            )
        }
    };
    if args.mark {
        // Every blob would be marked, where the store is another's.
        let identity = options.diagnose_identity(database).await;
        identity.map_err(explain)?;
    }
    let store = options.open_store_read_only().await.map_err(explain)?;
    let verify_options = VerifyOptions {
        tenant,
        deep: args.deep,
        mark: args.mark,
    };
    let progress = Progress::start(if args.deep { Unit::Bytes } else { Unit::Blobs });
    let observe = |event: VerifyEvent<'_>| match event {
        VerifyEvent::Started(totals) => {
            progress.set_length(if args.deep {
                totals.stored_bytes
            } else {
                totals.blobs
            });
        }
        VerifyEvent::Checked { stored_bytes } => {
            progress.advance(if args.deep { stored_bytes } else { 1 });
        }
        finding => {
            if let Some(line) = line_of(&finding, args.json) {
                // A full pipe must not stop the verification; the report is printed at the end.
                progress.suspend(|| drop(print(&line)));
            }
        }
    };
    let verified = verify(
        repository.as_ref(),
        store.as_ref(),
        verify_options,
        &observe,
    )
    .await;
    progress.finish();
    let report = verified?;
    print(&summary(&report, args))?;
    Ok(report)
}

/// Formats a finding in one line; `None` for events that are none.
fn line_of(event: &VerifyEvent<'_>, as_json: bool) -> Option<String> {
    let line = match (event, as_json) {
        (VerifyEvent::Lost { file, fault }, true) => {
            let record = &file.record;
            let finding: Value = json!({
                "kind": "lost-file",
                "fault": fault.as_str(),
                "tenant": record.tenant.get(),
                "file": record.id.to_string(),
                "name": record.name.as_str(),
                "key": record.key.as_str(),
                "size_bytes": record.size_bytes,
                "sha256": record.sha256.to_string(),
                "storage_key": file.blob.storage_key,
            });
            finding.to_string()
        }
        (VerifyEvent::Lost { file, fault }, false) => {
            let (record, stored) = (&file.record, &file.blob.storage_key);
            let (tenant, id, name) = (record.tenant, record.id, record.name.as_str());
            format!("{fault:12}  tenant {tenant}  file {id}  {name:?}  at {stored}")
        }
        (VerifyEvent::Unknown { key }, true) => {
            json!({ "kind": "unknown-blob", "storage_key": key.as_str() }).to_string()
        }
        (VerifyEvent::Unknown { key }, false) => format!("{:12}  {key}", "unknown"),
        _ => return None,
    };
    Some(format!("{line}\n"))
}

fn summary(report: &VerifyReport, args: &VerifyArgs) -> String {
    if args.json {
        let summary: Value = json!({
            "kind": "summary",
            "deep": args.deep,
            "blobs": report.blobs,
            "stored_bytes": report.stored_bytes,
            "lost_blobs": report.lost_blobs,
            "lost_files": report.lost_files,
            "unknown_blobs": report.unknown_blobs,
            "marked": report.marked,
            "unmarked": report.unmarked,
        });
        return format!("{summary}\n");
    }
    let depth = if args.deep {
        "every byte"
    } else {
        "presence and size"
    };
    let marks = if args.mark {
        let (marked, unmarked) = (report.marked, report.unmarked);
        format!("{marked} blobs marked, {unmarked} marks removed\n")
    } else {
        String::new()
    };
    format!(
        "{} blobs verified ({depth}): the bytes of {} files are lost, {} unknown blobs\n{marks}",
        report.blobs, report.lost_files, report.unknown_blobs
    )
}
