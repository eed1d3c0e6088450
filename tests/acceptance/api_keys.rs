//! API keys and tenants: created, listed and revoked on the command line while the server runs.

use std::time::Duration;

use crate::support::{ALL_SCOPES, Options, Server, eventually, id_of, run};

/// The public part of a key, by which it is revoked.
fn key_id(key: &str) -> &str {
    key.split('_').nth(1).unwrap()
}

#[tokio::test]
async fn key_changes_apply_to_the_next_request() {
    let server = Server::start(Options::new()).await;
    let key = server.create_key("default", &ALL_SCOPES);
    assert_eq!(key.lines().count(), 1, "only the secret is on stdout");
    let client = server.client().with_key(&key);
    client.get("/v1/files").await.expect(200);

    let listed = server.cli(&["key", "list"]);
    assert!(listed.contains(key_id(&key)), "{listed}");
    let secret = key.rsplit('_').next().unwrap();
    assert!(!listed.contains(secret), "the secret is listed");
    let again = server.create_key("default", &ALL_SCOPES);
    assert_ne!(again, key);

    server.cli(&["key", "revoke", key_id(&key)]);
    client
        .get("/v1/files")
        .await
        .problem(401, "unauthenticated");
    server
        .client()
        .with_key(&again)
        .get("/v1/files")
        .await
        .expect(200);
    server.client().get("/v1/files").await.expect(200);
}

#[tokio::test]
async fn expired_key_is_refused() {
    let server = Server::start(Options::new()).await;
    let arguments = [
        "key",
        "create",
        "--tenant",
        "default",
        "--expires-in",
        "15s",
        "--name",
        "brief",
    ];
    let key = server.cli(&arguments);
    let client = server.client().with_key(&key);
    client.get("/v1/files").await.expect(200);
    let expired = eventually(
        "the key expires",
        Duration::from_secs(90),
        async || client.get("/v1/files").await,
        |response| response.status != 200,
    )
    .await;
    expired.problem(401, "unauthenticated");
}

#[tokio::test]
async fn key_without_scopes_option_has_all_scopes() {
    let server = Server::start(Options::new()).await;
    let key = server.cli(&["key", "create", "--tenant", "default"]);
    let client = server.client().with_key(&key);
    let record = client.store("a.txt", b"a").await;
    let id = id_of(&record);
    client.content(&id).await.expect(200);
    client.claim(&id, "h").await.expect(200);
    client.release(&id, "h").await.expect(200);
    client
        .link(&id, &serde_json::json!({"action": "download"}))
        .await;
    client.delete(&format!("/v1/files/{id}")).await.expect(204);
}

#[tokio::test]
async fn invalid_arguments_are_refused_and_named() {
    let server = Server::start(Options::new()).await;
    server.create_tenant("district-7");
    let cases: [(&[&str], &str); 7] = [
        (&["tenant", "create", "district-7"], "district-7"),
        (&["tenant", "create", "not a slug"], "not a slug"),
        (&["key", "create", "--tenant", "missing"], "missing"),
        (
            &[
                "key",
                "create",
                "--tenant",
                "default",
                "--scopes",
                "files:paint",
            ],
            "files:paint",
        ),
        (
            &[
                "key",
                "create",
                "--tenant",
                "default",
                "--expires-in",
                "soon",
            ],
            "soon",
        ),
        (&["key", "revoke", "000000000000"], "000000000000"),
        (&["key", "revoke", "garbage"], "garbage"),
    ];
    for (arguments, named) in cases {
        let output = run(&mut server.command(arguments));
        assert!(
            !output.status.success(),
            "attached {arguments:?}: {output:?}"
        );
        assert!(
            output.stdout.is_empty(),
            "attached {arguments:?}: {output:?}"
        );
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(
            stderr.contains(named) && !stderr.contains("panicked"),
            "{arguments:?}: {stderr}"
        );
    }
}

#[tokio::test]
async fn check_and_migrate_work_while_server_runs() {
    let server = Server::start(Options::new()).await;
    server.cli(&["check"]);
    server.cli(&["migrate"]);
    server.client().store("a.txt", b"a").await;
}
