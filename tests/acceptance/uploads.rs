//! Uploads: promised with a key, sent by whoever has the URL, and a record after that. The URL may be the
//! server's or the store's: what is the same for both is tested with whatever is answered.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    ALL_SCOPES, Answer, Client, Options, PDF, Server, UNKNOWN_ID, id_of, noise, sha256_hex,
};

const PAGE: &str = "https://app.example.org";

/// What is promised of a file that goes straight to the store, where it can.
fn whole_promise(bytes: &[u8]) -> Value {
    json!({
        "filename": "scan.pdf",
        "content_type": "application/pdf",
        "size_bytes": bytes.len(),
        "sha256": sha256_hex(bytes),
    })
}

/// What is promised of a file that comes through the server everywhere.
fn loose_promise() -> Value {
    json!({"filename": "scan.bin", "content_type": "application/octet-stream"})
}

async fn begin(client: &Client, promise: &Value) -> Value {
    let answer = client.post_json("/v1/uploads", promise).await;
    answer.expect(201).json()
}

fn url_of(promised: &Value) -> &str {
    promised["url"].as_str().unwrap()
}

fn upload_of(promised: &Value) -> String {
    format!("/v1/uploads/{}", id_of(promised))
}

fn goes_to(server: &Server, promised: &Value) -> bool {
    url_of(promised).starts_with(server.url())
}

