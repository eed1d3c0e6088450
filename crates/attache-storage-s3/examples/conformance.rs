//! Runs the suite that all stores must pass on a bucket of yours:
//! `cargo run -p attache-storage-s3 --example conformance -- 's3://bucket/folder?endpoint=…'`.
//!
//! Credentials come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. Everything happens below a
//! folder of its own, and is deleted again.

use std::error::Error;

use attache_model::OsEntropy;
use attache_storage::{BlobStore, conformance};
use attache_storage_s3::{S3BlobStore, S3Credentials, S3Options};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("which bucket? s3://…")?;
    let options = S3Options::parse(&url)?.with_environment(|name| std::env::var(name).ok())?;
    let store = S3BlobStore::new(options, &S3Credentials::from_env()?);
    store.health().await?;
    let namespace = conformance::fresh_namespace(&OsEntropy);
    let mut failures = 0;
    for check in conformance::checks() {
        match check.run(&store, &namespace).await {
            Ok(()) => println!("ok      {}", check.name()),
            Err(failure) => {
                failures += 1;
                println!("FAILED  {}: {}", check.name(), failure.problem());
            }
        }
    }
    if failures > 0 {
        return Err(format!("{failures} checks failed").into());
    }
    Ok(())
}
