//! Runs the conformance suite on a bucket of yours:
//! `cargo run -p attache-storage-s3 --example conformance -- 's3://bucket/folder?endpoint=…'`.
//!
//! Credentials come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. The suite stays below a
//! folder of its own, and deletes everything that it stored.

use std::error::Error;
use std::process::ExitCode;

use attache_model::{OsEntropy, with_causes};
use attache_storage::{BlobStore, conformance};
use attache_storage_s3::{S3BlobStore, S3Credentials, S3Options};

async fn run() -> Result<u32, Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: conformance s3://…")?;
    let options = S3Options::parse(&url)?.with_environment(|name| std::env::var(name).ok())?;
    let store = S3BlobStore::new(options, &S3Credentials::from_env()?);
    store.health().await?;
    let namespace = conformance::fresh_namespace(&OsEntropy);
    let mut failed = 0;
    for check in conformance::checks() {
        match check.run(&store, &namespace).await {
            Ok(()) => println!("ok    {}", check.name()),
            Err(failure) => {
                failed += 1;
                println!("FAIL  {}: {}", check.name(), failure.violation());
            }
        }
    }
    println!("{} checks, {failed} failed", conformance::checks().len());
    Ok(failed)
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}", with_causes(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}