/// Makes the request that was asked for, as a client does that knows nothing else.
async fn send(anyone: &Client, promised: &Value, bytes: &[u8]) -> Answer {
    let method = promised["method"].as_str().unwrap();
    let mut request = anyone.request(method, url_of(promised));
    request = request.body("application/x-unset", bytes.to_vec());
    for (name, value) in promised["headers"].as_object().unwrap() {
        // The length is the client's own to write, and it writes that of its body.
        if !name.eq_ignore_ascii_case("content-length") {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    request.send().await
}

/// Sends the bytes and completes the upload where that is still to be done; answers the record.
async fn finish(server: &Server, promised: &Value, bytes: &[u8]) -> Value {
    let sent = send(&server.anonymous(), promised, bytes).await;
    if goes_to(server, promised) {
        return sent.expect(201).json();
    }
    assert!((200..300).contains(&sent.status), "{sent:?}");
    let complete = format!("{}/complete", upload_of(promised));
    server.client().post(&complete).await.expect(200).json()
}

async fn state(client: &Client, promised: &Value) -> String {
    let upload = client.get(&upload_of(promised)).await.expect(200).json();
    upload["state"].as_str().unwrap().to_owned()
}

async fn assert_nothing_left(server: &Server) {
    let listed = server.client().list("state=any").await;
    assert!(listed.is_empty(), "{listed:#?}");
    server.wait_for_objects(0, Duration::from_secs(20)).await;
}

#[tokio::test]
async fn a_promised_file_is_a_record_under_the_promised_id() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let mut promise = whole_promise(PDF);
    promise["person"] = json!("PT-1");
    promise["category"] = json!("images");
    promise["name"] = json!("A scan");
    promise["description"] = json!("of a form");
    let promised = begin(&client, &promise).await;
    let id = id_of(&promised);
    assert_eq!(promised["state"], "pending");
    client.record(&id).await.problem(404, "not-found");
    assert!(client.list("state=any").await.is_empty());

    let record = finish(&server, &promised, PDF).await;
    assert_eq!(id_of(&record), id);
    for (field, value) in promise.as_object().unwrap() {
        assert_eq!(&record[field], value, "{field}");
    }
    assert_eq!(client.record(&id).await.expect(200).json(), record);
    let content = client.content(&id).await.expect(200);
    assert_eq!(content.body, PDF);
    let upload = client.get(&upload_of(&promised)).await.expect(200).json();
    assert_eq!(upload["state"], "completed");
    assert_eq!(upload["file"], record);
    let complete = format!("{}/complete", upload_of(&promised));
    assert_eq!(client.post(&complete).await.expect(200).json(), record);

    // Whoever began it has uploaded it, as with any other file.
    let direct = client.store("other.bin", &noise(1, 100)).await;
    assert_eq!(record["uploaded_by"], direct["uploaded_by"]);
    // A copy of what the client wrote into the store is kept, and not what it wrote.
    server.wait_for_objects(2, Duration::from_secs(20)).await;
}

#[tokio::test]
async fn a_refused_attempt_stores_nothing_and_can_be_made_again() {
    let server = Server::start(Options::new()).await;
    let (client, anyone) = (server.client(), server.anonymous());
    let mut sized = whole_promise(PDF);
    sized.as_object_mut().unwrap().remove("sha256");
    let mut digested = whole_promise(PDF);
    digested.as_object_mut().unwrap().remove("size_bytes");
    let mut wrong_byte = PDF.to_vec();
    wrong_byte[20] ^= 1;
    let longer = [PDF, b"x"].concat();
    for (promise, bytes, status, problem) in [
        (&digested, &wrong_byte[..], 422, "digest-mismatch"),
        (&digested, &longer, 422, "digest-mismatch"),
        (&sized, &longer, 400, "length-mismatch"),
        (&sized, &PDF[1..], 400, "length-mismatch"),
    ] {
        let promised = begin(&client, promise).await;
        assert!(goes_to(&server, &promised), "{promised}");
        let refused = send(&anyone, &promised, bytes).await;
        refused.problem(status, problem);
        assert_nothing_left(&server).await;
        assert_eq!(state(&client, &promised).await, "pending");
    }

    let promised = begin(&client, &sized).await;
    let put = || anyone.request("PUT", url_of(&promised));
    let html = put().body("text/html", PDF).send().await;
    html.problem(422, "type-not-accepted");
    let chunked = put().header("content-encoding", "gzip");
    let coded = chunked.body("application/pdf", PDF).send().await;
    coded.problem(415, "unsupported-media-type");
    let no_pdf = noise(3, PDF.len());
    let no_pdf = send(&anyone, &promised, &no_pdf).await;
    no_pdf.problem(422, "type-not-accepted");
    assert_nothing_left(&server).await;

    let record = send(&anyone, &promised, PDF).await.expect(201).json();
    assert_eq!(id_of(&record), id_of(&promised));
    let again = send(&anyone, &promised, PDF).await;
    again.problem(409, "upload-completed");
    let kept = client.record(&id_of(&record)).await.expect(200).json();
    assert_eq!(kept, record);
}

#[tokio::test]
async fn what_goes_to_the_store_is_held_to_its_promise_too() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let promised = begin(&client, &whole_promise(PDF)).await;
    let mut wrong_byte = PDF.to_vec();
    wrong_byte[20] ^= 1;
    for bytes in [&wrong_byte[..], &[PDF, b"x"].concat(), &PDF[1..]] {
        let sent = send(&server.anonymous(), &promised, bytes).await;
        // The store or the server: one of them refuses.
        if sent.status < 400 {
            let complete = format!("{}/complete", upload_of(&promised));
            let completed = client.post(&complete).await;
            assert!((400..500).contains(&completed.status), "{completed:?}");
        }
        assert_eq!(state(&client, &promised).await, "pending");
        assert!(client.list("state=any").await.is_empty());
    }
    let record = finish(&server, &promised, PDF).await;
    assert_eq!(record["sha256"], sha256_hex(PDF));
}

#[tokio::test]
async fn nothing_of_a_body_is_asked_for_that_would_be_refused() {
    let server = Server::start(Options::new()).await;
    let promised = begin(&server.client(), &loose_promise()).await;
    let target = url_of(&promised).strip_prefix(server.url()).unwrap();
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
        assert_eq!(connection.answer().await.status, status);
    }
}

