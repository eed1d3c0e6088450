//! Measures how many uploads a second SQLite takes from 1, 8, 64 and 256 clients at once, beside one
//! thread that commits a row at a time:
//! `cargo bench -p attache-metadata-sql --bench uploads -- [seconds]`.
//!
//! An upload is what the metadata sees of one: a lease for its bytes, then the commit of its record.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use attache_metadata::{
    BlobFacts, BlobIntent, BlobRepository as _, FileRepository as _, LeaseToken, NewApiKey,
    NewFile, NewFiles, TenancyRepository as _,
};
use attache_metadata_sql::{SqliteOptions, SqliteRepository};
use attache_model::{
    BlobId, Clock as _, Context, DisplayName, FileId, Filename, MediaType, OsEntropy, PersonId,
    RequestId, Scopes, Sha256Digest, SystemClock, TenantSlug, Visibility,
};
use futures_util::future::try_join_all;

type BoxError = Box<dyn Error + Send + Sync>;

const CLIENTS: [usize; 4] = [1, 8, 64, 256];

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // Cargo adds `--bench`.
    let mut arguments = std::env::args().skip(1).filter(|it| !it.starts_with("--"));
    let seconds = arguments.next().map_or(Ok(3), |it| it.parse())?;
    let time = Duration::from_secs(seconds);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    println!(
        "one thread, one row a commit: {:.0}/s",
        serial(folder.path(), time)?
    );
    for clients in CLIENTS {
        let path = folder.path().join(format!("{clients}.db"));
        let (rate, median, tail) = uploads(&path, clients, time).await?;
        println!("{clients:>3} clients: {rate:.0} uploads/s, median {median:?}, p99 {tail:?}");
    }
    Ok(())
}

/// Returns how many rows a second one thread inserts, each with a durable commit.
fn serial(folder: &Path, time: Duration) -> Result<f64, BoxError> {
    let database = rusqlite::Connection::open(folder.join("serial.db"))?;
    database.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
        CREATE TABLE files (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    )?;
    let (started, mut rows) = (Instant::now(), 0_u32);
    while started.elapsed() < time {
        let mut insert = database.prepare_cached("INSERT INTO files (name) VALUES (?1)")?;
        insert.execute([rows.to_string()])?;
        rows += 1;
    }
    Ok(f64::from(rows) / started.elapsed().as_secs_f64())
}

/// Returns the uploads a second, their median time and that of the slowest hundredth.
async fn uploads(
    path: &Path,
    clients: usize,
    time: Duration,
) -> Result<(f64, Duration, Duration), BoxError> {
    SqliteRepository::migrate(path).await?;
    let repository = Arc::new(SqliteRepository::open(SqliteOptions::new(path)).await?);
    let cx = context(&repository).await?;
    let numbers = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let clients = (0..clients).map(|_| {
        let (repository, cx, numbers) = (repository.clone(), cx.clone(), numbers.clone());
        tokio::spawn(async move {
            let mut times = Vec::new();
            while started.elapsed() < time {
                let begun = Instant::now();
                upload(&repository, &cx, numbers.fetch_add(1, Ordering::Relaxed)).await?;
                times.push(begun.elapsed());
            }
            Ok::<_, BoxError>(times)
        })
    });
    let mut times = Vec::new();
    for client in try_join_all(clients).await? {
        times.extend(client?);
    }
    let count = u32::try_from(times.len())?;
    let rate = f64::from(count) / started.elapsed().as_secs_f64();
    repository.close().await;
    times.sort_unstable();
    Ok((rate, times[times.len() / 2], times[times.len() * 99 / 100]))
}

async fn context(repository: &SqliteRepository) -> Result<Context, BoxError> {
    let now = SystemClock.now();
    let slug = TenantSlug::parse("bench")?;
    let tenant = repository.create_tenant(&slug, now).await?;
    let key = NewApiKey {
        tenant: tenant.ok_or("the tenant exists")?.id,
        key_id: "bench".to_owned(),
        secret_hash: [0; 32],
        name: None,
        scopes: Scopes::all(),
        expires_at: None,
    };
    let key = repository.create_api_key(&key, now).await?;
    let principal = key.ok_or("the key exists")?.principal;
    Ok(Context::for_principal(
        principal,
        RequestId::parse("bench")?,
        now,
    ))
}

async fn upload(repository: &SqliteRepository, cx: &Context, number: u64) -> Result<(), BoxError> {
    let now = SystemClock.now();
    let blob = BlobId::generate(now, &OsEntropy);
    let lease = LeaseToken::generate(&OsEntropy);
    let intent = BlobIntent {
        id: blob,
        storage_key: blob.to_string(),
        lease,
        lease_for: Duration::from_mins(5),
    };
    repository
        .begin_blobs(cx, std::slice::from_ref(&intent))
        .await?;
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&number.to_be_bytes());
    let file = NewFile {
        id: FileId::generate(now, &OsEntropy),
        blob,
        lease,
        facts: BlobFacts::plain(4096, Sha256Digest::from_bytes(digest)),
        person: None,
        new_person_id: PersonId::generate(now, &OsEntropy),
        category: None,
        name: DisplayName::parse(&format!("File {number}"))?,
        filename: Filename::parse(&format!("{number}.pdf"))?,
        description: None,
        content_type: MediaType::parse("application/pdf")?,
        visibility: Visibility::Private,
        dedup: false,
        held: false,
    };
    let files = NewFiles {
        files: vec![file],
        idempotency_key: None,
    };
    repository.commit_files(cx, &files).await??;
    Ok(())
}
