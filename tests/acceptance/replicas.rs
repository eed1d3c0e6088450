//! Several servers that share a database and a bucket are one service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    Capability, Client, Options, PDF, Server, eventually, id_of, noise, pairing_has, repetitions,
    sha256_hex,
};

/// Starts two servers on the same data; returns also a client of each with the same key.
async fn start_two_servers(options: Options) -> (Server, Server, [Client; 2]) {
    let one = Server::start(options).await;
    let other = one.start_replica().await;
    let clients = [one.client(), other.client()];
    (one, other, clients)
}

/// Replaces the origin of a URL by the server's.
fn url_on(server: &Server, url: &str) -> String {
    let at = url.find("/v1/").unwrap();
    format!("{}{}", server.url(), &url[at..])
}

/// Fails unless every record has its bytes and the store holds nothing else.
async fn assert_consistent(server: &Server) -> Vec<Value> {
    let client = server.client();
    let files = client.list("state=any&limit=1000").await;
    let digests: BTreeSet<_> = files
        .iter()
        .map(|file| file["sha256"].to_string())
        .collect();
    for file in &files {
        let content = client.content(&id_of(file)).await.expect(200);
        assert_eq!(file["sha256"], sha256_hex(&content.body));
    }
    server.wait_for_objects(digests.len()).await;
    files
}

