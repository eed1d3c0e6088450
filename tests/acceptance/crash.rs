//! `kill -9` in the middle of uploads: acknowledged files are there, and nothing else remains.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::task::JoinSet;

use crate::support::{Client, Options, Server, eventually, id_of, noise, repetitions, sha256_hex};

/// Enough to hit an upload; `cargo xtask nightly` has more.
const CYCLES: u64 = 3;
/// The number of cycles after which the test gives up to hit an upload, as a factor.
const MAX_FACTOR: u64 = 5;
const WRITERS: u64 = 8;

/// The uploads of all writers in all cycles.
#[derive(Debug, Clone, Default)]
struct Journal {
    /// The digest of each file ever sent, by name.
    sent: HashMap<String, String>,
    /// The names of acknowledged files, by id.
    acknowledged: HashMap<String, String>,
}

/// Uploads one file after the other, in pieces with pauses, until the server is gone.
async fn write_until_killed(client: Client, cycle: u64, writer: u64, journal: Arc<Mutex<Journal>>) {
    for number in 0.. {
        let name = format!("{cycle}-{writer}-{number}.bin");
        // One writer sends multipart uploads, of which a kill leaves some parts.
        let (length, piece) = match writer {
            0 => (20_000_000, 400_000),
            _ => (100_000 * (1 + (writer + number) % 8), 50_000),
        };
        let bytes = noise(
            cycle << 32 | writer << 16 | number,
            usize::try_from(length).unwrap(),
        );
        journal
            .lock()
            .unwrap()
            .sent
            .insert(name.clone(), sha256_hex(&bytes));
        let pieces: Vec<Bytes> = bytes.chunks(piece).map(Bytes::copy_from_slice).collect();
        let body = stream::unfold(pieces.into_iter(), async |mut pieces| {
            let piece = pieces.next()?;
            tokio::time::sleep(Duration::from_millis(2)).await;
            Some((Ok(Frame::data(piece)), pieces))
        });
        let target = format!("/v1/files?filename={name}");
        let request = client.request("POST", &target);
        let request = request.streamed("application/octet-stream", StreamBody::new(body).boxed());
        match request.try_send().await {
            Ok(response) => {
                let id = id_of(&response.expect(201).only_file());
                journal.lock().unwrap().acknowledged.insert(id, name);
            }
            Err(_) => return,
        }
    }
}

/// Compares the visible files with the sent ones; returns the number of objects that the store needs.
async fn assert_intact(server: &Server, journal: &Journal) -> usize {
    let client = server.client();
    let visible = client.list_all("state=any&limit=500").await;
    for (id, name) in &journal.acknowledged {
        let record = client.record(id).await.expect(200).json();
        assert_eq!(record["filename"], name.as_str());
        assert_eq!(record["sha256"], journal.sent[name].as_str(), "{name}");
    }
    for file in &visible {
        let name = file["filename"].as_str().unwrap();
        let content = client.content(&id_of(file)).await.expect(200);
        // A commit just before the kill may lack its response: the file is visible, and complete.
        assert_eq!(sha256_hex(&content.body), journal.sent[name], "{name}");
    }
    let digests = visible.iter().map(|file| file["sha256"].to_string());
    digests.collect::<BTreeSet<_>>().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_minus_nine_loses_and_orphans_nothing() {
    // Orphans are deleted when their lease has expired: by default after 90 seconds.
    let options = Options::new().environment("ATTACHE_UPLOAD_LEASE", "5s");
    let mut server = Server::start(options).await;
    let journal = Arc::new(Mutex::new(Journal::default()));
    let mut orphans = 0;

    let cycles = repetitions(CYCLES);
    for cycle in 0..cycles * MAX_FACTOR {
        // Enough kills, at least one of them during an upload.
        let acknowledged = journal.lock().unwrap().acknowledged.len();
        if cycle >= cycles && orphans > 0 && acknowledged > 20 {
            break;
        }
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let client = Client::new(server.url(), Some(server.key()));
            writers.spawn(write_until_killed(client, cycle, writer, journal.clone()));
        }
        eventually(
            "files are acknowledged",
            Duration::from_mins(2),
            async || journal.lock().unwrap().acknowledged.len(),
            |count| *count >= acknowledged + 3,
        )
        .await;
        tokio::time::sleep(Duration::from_millis(cycle % 5 * 170)).await;
        server.kill();
        writers.join_all().await;
        let objects = server.stored_objects().len();
        server = server.start_again().await;
        let so_far = journal.lock().unwrap().clone();
        let needed = assert_intact(&server, &so_far).await;
        orphans += objects.saturating_sub(needed);
    }

    let journal = journal.lock().unwrap().clone();
    let acknowledged = journal.acknowledged.len();
    println!("{acknowledged} files acknowledged, {orphans} objects orphaned by the kills");
    assert!(
        acknowledged > 20,
        "too few uploads to prove anything: {acknowledged}"
    );
    assert!(orphans > 0, "no kill hit an upload");
    let needed = assert_intact(&server, &journal).await;
    server.wait_for_objects(needed).await;
    assert_intact(&server, &journal).await;
}
