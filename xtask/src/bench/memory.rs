//! Peak memory of the server while one file, far larger than the bound, goes in and comes out.

use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use crate::bench::client::Connection;
use crate::bench::pattern::Pattern;
use crate::bench::server::Server;
use crate::workspace::{self, Workspace};

const MIB: u64 = 1024 * 1024;

/// How much to send, and what the server may use.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Size of the file, in MiB
    #[arg(long, default_value_t = 2048)]
    size_mib: u64,
    /// The bound on the server's peak resident memory, in MiB
    #[arg(long, default_value_t = 64)]
    bound_mib: u64,
}

/// Uploads and downloads a generated file over loopback and compares the server's `VmHWM` with the
/// bound.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let build = ["build", "--release", "--package", "attached"];
    workspace::run(&mut workspace.cargo(build)).context("cannot build the server")?;
    // Under the target directory: /tmp is memory on some machines.
    let data = tempfile::tempdir_in(workspace.target_directory())?;
    let binary = workspace
        .target_directory()
        .join("release")
        .join("attached");
    let server = Server::start(&binary, data.path())?;
    let key = server.create_key()?;
    let size_bytes = options.size_mib * MIB;
    println!(
        "one file of {} MiB over {}",
        options.size_mib,
        server.authority()
    );
    report("started", None, server.peak_memory_kib()?);

    let started = Instant::now();
    let (id, sent) = upload(&server, &key, size_bytes)?;
    report("upload", Some(started), server.peak_memory_kib()?);

    let started = Instant::now();
    let received = download(&server, &key, &id, size_bytes)?;
    let peak_kib = server.peak_memory_kib()?;
    report("download", Some(started), peak_kib);

    ensure!(
        sent == received,
        "the download's sha256 is {received}, the upload's was {sent}"
    );
    println!("sha256   {received}, the same both ways");
    println!("bound    {} MiB", options.bound_mib);
    if peak_kib > options.bound_mib * 1024 {
        bail!(
            "the server's peak memory of {peak_kib} KiB exceeds {} MiB",
            options.bound_mib
        );
    }
    Ok(())
}

fn report(phase: &str, started: Option<Instant>, peak_kib: u64) {
    let seconds = started.map_or(0.0, |started| started.elapsed().as_secs_f32());
    println!("{phase:<8} {seconds:7.2} s   VmHWM {peak_kib} KiB");
}

/// The new file's id and the sha256 of what was sent.
fn upload(server: &Server, key: &str, size_bytes: u64) -> Result<(String, String)> {
    let mut connection = Connection::open(server.authority())?;
    connection.send_head("POST", "/v1/files?filename=big.bin", key, Some(size_bytes))?;
    let mut pattern = Pattern::new(size_bytes);
    let mut hasher = Sha256::new();
    while let Some(block) = pattern.next_block() {
        hasher.update(block);
        if let Err(error) = connection.send(block) {
            // A server that refuses mid-way has said why before it closed.
            let answer = connection.read_text().unwrap_or_default();
            return Err(error).with_context(|| format!("the upload was cut off: {answer}"));
        }
    }
    let head = connection.read_head()?;
    let body = connection.read_body_text(&head)?;
    ensure!(
        head.status == 201,
        "the upload was answered with {}: {body}",
        head.status
    );
    Ok((file_id(&body)?, hex::encode(hasher.finalize())))
}

/// The sha256 of the content.
fn download(server: &Server, key: &str, id: &str, size_bytes: u64) -> Result<String> {
    let mut connection = Connection::open(server.authority())?;
    connection.send_head("GET", &format!("/v1/files/{id}/content"), key, None)?;
    let head = connection.read_head()?;
    ensure!(
        head.status == 200,
        "the download was answered with {}",
        head.status
    );
    ensure!(
        head.content_length == size_bytes,
        "the download announces {} bytes of {size_bytes}",
        head.content_length
    );
    let mut hasher = Sha256::new();
    connection.read_body(&head, |chunk| hasher.update(chunk))?;
    Ok(hex::encode(hasher.finalize()))
}

fn file_id(body: &str) -> Result<String> {
    let answer: serde_json::Value = serde_json::from_str(body).context("the answer is no JSON")?;
    let id = answer["files"][0]["id"].as_str();
    id.map(str::to_owned)
        .with_context(|| format!("the answer names no file: {body}"))
}

#[cfg(test)]
mod tests {
    use super::file_id;

    #[test]
    fn the_id_of_the_first_file_is_read() {
        assert_eq!(
            file_id(r#"{"files":[{"id":"a-1","size_bytes":3}]}"#).expect("an id"),
            "a-1"
        );
        assert!(file_id(r#"{"files":[]}"#).is_err());
        assert!(file_id("<html>").is_err());
    }
}