#[tokio::test]
async fn servers_share_links_cursors_keys_and_changes() {
    if !pairing_has(Capability::Replicas) {
        return;
    }
    let (one, other, [client, other_client]) = start_two_servers(Options::new()).await;
    let id = id_of(&client.store("a.pdf", PDF).await);
    client.store("b.pdf", b"b").await;

    assert_eq!(other_client.content(&id).await.expect(200).body, PDF);
    let link = client.link(&id, &json!({"action": "download"})).await;
    let linked = other
        .anonymous()
        .get(&url_on(&other, &link))
        .await
        .expect(200);
    assert_eq!(linked.body, PDF);
    let page = client.get("/v1/files?limit=1").await.expect(200).json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = other_client.list(&format!("limit=1&cursor={cursor}")).await;
    assert_eq!(next.len(), 1);
    assert_ne!(next[0]["id"], page["files"][0]["id"]);

    // A change by one server applies to the next request of the other.
    other_client
        .post(&format!("/v1/files/{id}/archive"))
        .await
        .expect(200);
    client.content(&id).await.expect(404);
    let refused = one.anonymous().get(&link).await;
    assert!(refused.status == 404, "{refused:?}");
    let key = one.create_key("default", &["files:read"]);
    let reader = other_client.with_key(&key);
    reader.get("/v1/files").await.expect(200);
    let key_id = key.split('_').nth(1).unwrap();
    one.cli(&["key", "revoke", key_id]);
    reader.get("/v1/files").await.expect(401);

    assert_eq!(one.home_entries(), ["stderr.log"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_across_servers_have_one_winner() {
    if !pairing_has(Capability::Replicas) {
        return;
    }
    let (_one, _other, clients) = start_two_servers(Options::new()).await;
    for round in 0..repetitions(10) {
        let id = id_of(&clients[0].store("a.pdf", &noise(round, 100)).await);
        let mut claims = JoinSet::new();
        for holder in 0..8 {
            let (client, id) = (clients[holder % 2].clone(), id.clone());
            claims.spawn(async move {
                let holder = format!("certificate:{holder}");
                (client.claim(&id, &holder).await.status, holder)
            });
        }
        let responses = claims.join_all().await;
        let winners: Vec<_> = responses
            .iter()
            .filter(|(status, _)| *status == 200)
            .collect();
        assert_eq!(winners.len(), 1, "{responses:?}");
        assert!(
            responses
                .iter()
                .all(|(status, _)| [200, 409].contains(status))
        );
        let record = clients[1].record(&id).await.expect(200).json();
        assert_eq!(record["used_by"], winners[0].1.as_str());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_uploads_and_deletes_lose_nothing() {
    if !pairing_has(Capability::Replicas) {
        return;
    }
    let (one, _other, clients) = start_two_servers(Options::new()).await;
    let mut tasks = JoinSet::new();
    for worker in 0..6_u64 {
        let (client, other_client) = match worker % 2 {
            0 => (clients[0].clone(), clients[1].clone()),
            _ => (clients[1].clone(), clients[0].clone()),
        };
        tasks.spawn(async move {
            let mut kept = Vec::new();
            for round in 0..repetitions(12) {
                // Few different contents, so that uploads and deletes of one often race.
                let bytes = noise((worker + round) % 3, 20_000);
                let id = id_of(&client.store(&format!("{worker}-{round}.bin"), &bytes).await);
                if round % 4 == 3 {
                    kept.push(id);
                } else {
                    other_client
                        .delete(&format!("/v1/files/{id}"))
                        .await
                        .expect(204);
                }
            }
            kept
        });
    }
    let kept: BTreeSet<String> = tasks.join_all().await.into_iter().flatten().collect();
    let files = assert_consistent(&one).await;
    assert_eq!(files.iter().map(id_of).collect::<BTreeSet<_>>(), kept);
    for id in kept {
        clients[1]
            .delete(&format!("/v1/files/{id}"))
            .await
            .expect(204);
    }
    one.wait_for_objects(0).await;
}

/// Uploads one file after the other, slowly, until the server is gone; counts the acknowledged ones
/// and returns them with their digests. `writer` seeds the bytes, so that no two writers send the same.
async fn write_until_killed(
    client: Client,
    writer: u64,
    length: usize,
    count: Arc<AtomicUsize>,
) -> BTreeMap<String, String> {
    let mut acknowledged = BTreeMap::new();
    for number in 0.. {
        let bytes = Bytes::from(noise(writer << 32 | number, length));
        let digest = sha256_hex(&bytes);
        let body = stream::unfold(bytes, async |mut rest| {
            let piece = rest.split_to(rest.len().min(200_000));
            tokio::time::sleep(Duration::from_millis(1)).await;
            (!piece.is_empty()).then_some((Ok(Frame::data(piece)), rest))
        });
        let target = format!("/v1/files?filename={writer}-{number}.bin");
        let request = client.request("POST", &target);
        let request = request.streamed("application/octet-stream", StreamBody::new(body).boxed());
        match request.try_send().await {
            Ok(response) => acknowledged.insert(id_of(&response.expect(201).only_file()), digest),
            Err(_) => break,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orphans_of_a_killed_server_are_deleted_by_another() {
    if !pairing_has(Capability::Replicas) {
        return;
    }
    let options = Options::new().environment("ATTACHE_UPLOAD_LEASE", "5s");
    let (mut one, other, _) = start_two_servers(options).await;
    let mut acknowledged = BTreeMap::new();
    let count = Arc::new(AtomicUsize::new(0));
    let mut interrupted = 0;
    for cycle in 0..repetitions(4) {
        if cycle > 0 {
            one = one.start_again().await;
        }
        let mut writers = JoinSet::new();
        let old_uploads = one.s3().open_uploads();
        let is_new = |path: &String| !old_uploads.contains(path);
        let old_count = count.load(Ordering::Relaxed);
        for writer in 0..6 {
            // One writer sends multipart uploads.
            let length = if writer == 0 { 20_000_000 } else { 300_000 };
            writers.spawn(write_until_killed(
                one.client(),
                cycle << 8 | writer,
                length,
                count.clone(),
            ));
        }
        eventually(
            "files are acknowledged, and a multipart upload is in flight",
            Duration::from_mins(2),
            async || (count.load(Ordering::Relaxed), one.s3().open_uploads()),
            |(count, uploads)| *count >= old_count + 3 && uploads.iter().any(is_new),
        )
        .await;
        one.kill();
        let uploads = one.s3().open_uploads();
        interrupted += uploads.iter().filter(|path| is_new(path)).count();
        acknowledged.extend(writers.join_all().await.into_iter().flatten());
    }
    assert!(interrupted > 0, "no kill hit an upload");
    let client = other.client();
    for (id, digest) in &acknowledged {
        let record = client.record(id).await.expect(200).json();
        assert_eq!(record["sha256"], digest.as_str());
    }
    assert_consistent(&other).await;
    assert_eq!(other.home_entries(), ["stderr.log"]);
}
