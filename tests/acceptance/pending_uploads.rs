//! Pending uploads: begun with a key, sent by any bearer of the URL, then a record. The URL may be the
//! server's or the store's; common behaviour is tested with either.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{
    ALL_SCOPES, Options, PDF, Server, UNKNOWN_ID, assert_nothing_left, begin, declared_upload,
    finish, id_of, noise, send, sha256_hex, state, undeclared_upload, upload_path, upload_url,
};

const ORIGIN: &str = "https://app.example.org";

#[tokio::test]
async fn completed_upload_is_a_record_with_the_same_id() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let mut declared = declared_upload(PDF);
    declared["person"] = json!("PT-1");
    declared["category"] = json!("images");
    declared["name"] = json!("A scan");
    declared["description"] = json!("of a form");
    let pending = begin(&client, &declared).await;
    let id = id_of(&pending);
    assert_eq!(pending["state"], "pending");
    client.record(&id).await.problem(404, "not-found");
    assert!(client.list("state=any").await.is_empty());

    let record = finish(&server, &pending, PDF).await;
    assert_eq!(id_of(&record), id);
    for (field, value) in declared.as_object().unwrap() {
        assert_eq!(&record[field], value, "{field}");
    }
    assert_eq!(client.record(&id).await.expect(200).json(), record);
    let content = client.content(&id).await.expect(200);
    assert_eq!(content.body, PDF);
    let upload = client.get(&upload_path(&pending)).await.expect(200).json();
    assert_eq!(upload["state"], "completed");
    assert_eq!(upload["file"], record);
    let complete = format!("{}/complete", upload_path(&pending));
    assert_eq!(client.post(&complete).await.expect(200).json(), record);

    // The principal that began the upload is its uploader.
    let direct = client.store("other.bin", &noise(1, 100)).await;
    assert_eq!(record["uploaded_by"], direct["uploaded_by"]);
    // The copy is kept, and the object that the client wrote is deleted.
    server.wait_for_objects(2).await;
}

#[tokio::test]
async fn refused_attempt_stores_nothing_and_can_be_retried() {
    let server = Server::start(Options::new()).await;
    let (client, anyone) = (server.client(), server.anonymous());
    let mut sized = declared_upload(PDF);
    sized.as_object_mut().unwrap().remove("sha256");
    let mut digested = declared_upload(PDF);
    digested.as_object_mut().unwrap().remove("size_bytes");
    let mut wrong_byte = PDF.to_vec();
    wrong_byte[20] ^= 1;
    let longer = [PDF, b"x"].concat();
    for (declared, bytes, status, problem) in [
        (&digested, &wrong_byte[..], 422, "digest-mismatch"),
        (&digested, &longer, 422, "digest-mismatch"),
        (&sized, &longer, 400, "length-mismatch"),
        (&sized, &PDF[1..], 400, "length-mismatch"),
    ] {
        let pending = begin(&client, declared).await;
        let refused = send(&anyone, &pending, bytes).await;
        refused.problem(status, problem);
        assert_nothing_left(&server).await;
        assert_eq!(state(&client, &pending).await, "pending");
    }

    let pending = begin(&client, &sized).await;
    let put = || anyone.request("PUT", upload_url(&pending));
    let html = put().body("text/html", PDF).send().await;
    html.problem(422, "type-not-accepted");
    let compressed = put().header("content-encoding", "gzip");
    let compressed = compressed.body("application/pdf", PDF).send().await;
    compressed.problem(415, "unsupported-media-type");
    let no_pdf = noise(3, PDF.len());
    let no_pdf = send(&anyone, &pending, &no_pdf).await;
    no_pdf.problem(422, "type-not-accepted");
    assert_nothing_left(&server).await;

    let record = finish(&server, &pending, PDF).await;
    assert_eq!(id_of(&record), id_of(&pending));
    let again = send(&anyone, &pending, PDF).await;
    again.problem(409, "upload-completed");
    let kept = client.record(&id_of(&record)).await.expect(200).json();
    assert_eq!(kept, record);
}

#[tokio::test]
async fn refusal_precedes_100_continue() {
    let server = Server::start(Options::new()).await;
    let pending = begin(&server.client(), &undeclared_upload()).await;
    let target = upload_url(&pending).strip_prefix(server.url()).unwrap();
    for (target, content_type, status) in [
        (target.to_owned(), "text/html", 422),
        (format!("{target}x"), "application/octet-stream", 403),
    ] {
        let mut connection = server.connect().await;
        let head = format!(
            "PUT {target} HTTP/1.1\r\nHost: {}\r\nContent-Type: {content_type}\r\n\
             Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n",
            server.authority(),
        );
        connection.send(head).await;
        assert_eq!(connection.response().await.status, status);
    }
}

