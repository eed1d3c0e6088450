//! Stored bytes that are lost: served as lost, named by `attached verify`, repaired by an upload.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Options, Server, id_of, noise, run};

/// Runs `attached verify` beside the server; returns its exit code and its lines.
fn verify(server: &Server, arguments: &[&str]) -> (i32, Vec<Value>) {
    let arguments = [&["verify", "--json"], arguments].concat();
    let output = run(&mut server.command(&arguments));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (output.status.code().unwrap(), lines.collect())
}

/// Returns the ids of the lost files, and their faults.
fn lost(lines: &[Value]) -> Vec<(String, String)> {
    let lost = lines.iter().filter(|line| line["kind"] == "lost-file");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut lost: Vec<_> = lost
        .map(|it| (text(&it["file"]), text(&it["fault"])))
        .collect();
    lost.sort();
    lost
}

#[tokio::test]
async fn damaged_bytes_are_named_and_repaired() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let right = noise(1, 300_000);
    let first = id_of(&client.store("first.bin", &right).await);
    let second = id_of(&client.store("second.bin", &right).await);
    client.store("other.bin", b"other").await;
    server.wait_for_objects(2).await;
    assert_eq!(verify(&server, &["--deep"]).0, 0);

    let mut wrong = right.clone();
    *wrong.last_mut().unwrap() ^= 1;
    let objects = server.stored_objects();
    let object = objects.iter().find(|it| it.size_bytes == 300_000).unwrap();
    server.replace_object(object, &wrong);
    assert_eq!(verify(&server, &[]).0, 0, "the size is right");
    let (code, lines) = verify(&server, &["--deep", "--tenant", "default"]);
    let mut expected = [&first, &second].map(|id| (id.clone(), "wrong-digest".to_owned()));
    expected.sort();
    assert_eq!((code, lost(&lines)), (3, expected.to_vec()));

    let target = format!("/v1/files/{first}/content");
    let cut = client.request("GET", &target).try_send().await;
    assert!(cut.is_err(), "wrong bytes end well: {cut:?}");

    client.store("third.bin", &right).await;
    for id in [&first, &second] {
        assert_eq!(client.content(id).await.expect(200).body, right);
    }
    assert_eq!(verify(&server, &["--deep"]).0, 0);
    server.wait_for_objects(2).await;
}

#[tokio::test]
async fn missing_bytes_and_unknown_blobs_are_reported() {
    for replace_by_directory in [false, true] {
        let server = Server::start_embedded(Options::new()).await;
        let client = server.client();
        let blobs = server.data_dir().join("blobs/blobs");
        let id = id_of(&client.store("a.txt", b"some bytes").await);
        server.wait_for_objects(1).await;
        let object = server.stored_objects().pop().unwrap();
        fs::remove_file(&object.path).unwrap();
        if replace_by_directory {
            fs::create_dir(&object.path).unwrap();
        }
        let (code, lines) = verify(&server, &["--mark"]);
        let expected = vec![(id.clone(), "missing".to_owned())];
        assert_eq!((code, lost(&lines)), (3, expected));
        assert_eq!(lines.last().unwrap()["marked"], json!(1));
        let response = client.content(&id).await;
        let problem = response.problem(500, "content-lost");
        assert!(
            problem["detail"].as_str().unwrap().contains(&id),
            "{problem}"
        );

        client.store("b.txt", b"some bytes").await;
        let body = client.content(&id).await.expect(200).body;
        assert_eq!(body, b"some bytes"[..]);
        assert_eq!(verify(&server, &["--deep"]).0, 0);
        fs::create_dir_all(blobs.join("1/00")).unwrap();
        fs::write(blobs.join("1/00/orphan"), "x").unwrap();
        let (code, lines) = verify(&server, &[]);
        assert_eq!(code, 4);
        let orphan = json!({"kind": "unknown-blob", "storage_key": "1/00/orphan"});
        assert!(lines.contains(&orphan), "{lines:?}");
        let (code, _) = verify(&server, &["--tenant", "nobody"]);
        assert_eq!(code, 1);
    }
}

#[tokio::test]
async fn marking_by_the_store_of_another_is_refused() {
    let server = Server::start_embedded(Options::new()).await;
    let other = Server::start_embedded(Options::new()).await;
    let id = id_of(&server.client().store("a.txt", b"some bytes").await);
    let foreign = format!("file:{}", other.data_dir().join("blobs").display());
    let (code, lines) = verify(&server, &["--mark", "--storage-url", &foreign]);
    assert_eq!((code, lines), (1, Vec::new()));
    assert_eq!(verify(&server, &["--mark"]).0, 0, "nothing was marked");
    server.client().content(&id).await.expect(200);
}
