//! Peak memory of the server while one file, far larger than the bound, is uploaded and downloaded.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use futures_util::stream;
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::Frame;
use sha2::{Digest, Sha256};

use crate::client::Connection;
use crate::pattern::Pattern;
use crate::server::Server;

const MIB: u64 = 1024 * 1024;

/// The size of the file and the bound on the server's memory.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The server to measure
    #[arg(long)]
    server: PathBuf,
    /// Size of the file, in MiB
    #[arg(long, default_value_t = 2048)]
    size_mib: u64,
    /// The bound on the server's peak resident memory, in MiB
    #[arg(long, default_value_t = 64)]
    bound_mib: u64,
}

/// Uploads and downloads a generated file over loopback and compares the server's `VmHWM` with the
/// bound.
pub(crate) async fn run(scratch: &Path, options: &Options) -> Result<()> {
    let data = tempfile::tempdir_in(scratch)?;
    let server = Server::start(&options.server, data.path())?;
    let key = server.create_key()?;
    let size_bytes = options.size_mib * MIB;
    println!(
        "one file of {} MiB over {}",
        options.size_mib,
        server.authority()
    );
    report("started", None, server.peak_memory_kib()?);

    let started = Instant::now();
    let (id, sent) = upload(&server, &key, size_bytes).await?;
    report("upload", Some(started), server.peak_memory_kib()?);

    let started = Instant::now();
    let received = download(&server, &key, &id, size_bytes).await?;
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

/// Returns the new file's id and the sha256 of what was sent.
async fn upload(server: &Server, key: &str, size_bytes: u64) -> Result<(String, String)> {
    let hasher = Arc::new(Mutex::new(Sha256::new()));
    let sent = hasher.clone();
    let mut pattern = Pattern::new(size_bytes);
    let blocks = std::iter::from_fn(move || {
        let block = Bytes::copy_from_slice(pattern.next_block()?);
        sent.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .update(&block);
        Some(Ok::<_, Infallible>(Frame::data(block)))
    });
    let body = StreamBody::new(stream::iter(blocks));
    let mut connection = Connection::open(server.authority(), key).await?;
    let id = connection.upload("big.bin", body).await?;
    let hasher = hasher.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((id, hex::encode(hasher.clone().finalize())))
}

/// Returns the sha256 of the content.
async fn download(server: &Server, key: &str, id: &str, size_bytes: u64) -> Result<String> {
    let mut connection = Connection::open(server.authority(), key).await?;
    let target = format!("/v1/files/{id}/content");
    let response = connection
        .send(Method::GET, &target, Empty::<Bytes>::new())
        .await?;
    ensure!(
        response.status() == StatusCode::OK,
        "the download returned {}",
        response.status()
    );
    let mut body = response.into_body();
    let mut hasher = Sha256::new();
    let mut received_bytes = 0;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            received_bytes += data.len() as u64;
            hasher.update(&data);
        }
    }
    ensure!(
        received_bytes == size_bytes,
        "the download had {received_bytes} bytes of {size_bytes}"
    );
    Ok(hex::encode(hasher.finalize()))
}