#[tokio::test]
async fn a_link_sends_one_upload_and_nothing_else() {
    let server = Server::start(Options::new()).await;
    let (client, anyone) = (server.client(), server.anonymous());
    let promised = begin(&client, &loose_promise()).await;
    let other = begin(&client, &loose_promise()).await;
    let url = url_of(&promised);
    let stored = id_of(&client.store("a.pdf", PDF).await);
    let read_link = client.link(&stored, &json!({})).await;
    let query = read_link.split_once('?').unwrap().1;
    let put = async |url: &str| {
        let request = anyone.request("PUT", url);
        request.body("application/octet-stream", PDF).send().await
    };
    for wrong in [
        url.replace(&id_of(&promised), &id_of(&other)),
        url.replace(&id_of(&promised), UNKNOWN_ID),
        url.replace("Expires=", "Expires=9"),
        format!("{url}&Expires=1"),
        format!("/v1/uploads/{}/content", id_of(&promised)),
        format!("/v1/uploads/{}/content?{query}", id_of(&promised)),
    ] {
        put(&wrong).await.problem(403, "invalid-link");
    }
    for method in ["GET", "HEAD", "POST", "DELETE"] {
        let answer = anyone.request(method, url).send().await.expect(405);
        assert_eq!(answer.header("allow"), "PUT");
    }
    put(url).await.expect(201);

    let upload = upload_of(&other);
    client.delete(&upload).await.expect(204);
    put(url_of(&other)).await.problem(404, "not-found");
    client.get(&upload).await.problem(404, "not-found");
    client.delete(&upload).await.problem(404, "not-found");
}

#[tokio::test]
async fn an_upload_is_its_tenants_and_needs_the_scope_to_write() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let promised = begin(&client, &loose_promise()).await;
    let upload = upload_of(&promised);
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
    let begun = reader.post_json("/v1/uploads", &loose_promise()).await;
    begun.problem(403, "missing-scope");
    reader.get(&upload).await.problem(403, "missing-scope");
    reader.post(&complete).await.problem(403, "missing-scope");
    reader.delete(&upload).await.problem(403, "missing-scope");
    let writer = client.with_key(&server.create_key("default", &["files:write"]));
    let mut public = loose_promise();
    public["visibility"] = json!("public");
    let refused = writer.post_json("/v1/uploads", &public).await;
    refused.problem_naming(403, "missing-scope", "links:create");

    for (field, value) in [
        ("dedup", json!(true)),
        ("expires_in", json!(86_401)),
        ("content_type", json!("pdf")),
    ] {
        let mut promise = loose_promise();
        promise[field] = value;
        let refused = client.post_json("/v1/uploads", &promise).await;
        refused.problem_naming(422, "invalid-field", field);
    }
    client
        .post(&complete)
        .await
        .problem(409, "upload-incomplete");
}

