//! Outages of the database or the store: 503, nothing lost, and retries are safe.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use attache_testkit::{S3Fault, S3Operation, ThrowawayPostgres};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{
    Capability, Client, Options, Response, Server, eventually, id_of, noise, pairing_has,
    sha256_hex,
};

const TIMEOUT: Duration = Duration::from_mins(1);

/// Returns `true` if the status is one of `done`; otherwise fails unless it is a 503 with `Retry-After`.
#[track_caller]
fn expect_done_or_unavailable(response: &Response, done: &[u16]) -> bool {
    if done.contains(&response.status) {
        return true;
    }
    let wait = response.header("retry-after");
    assert!(
        wait.parse::<u64>().is_ok_and(|seconds| seconds > 0),
        "{response:?}"
    );
    response.clone().problem(503, "unavailable");
    false
}

/// Retries until the request is done; returns the response and the number of refusals.
async fn retry_until_done<F: Future<Output = Response>>(
    done: &[u16],
    mut attempt: impl FnMut() -> F,
) -> (Response, u32) {
    let started = Instant::now();
    let mut refusals = 0;
    loop {
        let response = attempt().await;
        if expect_done_or_unavailable(&response, done) {
            return (response, refusals);
        }
        assert!(started.elapsed() < TIMEOUT, "{response:?}");
        refusals += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Uploads and claims files until `stop`, with retries; returns the digest of each file by name, and the
/// number of refusals.
async fn upload_and_claim(
    client: Client,
    worker: u64,
    stop: Instant,
) -> (BTreeMap<String, String>, u32) {
    let (mut done, mut refusals) = (BTreeMap::new(), 0);
    for number in 0.. {
        if Instant::now() > stop {
            break;
        }
        let name = format!("{worker}-{number}.bin");
        let bytes = noise(worker << 32 | number, 10_000);
        let upload = || {
            let (client, name, bytes) = (client.clone(), name.clone(), bytes.clone());
            async move {
                let fields = json!({"dedup": true});
                client.upload_json(&name, &bytes, fields).await
            }
        };
        let (response, refused) = retry_until_done(&[200, 201], upload).await;
        refusals += refused;
        let id = id_of(&response.only_file());
        let holder = format!("certificate:{name}");
        let claim = || {
            let (client, id, holder) = (client.clone(), id.clone(), holder.clone());
            async move { client.claim(&id, &holder).await }
        };
        let (claimed, refused) = retry_until_done(&[200], claim).await;
        refusals += refused;
        assert_eq!(claimed.json()["used_by"], holder.as_str());
        done.insert(name, sha256_hex(&bytes));
    }
    (done, refusals)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn database_crash_loses_and_repeats_nothing() {
    if !pairing_has(Capability::DatabaseServer) {
        return;
    }
    let postgres = ThrowawayPostgres::start().unwrap();
    let server = Server::start_on_postgres(&postgres, Options::new()).await;
    let stop = Instant::now() + Duration::from_secs(8);
    let mut workers = JoinSet::new();
    for worker in 0..4 {
        workers.spawn(upload_and_claim(server.client(), worker, stop));
    }
    let anyone = server.anonymous();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        postgres.crash().unwrap();
        let readiness = async || anyone.get("/readyz").await.status;
        eventually("unready", TIMEOUT, readiness, |status| *status == 503).await;
        anyone.get("/livez").await.expect(200);
        let refused = server.client().get("/v1/files").await;
        assert!(!expect_done_or_unavailable(&refused, &[]));
        postgres.restart().unwrap();
        let readiness = async || anyone.get("/readyz").await.status;
        eventually("ready again", TIMEOUT, readiness, |status| *status == 200).await;
    }

    let mut done = BTreeMap::new();
    let mut refusals = 0;
    for (names, refused) in workers.join_all().await {
        done.extend(names);
        refusals += refused;
    }
    println!(
        "{} files stored and claimed, {refusals} refusals",
        done.len()
    );
    assert!(refusals > 0, "no request hit a crash");
    let client = server.client();
    let mut seen = BTreeMap::new();
    for file in client.list_all("limit=1000").await {
        let name = file["filename"].as_str().unwrap().to_owned();
        assert_eq!(file["used_by"], format!("certificate:{name}"));
        let digest = file["sha256"].as_str().unwrap().to_owned();
        assert_eq!(seen.insert(name.clone(), digest), None, "{name} twice");
    }
    assert_eq!(seen, done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frozen_database_returns_503_and_holds_up_no_stop() {
    if !pairing_has(Capability::DatabaseServer) {
        return;
    }
    let postgres = ThrowawayPostgres::start().unwrap();
    let mut server = Server::start_on_postgres(&postgres, Options::new()).await;
    let (client, anyone) = (server.client(), server.anonymous());
    client.store("kept.bin", b"kept").await;
    let lines_before = server
        .log()
        .lines()
        .filter(|line| line.contains("ERROR"))
        .count();
    postgres.freeze().unwrap();
    for _ in 0..50 {
        let started = Instant::now();
        assert!(!expect_done_or_unavailable(
            &client.get("/v1/files").await,
            &[]
        ));
        anyone.get("/readyz").await.expect(503);
        anyone.get("/livez").await.expect(200);
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{:?}",
            started.elapsed()
        );
    }
    let log = server.log();
    let errors = log.lines().filter(|line| line.contains("ERROR"));
    assert_eq!(errors.count() - lines_before, 1, "{log}");

    postgres.thaw().unwrap();
    let readiness = async || anyone.get("/readyz").await.status;
    eventually("ready again", TIMEOUT, readiness, |status| *status == 200).await;
    assert_eq!(client.list("").await.len(), 1);

    postgres.freeze().unwrap();
    server.terminate();
    assert_eq!(
        server.wait_for_exit().await.code(),
        Some(0),
        "{}",
        server.log()
    );
    postgres.thaw().unwrap();
}

#[tokio::test]
async fn store_outage_has_one_error_line() {
    if !pairing_has(Capability::StoreServer) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("kept.bin", b"kept").await);
    let fault = S3Fault::Refused(503, "SlowDown");
    server.s3().fail_next(S3Operation::Get, fault, usize::MAX);
    for _ in 0..5 {
        assert!(!expect_done_or_unavailable(&client.content(&id).await, &[]));
    }
    server.s3().clear_faults();
    let log = server.log();
    let errors = log.lines().filter(|line| line.contains("ERROR"));
    assert_eq!(errors.count(), 1, "{log}");
    client.content(&id).await.expect(200);
}

#[tokio::test]
async fn unavailable_store_returns_503_and_keeps_nothing() {
    if !pairing_has(Capability::StoreServer) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("kept.bin", b"kept").await);
    for fault in [S3Fault::Refused(503, "SlowDown"), S3Fault::LostRequest] {
        server.s3().fail_next(S3Operation::Put, fault, usize::MAX);
        let refused = client.upload_raw("a.bin", "", b"a").await;
        assert!(!expect_done_or_unavailable(&refused, &[]), "{fault:?}");
        server.s3().fail_next(S3Operation::Get, fault, usize::MAX);
        let refused = client.content(&id).await;
        assert!(!expect_done_or_unavailable(&refused, &[]), "{fault:?}");
        // Records need no store.
        client.record(&id).await.expect(200);
        server.s3().clear_faults();
    }
    client.store("b.bin", b"b").await;
    assert_eq!(client.content(&id).await.expect(200).body.as_ref(), b"kept");
    assert_eq!(client.list("").await.len(), 2);
    server.wait_for_objects(2).await;
}
