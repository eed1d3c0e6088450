//! The first start without configuration, restarts, and the data directory.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Capability, Options, PDF, Server, eventually, has_program, id_of, pairing_has, run, sha256_hex,
};

/// The `curl` command on stdout, with its continuation lines.
fn printed_curl(printed: &str) -> String {
    let lines = printed
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("curl "));
    let mut command = String::new();
    for line in lines {
        command.push_str(line.trim());
        command.push('\n');
        if !line.trim_end().ends_with('\\') {
            break;
        }
    }
    assert!(!command.is_empty(), "no curl command in:\n{printed}");
    command
}

/// The file that a curl command uploads: the text after its `@`.
fn uploaded_file(command: &str) -> &str {
    let (_, rest) = command
        .split_once('@')
        .unwrap_or_else(|| panic!("no file in {command}"));
    rest.split([' ', ';', '"', '\'', '\n', '\\'])
        .next()
        .unwrap()
}

#[tokio::test]
async fn first_start_prints_a_key_and_working_curl() {
    if !pairing_has(Capability::FirstStart) || !has_program("curl", "first_start") {
        return;
    }
    let server = Server::start(Options::new()).await;
    assert!(server.key().starts_with("att_"));
    // The key and the address come in any order, the curl command after both.
    let printed = eventually(
        "a curl command",
        Duration::from_secs(10),
        async || server.stdout(),
        |printed| printed.contains("curl "),
    )
    .await;
    let command = printed_curl(&printed);

    let elsewhere = TempDir::new().unwrap();
    let file = elsewhere.path().join(uploaded_file(&command));
    if !file.exists() {
        fs::write(&file, PDF).unwrap();
    }
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(&command)
        .current_dir(elsewhere.path())
        .stdin(Stdio::null());
    let output = run(&mut shell);

    assert!(output.status.success(), "{command}\n{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let document = &stdout[stdout
        .find('{')
        .unwrap_or_else(|| panic!("{command}\n{stdout}"))..];
    let response: Value = serde_json::from_str(document.trim()).unwrap();
    let listed = server.client().list("").await;
    assert_eq!(listed.len(), 1, "{listed:#?}");
    assert_eq!(response["files"][0]["id"], listed[0]["id"], "{response:#}");
    assert_eq!(listed[0]["sha256"], sha256_hex(&fs::read(&file).unwrap()));
}

#[tokio::test]
async fn running_server_is_alive_and_ready() {
    let server = Server::start(Options::new()).await;
    for path in ["/livez", "/readyz"] {
        server.anonymous().get(path).await.expect(200);
        let head = server.anonymous().head(path).await.expect(200);
        assert!(head.body.is_empty());
    }
}

#[tokio::test]
async fn restart_keeps_data_and_prints_no_second_key() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let claimed = client
        .store_with("claimed.pdf", PDF, json!({"person": "p-1"}))
        .await;
    let claimed_id = id_of(&claimed);
    client
        .claim(&claimed_id, "certificate:42")
        .await
        .expect(200);
    let archived = id_of(&client.store("archived.txt", b"away").await);
    client
        .post(&format!("/v1/files/{archived}/archive"))
        .await
        .expect(200);
    let link = client
        .link(&claimed_id, &json!({"action": "download"}))
        .await;
    let link_target = link[server.url().len()..].to_owned();
    let before = client.list("state=any").await;

    let server = server.restart().await;

    assert!(!server.stdout().contains("att_"), "{}", server.stdout());
    let client = server.client();
    assert_eq!(client.list("state=any").await, before);
    assert_eq!(client.content(&claimed_id).await.expect(200).body, PDF);
    client
        .claim(&claimed_id, "certificate:43")
        .await
        .problem(409, "file-claimed");
    let linked = server.anonymous().get(&link_target).await.expect(200);
    assert_eq!(linked.body, PDF);
}

#[tokio::test]
async fn second_server_on_data_directory_is_refused() {
    if !pairing_has(Capability::DataDirectory) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let mut second = server.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut second = second
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while second.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(30) {
            second.kill().unwrap();
            panic!("a second server runs on the same directory");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let output = second.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    let folder = server.data_dir();
    assert!(
        stderr.contains(folder.to_str().unwrap()),
        "the directory is not named: {stderr}"
    );
    assert!(!stderr.contains("panicked"), "{stderr}");
    // The first server still works.
    server.client().store("a.txt", b"a").await;
}

#[tokio::test]
async fn data_directory_is_owner_only() {
    if !pairing_has(Capability::DataDirectory) {
        return;
    }
    let server = Server::start(Options::new()).await;
    server.client().store("a.txt", b"a").await;
    let mut folders = vec![server.data_dir().to_owned()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                folders.push(entry.path());
                continue;
            }
            seen += 1;
            let mode = metadata.permissions().mode() & 0o777;
            assert_eq!(
                mode & 0o077,
                0,
                "{} has mode {mode:o}",
                entry.path().display()
            );
        }
    }
    assert!(
        seen >= 3,
        "the database, the signing keys and a blob: {seen}"
    );
}