#[tokio::test]
async fn upload_link_is_valid_for_one_upload_only() {
    let server = Server::start(Options::new()).await;
    let (client, anyone) = (server.client(), server.anonymous());
    let pending = begin(&client, &undeclared_upload()).await;
    let other = begin(&client, &undeclared_upload()).await;
    let url = upload_url(&pending);
    let stored = id_of(&client.store("a.pdf", PDF).await);
    let read_link = client.link(&stored, &json!({})).await;
    let query = read_link.split_once('?').unwrap().1;
    let put = async |url: &str| {
        let request = anyone.request("PUT", url);
        request.body("application/octet-stream", PDF).send().await
    };
    for wrong in [
        url.replace(&id_of(&pending), &id_of(&other)),
        url.replace(&id_of(&pending), UNKNOWN_ID),
        url.replace("Expires=", "Expires=9"),
        format!("{url}&Expires=1"),
        format!("/v1/uploads/{}/content", id_of(&pending)),
        format!("/v1/uploads/{}/content?{query}", id_of(&pending)),
    ] {
        put(&wrong).await.problem(403, "invalid-link");
    }
    for method in ["GET", "HEAD", "POST", "DELETE"] {
        let response = anyone.request(method, url).send().await.expect(405);
        assert_eq!(response.header("allow"), "PUT");
    }
    put(url).await.expect(201);

    let upload = upload_path(&other);
    client.delete(&upload).await.expect(204);
    put(upload_url(&other)).await.problem(404, "not-found");
    client.get(&upload).await.problem(404, "not-found");
    client.delete(&upload).await.problem(404, "not-found");
}

#[tokio::test]
async fn upload_requires_its_tenant_and_files_write() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let pending = begin(&client, &undeclared_upload()).await;
    let upload = upload_path(&pending);
    let complete = format!("{upload}/complete");
    let stranger = server.other_tenant("other");
    stranger.get(&upload).await.problem(404, "not-found");
    stranger.post(&complete).await.problem(404, "not-found");
    stranger.delete(&upload).await.problem(404, "not-found");

    let readers: Vec<_> = ALL_SCOPES
        .into_iter()
        .filter(|it| *it != "files:write")
        .collect();
    let reader = client.with_key(&server.create_key("default", &readers));
    let begun = reader.post_json("/v1/uploads", &undeclared_upload()).await;
    begun.problem(403, "missing-scope");
    reader.get(&upload).await.problem(403, "missing-scope");
    reader.post(&complete).await.problem(403, "missing-scope");
    reader.delete(&upload).await.problem(403, "missing-scope");
    let writer = client.with_key(&server.create_key("default", &["files:write"]));
    let mut public = undeclared_upload();
    public["visibility"] = json!("public");
    let refused = writer.post_json("/v1/uploads", &public).await;
    refused.problem_mentioning(403, "missing-scope", "links:create");

    for (field, value) in [
        ("dedup", json!(true)),
        ("expires_in", json!(86_401)),
        ("content_type", json!("pdf")),
    ] {
        let mut declared = undeclared_upload();
        declared[field] = value;
        let refused = client.post_json("/v1/uploads", &declared).await;
        refused.problem_mentioning(422, "invalid-field", field);
    }
    client
        .post(&complete)
        .await
        .problem(409, "upload-incomplete");
}