#[tokio::test]
async fn an_upload_expires() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let mut promise = loose_promise();
    promise["expires_in"] = json!(1);
    let promised = begin(&client, &promise).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let late = send(&server.anonymous(), &promised, PDF).await;
    late.problem(403, "link-expired");
    assert_eq!(state(&client, &promised).await, "expired");
    let complete = format!("{}/complete", upload_of(&promised));
    client.post(&complete).await.problem(410, "upload-expired");
    assert_nothing_left(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_send_at_once_one_has_sent_it() {
    let server = Server::start(Options::new()).await;
    let promised = begin(&server.client(), &loose_promise()).await;
    let mut senders = JoinSet::new();
    for seed in 0..8 {
        let (anyone, promised) = (server.anonymous(), promised.clone());
        let bytes = noise(seed, 200_000);
        senders.spawn(async move { (send(&anyone, &promised, &bytes).await, bytes) });
    }
    let mut winners = Vec::new();
    for (answer, bytes) in senders.join_all().await {
        if answer.status == 201 {
            winners.push(bytes);
        } else {
            answer.problem(409, "upload-completed");
        }
    }
    assert_eq!(winners.len(), 1);
    let content = server.client().content(&id_of(&promised)).await.expect(200);
    assert!(content.body == winners[0], "another's bytes");
    server.wait_for_objects(1, Duration::from_secs(20)).await;
}

#[tokio::test]
async fn kill_minus_nine_in_the_middle_of_sending_leaves_the_link_good_and_nothing_else() {
    let options = Options::new().environment("ATTACHE_UPLOAD_LEASE", "2s");
    let mut server = Server::start(options).await;
    let bytes = noise(7, 5_000_000);
    let mut promise = loose_promise();
    promise["size_bytes"] = json!(bytes.len());
    let mut promised = begin(&server.client(), &promise).await;
    let target = url_of(&promised)
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
    // In the midst of it; a store in which nothing shows before the end shows nothing here.
    for _ in 0..40 {
        if !server.stored_objects().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.kill();
    server = server.start_again().await;

    let client = server.client();
    assert_eq!(state(&client, &promised).await, "pending");
    assert!(client.list("state=any").await.is_empty());
    // What the kill left goes by itself.
    server.wait_for_objects(0, Duration::from_mins(1)).await;
    promised["url"] = json!(format!("{}{target}", server.url()));
    let record = send(&server.anonymous(), &promised, &bytes).await;
    assert_eq!(record.expect(201).json()["sha256"], sha256_hex(&bytes));
    let content = client.content(&id_of(&promised)).await.expect(200);
    assert!(content.body == bytes, "other bytes");
    server.wait_for_objects(1, Duration::from_mins(1)).await;
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_link_good() {
    let server = Server::start(Options::new()).await;
    let promised = begin(&server.client(), &loose_promise()).await;
    let target = url_of(&promised).strip_prefix(server.url()).unwrap();
    let mut connection = server.connect().await;
    let head = format!(
        "PUT {target} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: 5000000\r\n\r\n",
        server.authority(),
    );
    connection.send(head).await;
    connection.send(noise(1, 2_000_000)).await;
    connection.finish_sending().await;
    if let Some(answer) = connection.try_answer().await {
        answer.problem(400, "body-cut-off");
    }
    assert_nothing_left(&server).await;
    let sent = send(&server.anonymous(), &promised, &noise(2, 1000)).await;
    sent.expect(201);
}

#[tokio::test]
async fn a_page_of_any_origin_may_send_by_a_link() {
    let server = Server::start(Options::new()).await;
    let anyone = server.anonymous();
    let promised = begin(&server.client(), &loose_promise()).await;
    let url = url_of(&promised);
    let asked = anyone.request("OPTIONS", url).header("origin", PAGE);
    let asked = asked.header("access-control-request-method", "PUT");
    let asked = asked.header("access-control-request-headers", "content-type");
    let asked = asked.send().await;
    assert!((200..300).contains(&asked.status), "{asked:?}");
    assert_eq!(asked.header("access-control-allow-origin"), PAGE);
    let methods = asked.header("access-control-allow-methods");
    assert!(methods.contains("PUT"), "{methods}");
    let headers = asked.header("access-control-allow-headers").to_lowercase();
    assert!(headers.contains("content-type"), "{headers}");

    let put = anyone.request("PUT", url).header("origin", PAGE);
    let refused = put.body("text/html", PDF).send().await;
    assert_eq!(refused.header("access-control-allow-origin"), PAGE);
    refused.problem(422, "type-not-accepted");
    let put = anyone.request("PUT", url).header("origin", PAGE);
    let sent = put.body("application/octet-stream", PDF).send().await;
    assert_eq!(sent.header("access-control-allow-origin"), PAGE);
    sent.expect(201);
}

#[tokio::test]
async fn a_download_may_come_from_the_store_where_that_is_chosen() {
    let options = Options::new().environment("ATTACHE_DOWNLOADS", "redirect");
    let server = Server::start(options).await;
    let client = server.client();
    let id = id_of(&client.store("naïve.pdf", PDF).await);
    let link = client.link(&id, &json!({})).await;
    for target in [format!("/v1/files/{id}/content"), link] {
        let mut answer = client.get(&target).await;
        if answer.status == 307 {
            assert_eq!(answer.header("cache-control"), "no-store");
            let location = answer.header("location").to_owned();
            answer = server.anonymous().get(&location).await;
        }
        // A store that signs nothing is streamed from: the same bytes under the same name.
        let answer = answer.expect(200);
        assert_eq!(answer.body, PDF);
        assert_eq!(answer.header("content-type"), "application/pdf");
        let disposition = answer.header("content-disposition");
        assert!(disposition.contains("na%C3%AFve.pdf"), "{disposition}");
    }
    let inline = format!("/v1/files/{id}/content?disposition=inline");
    assert_eq!(client.get(&inline).await.expect(200).body, PDF);
}
