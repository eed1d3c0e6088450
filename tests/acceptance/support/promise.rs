//! Uploads as their clients see them: begun with a key, sent by whoever has the URL, completed.

use serde_json::{Value, json};

use super::pairing::signs_requests;
use super::{Answer, Client, Server, id_of, sha256_hex};

/// What is promised of a file that goes straight to the store, where it can.
pub(crate) fn whole_promise(bytes: &[u8]) -> Value {
    json!({
        "filename": "scan.pdf",
        "content_type": "application/pdf",
        "size_bytes": bytes.len(),
        "sha256": sha256_hex(bytes),
    })
}

/// What is promised of a file that comes through the server everywhere.
pub(crate) fn loose_promise() -> Value {
    json!({"filename": "scan.bin", "content_type": "application/octet-stream"})
}

/// Begins an upload; fails unless its URL is the store's exactly where all is promised and the store
/// signs requests.
pub(crate) async fn begin(client: &Client, promise: &Value) -> Value {
    let promised = begin_anywhere(client, promise).await;
    let is_whole = promise["size_bytes"].is_number() && promise["sha256"].is_string();
    let is_own = url_of(&promised).starts_with(client.base());
    assert!(is_own != (is_whole && signs_requests()), "{promised}");
    promised
}

/// Begins an upload, wherever its bytes are to go.
pub(crate) async fn begin_anywhere(client: &Client, promise: &Value) -> Value {
    let answer = client.post_json("/v1/uploads", promise).await;
    answer.expect(201).json()
}

pub(crate) fn url_of(promised: &Value) -> &str {
    promised["url"].as_str().unwrap()
}

pub(crate) fn upload_of(promised: &Value) -> String {
    format!("/v1/uploads/{}", id_of(promised))
}

/// Makes the request that was asked for, as a client does that knows nothing else.
pub(crate) async fn send(anyone: &Client, promised: &Value, bytes: &[u8]) -> Answer {
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

/// Sends the bytes and completes the upload where that is still to be done; answers the record, as
/// those read it who have a key.
pub(crate) async fn finish(server: &Server, promised: &Value, bytes: &[u8]) -> Value {
    let sent = send(&server.anonymous(), promised, bytes).await;
    if url_of(promised).starts_with(server.url()) {
        let receipt = sent.expect(201).json();
        let record = server.client().record(&id_of(promised)).await;
        let record = record.expect(200).json();
        assert_receipt(&receipt, &record);
        return record;
    }
    assert!((200..300).contains(&sent.status), "{sent:?}");
    let completed = complete(&server.client(), promised).await;
    completed.expect(200).json()
}

/// Fails unless a bearer was told what they sent, and nothing else of the record.
fn assert_receipt(receipt: &Value, record: &Value) {
    let mut expected = json!({"state": "completed"});
    for field in ["id", "content_type", "size_bytes", "sha256", "created_at"] {
        expected[field] = record[field].clone();
    }
    assert_eq!(receipt, &expected);
}

/// Asks for what was sent to the store to become a record.
pub(crate) async fn complete(client: &Client, promised: &Value) -> Answer {
    let target = format!("{}/complete", upload_of(promised));
    client.post(&target).await
}

/// What the upload says of itself.
pub(crate) async fn state(client: &Client, promised: &Value) -> String {
    let upload = client.get(&upload_of(promised)).await.expect(200).json();
    upload["state"].as_str().unwrap().to_owned()
}

/// Fails unless there is no record, and soon no object.
pub(crate) async fn assert_nothing_left(server: &Server) {
    let listed = server.client().list("state=any").await;
    assert!(listed.is_empty(), "{listed:#?}");
    server.wait_for_objects(0).await;
}
