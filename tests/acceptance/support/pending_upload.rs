//! Uploads in two steps: begun with a key, sent to a URL, completed.

use serde_json::{Value, json};

use super::pairing::presigns_requests;
use super::{Client, Response, Server, id_of, sha256_hex};

/// A declaration with size and digest: such bytes go to the store directly, if it signs requests.
pub(crate) fn declared_upload(bytes: &[u8]) -> Value {
    json!({
        "filename": "scan.pdf",
        "content_type": "application/pdf",
        "size_bytes": bytes.len(),
        "sha256": sha256_hex(bytes),
    })
}

/// A declaration without size and digest: such bytes always go through the server.
pub(crate) fn undeclared_upload() -> Value {
    json!({"filename": "scan.bin", "content_type": "application/octet-stream"})
}

/// Begins an upload; fails unless its URL is the store's exactly if the store signs requests and the
/// declaration has size and digest.
pub(crate) async fn begin(client: &Client, declared: &Value) -> Value {
    let pending = begin_to_any_url(client, declared).await;
    let is_complete = declared["size_bytes"].is_number() && declared["sha256"].is_string();
    let is_servers = upload_url(&pending).starts_with(client.base());
    assert!(
        is_servers != (is_complete && presigns_requests()),
        "{pending}"
    );
    pending
}

/// Begins an upload, wherever its bytes are to go.
pub(crate) async fn begin_to_any_url(client: &Client, declared: &Value) -> Value {
    let response = client.post_json("/v1/uploads", declared).await;
    response.expect(201).json()
}

pub(crate) fn upload_url(pending: &Value) -> &str {
    pending["url"].as_str().unwrap()
}

pub(crate) fn upload_path(pending: &Value) -> String {
    format!("/v1/uploads/{}", id_of(pending))
}

/// Makes the request of a pending upload, with nothing but what the upload says.
pub(crate) async fn send(anyone: &Client, pending: &Value, bytes: &[u8]) -> Response {
    let method = pending["method"].as_str().unwrap();
    let mut request = anyone.request(method, upload_url(pending));
    request = request.body("application/x-unset", bytes.to_vec());
    for (name, value) in pending["headers"].as_object().unwrap() {
        // The HTTP client writes the length of its body itself.
        if !name.eq_ignore_ascii_case("content-length") {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    request.send().await
}

/// Sends the bytes and, if they went to the store, completes the upload; returns the record.
pub(crate) async fn finish(server: &Server, pending: &Value, bytes: &[u8]) -> Value {
    let sent = send(&server.anonymous(), pending, bytes).await;
    if upload_url(pending).starts_with(server.url()) {
        let receipt = sent.expect(201).json();
        let record = server.client().record(&id_of(pending)).await;
        let record = record.expect(200).json();
        assert_receipt(&receipt, &record);
        return record;
    }
    assert!((200..300).contains(&sent.status), "{sent:?}");
    let completed = complete(&server.client(), pending).await;
    completed.expect(200).json()
}

/// Fails unless the bearer of the URL learned what they sent, and nothing else of the record.
fn assert_receipt(receipt: &Value, record: &Value) {
    let mut expected = json!({"state": "completed"});
    for field in ["id", "content_type", "size_bytes", "sha256", "created_at"] {
        expected[field] = record[field].clone();
    }
    assert_eq!(receipt, &expected);
}

/// Completes an upload whose bytes went to the store.
pub(crate) async fn complete(client: &Client, pending: &Value) -> Response {
    let target = format!("{}/complete", upload_path(pending));
    client.post(&target).await
}

/// The state of the upload.
pub(crate) async fn state(client: &Client, pending: &Value) -> String {
    let upload = client.get(&upload_path(pending)).await.expect(200).json();
    upload["state"].as_str().unwrap().to_owned()
}

/// Fails unless there is no record, and soon no object.
pub(crate) async fn assert_nothing_left(server: &Server) {
    let listed = server.client().list("state=any").await;
    assert!(listed.is_empty(), "{listed:#?}");
    server.wait_for_objects(0).await;
}