#[tokio::test]
async fn expired_upload_is_refused_and_cleaned_up() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let mut declared = undeclared_upload();
    declared["expires_in"] = json!(1);
    let pending = begin(&client, &declared).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let late = send(&server.anonymous(), &pending, PDF).await;
    late.problem(403, "link-expired");
    assert_eq!(state(&client, &pending).await, "expired");
    let complete = format!("{}/complete", upload_path(&pending));
    client.post(&complete).await.problem(410, "upload-expired");
    assert_nothing_left(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_concurrent_senders_wins() {
    let server = Server::start(Options::new()).await;
    let pending = begin(&server.client(), &undeclared_upload()).await;
    let mut senders = JoinSet::new();
    for seed in 0..8 {
        let (anyone, pending) = (server.anonymous(), pending.clone());
        let bytes = noise(seed, 200_000);
        senders.spawn(async move { (send(&anyone, &pending, &bytes).await, bytes) });
    }
    let mut winners = Vec::new();
    for (response, bytes) in senders.join_all().await {
        if response.status == 201 {
            winners.push(bytes);
        } else {
            // Too many at once, or too late.
            assert_eq!(response.status, 409, "{response:?}");
            let problem = response.json()["type"].as_str().unwrap().to_owned();
            let kinds = ["upload-busy", "upload-completed"];
            assert!(
                kinds.iter().any(|kind| problem.ends_with(kind)),
                "{problem}"
            );
        }
    }
    assert_eq!(winners.len(), 1);
    let content = server.client().content(&id_of(&pending)).await.expect(200);
    assert!(content.body == winners[0], "bytes of another sender");
    server.wait_for_objects(1).await;
}

#[tokio::test]
async fn upload_link_survives_kill_minus_nine_while_sending() {
    let options = Options::new().environment("ATTACHE_UPLOAD_LEASE", "2s");
    let mut server = Server::start(options).await;
    let bytes = noise(7, 5_000_000);
    let mut declared = undeclared_upload();
    declared["size_bytes"] = json!(bytes.len());
    let mut pending = begin(&server.client(), &declared).await;
    let target = upload_url(&pending)
        .strip_prefix(server.url())
        .unwrap()
        .to_owned();
    let mut connection = server.connect().await;
    let head = format!(
        "PUT {target} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {}\r\n\r\n",
        server.authority(),
        bytes.len(),
    );
    connection.send(head).await;
    connection.send(&bytes[..2_000_000]).await;
    // Wait until the store has part of it, or for two seconds if it shows nothing before the end.
    for _ in 0..40 {
        if !server.stored_objects().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.kill();
    server = server.start_again().await;

    let client = server.client();
    assert_eq!(state(&client, &pending).await, "pending");
    assert!(client.list("state=any").await.is_empty());
    // The reaper deletes the orphan of the kill.
    server.wait_for_objects(0).await;
    pending["url"] = json!(format!("{}{target}", server.url()));
    let record = send(&server.anonymous(), &pending, &bytes).await;
    assert_eq!(record.expect(201).json()["sha256"], sha256_hex(&bytes));
    let content = client.content(&id_of(&pending)).await.expect(200);
    assert!(content.body == bytes, "wrong bytes");
    server.wait_for_objects(1).await;
}

#[tokio::test]
async fn upload_link_survives_incomplete_body() {
    let server = Server::start(Options::new()).await;
    let pending = begin(&server.client(), &undeclared_upload()).await;
    let target = upload_url(&pending).strip_prefix(server.url()).unwrap();
    let mut connection = server.connect().await;
    let head = format!(
        "PUT {target} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: 5000000\r\n\r\n",
        server.authority(),
    );
    connection.send(head).await;
    connection.send(noise(1, 2_000_000)).await;
    connection.shutdown_write().await;
    if let Some(response) = connection.try_response().await {
        response.problem(400, "body-cut-off");
    }
    assert_nothing_left(&server).await;
    let sent = send(&server.anonymous(), &pending, &noise(2, 1000)).await;
    sent.expect(201);
}

#[tokio::test]
async fn upload_link_accepts_any_origin() {
    let server = Server::start(Options::new()).await;
    let anyone = server.anonymous();
    let pending = begin(&server.client(), &undeclared_upload()).await;
    let url = upload_url(&pending);
    let preflight = anyone.request("OPTIONS", url).header("origin", ORIGIN);
    let preflight = preflight.header("access-control-request-method", "PUT");
    let preflight = preflight.header("access-control-request-headers", "content-type");
    let preflight = preflight.send().await;
    assert!((200..300).contains(&preflight.status), "{preflight:?}");
    assert_eq!(preflight.header("access-control-allow-origin"), ORIGIN);
    let methods = preflight.header("access-control-allow-methods");
    assert!(methods.contains("PUT"), "{methods}");
    let headers = preflight
        .header("access-control-allow-headers")
        .to_lowercase();
    assert!(headers.contains("content-type"), "{headers}");

    let put = anyone.request("PUT", url).header("origin", ORIGIN);
    let refused = put.body("text/html", PDF).send().await;
    assert_eq!(refused.header("access-control-allow-origin"), ORIGIN);
    refused.problem(422, "type-not-accepted");
    let put = anyone.request("PUT", url).header("origin", ORIGIN);
    let sent = put.body("application/octet-stream", PDF).send().await;
    assert_eq!(sent.header("access-control-allow-origin"), ORIGIN);
    sent.expect(201);
}
