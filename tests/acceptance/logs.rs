//! Logs contain no secrets or personal data; every response has a request id.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Options, PDF, Server, id_of};

/// The request id of the last call before the log is read.
const MARKER: &str = "the-last-call";

/// Makes calls with sensitive data; returns the secrets that were used.
async fn make_calls(server: &Server) -> Vec<String> {
    let client = server.client();
    let fields = json!({
        "person": "canary-person", "name": "canary-name", "description": "canary-description",
        "visibility": "public",
    });
    let record = client.store_with("canary-filename.pdf", PDF, fields).await;
    let id = id_of(&record);
    let raw = client.upload_raw("canary-filename.bin", "&person=canary-person", b"x");
    raw.await.expect(201);
    client.list("person=canary-person&name=canary-name").await;
    client.claim(&id, "canary-holder").await.expect(200);
    client.release(&id, "canary-holder").await.expect(200);
    let change = json!({"person": "canary-person", "colour": "canary-value"});
    client.patch(&id, &change).await.expect(422);

    let link = client.link(&id, &json!({"action": "download"})).await;
    let anyone = server.anonymous();
    anyone.get(&link).await.expect(200);
    anyone.get(&format!("{link}x")).await.expect(403);
    let public = format!("/v1/public/{id}/canary-filename.pdf");
    anyone.get(&public).await.expect(200);

    let bad = client.with_key("att_canarykey000_canarysecret");
    bad.get("/v1/files").await.expect(401);
    let created = server.create_key("default", &["files:read"]);
    let reader = client.with_key(&created);
    reader.get("/v1/files").await.expect(200);
    reader.content(&id).await.expect(403);
    client.delete(&format!("/v1/files/{id}")).await.expect(204);
    let last = client
        .request("GET", "/v1/files")
        .header("x-request-id", MARKER);
    last.send().await.expect(200);

    let signature = link.rsplit('=').next().unwrap();
    assert_eq!(signature.len(), 43);
    let secret = |key: &str| key.rsplit('_').next().unwrap().to_owned();
    vec![secret(server.key()), secret(&created), signature.to_owned()]
}

#[tokio::test]
async fn log_contains_no_secret_or_personal_data() {
    let options = Options::new()
        .environment("ATTACHE_LOG_FORMAT", "json")
        .environment("ATTACHE_LOG", "trace")
        .environment("RUST_LOG", "trace");
    let mut server = Server::start(options).await;
    let mut words = make_calls(&server).await;
    words.extend(["canary", "Signature="].map(str::to_owned));
    server.terminate();
    server.wait_for_exit().await;

    let log = server.log();
    assert!(
        log.contains(MARKER),
        "a call is not logged with its id:\n{log}"
    );
    for word in words {
        let hit = log.lines().find(|line| line.contains(&word));
        assert_eq!(hit, None, "`{word}` is in the log");
    }
    for line in log.lines().filter(|line| !line.is_empty()) {
        let parsed: Result<Value, _> = serde_json::from_str(line);
        assert!(parsed.is_ok(), "not JSON: {line}");
    }
}

#[tokio::test]
async fn response_keeps_or_creates_a_request_id() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let mut generated = BTreeSet::new();
    for target in [
        "/livez",
        "/v1/files",
        "/nowhere",
        "/v1/files?colour=blue",
        "/openapi.json",
    ] {
        let response = client.get(target).await;
        assert!(
            generated.insert(response.header("x-request-id").to_owned()),
            "{target}: repeated"
        );
        let request = client
            .request("GET", target)
            .header("x-request-id", "mine-42/");
        assert_eq!(
            request.send().await.header("x-request-id"),
            "mine-42/",
            "{target}"
        );
    }
    for invalid in ["", "two words", &"x".repeat(129)] {
        let request = client
            .request("GET", "/livez")
            .header("x-request-id", invalid);
        let response = request.send().await;
        let responded = response.header("x-request-id");
        assert!(
            !responded.is_empty() && responded != invalid,
            "{invalid}: {responded}"
        );
    }
}
