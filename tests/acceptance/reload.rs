//! SIGHUP reads files of the configuration again; a bad one changes nothing.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{Options, Server, eventually, id_of};

const NEW_KEY: &str = "new:9f6b3c0de18a4475b2c7f01d5e8893aa46d1c05b7e2f98340c6ad7b5e1f38297\n";

/// Starts an embedded server whose keys and log filter are files in `folder`.
async fn start(folder: &Path) -> Server {
    fs::write(folder.join("log"), "warn,attached=info\n").unwrap();
    let filter = format!("@{}", folder.join("log").display());
    Server::start_embedded(Options::new().environment("ATTACHE_LOG", &filter)).await
}

/// Sends SIGHUP, and waits until the log has `count` lines with `words`.
async fn reload(server: &Server, words: &str, count: usize) {
    server.send_signal(Signal::HUP);
    let lines = async || server.log().matches(words).count();
    let patience = Duration::from_secs(20);
    eventually(words, patience, lines, |found| *found == count).await;
}

#[tokio::test]
async fn rotated_keys_apply_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let client = server.client();
    let id = id_of(&client.store("a.txt", b"bytes").await);
    let old = client.link(&id, &json!({})).await;
    let path = server.data_dir().join("signing-keys");
    let first = fs::read_to_string(&path).unwrap();

    fs::write(&path, format!("{NEW_KEY}{first}")).unwrap();
    reload(&server, "read again", 1).await;
    let new = client.link(&id, &json!({})).await;
    assert!(
        new.contains("KeyId=new") && !old.contains("KeyId=new"),
        "{new}"
    );
    for link in [&old, &new] {
        server.anonymous().get(link).await.expect(200);
    }

    fs::write(&path, NEW_KEY).unwrap();
    reload(&server, "read again", 2).await;
    server.anonymous().get(&old).await.expect(403);
    server.anonymous().get(&new).await.expect(200);
}

#[tokio::test]
async fn bad_key_file_leaves_the_keys_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(folder.path()).await;
    let client = server.client();
    let id = id_of(&client.store("a.txt", b"bytes").await);
    let link = client.link(&id, &json!({})).await;
    let path = server.data_dir().join("signing-keys");
    for (tries, bad) in ["", "new:short", "no colon"].into_iter().enumerate() {
        fs::write(&path, bad).unwrap();
        reload(&server, "the signing keys stay as they were", tries + 1).await;
        server.anonymous().get(&link).await.expect(200);
    }
    fs::remove_file(&path).unwrap();
    reload(&server, "there is no key file", 1).await;
    server.anonymous().get(&link).await.expect(200);
    server.terminate();
    assert_eq!(server.wait_for_exit().await.code(), Some(0));
}

#[tokio::test]
async fn log_filter_file_applies_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let request = async |id: &'static str| {
        let request = server.anonymous().request("GET", "/livez");
        request.header("x-request-id", id).send().await.expect(200);
    };
    request("logged").await;
    fs::write(folder.path().join("log"), "inof").unwrap();
    reload(&server, "the log filter stays as it was", 1).await;
    request("logged-still").await;
    fs::write(folder.path().join("log"), "info,attached::server=warn\n").unwrap();
    reload(&server, "attached::server=warn", 1).await;
    request("silenced").await;
    fs::write(folder.path().join("log"), "info").unwrap();
    // The first was of the bad filter.
    reload(&server, "read again", 3).await;
    request("logged-again").await;
    let has_last = async || server.log().contains("logged-again");
    eventually("logged", Duration::from_secs(20), has_last, |has| *has).await;
    let log = server.log();
    assert!(log.contains("logged-still"), "{log}");
    assert!(!log.contains("silenced"), "{log}");
}
