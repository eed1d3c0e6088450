//! Direct uploads and downloads, if the store signs requests: the same checks apply. If it does not, the
//! bytes go through the server, and nothing else differs.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{
    Capability, Options, PDF, Response, Server, assert_nothing_left, begin, complete,
    declared_upload, finish, id_of, noise, pairing_has, presigns_requests, send, sha256_hex, state,
    upload_path, upload_url,
};

/// Returns `PDF` with one byte changed.
fn with_wrong_byte() -> Vec<u8> {
    let mut bytes = PDF.to_vec();
    bytes[20] ^= 1;
    bytes
}

/// Sends the bytes of an upload with another content type than declared.
async fn send_as(server: &Server, pending: &Value, content_type: &str) -> Response {
    let mut other = pending.clone();
    let headers = other["headers"].as_object_mut().unwrap();
    headers.retain(|name, _| !name.eq_ignore_ascii_case("content-type"));
    headers.insert("content-type".to_owned(), json!(content_type));
    send(&server.anonymous(), &other, PDF).await
}

/// Replaces the bytes that were sent to the store by others.
fn replace_sent(server: &Server, pending: &Value, bytes: &[u8]) {
    let objects = server.stored_objects();
    let is_sent = |path: &Path| upload_url(pending).contains(path.to_str().unwrap());
    let sent = objects.iter().find(|object| is_sent(&object.path));
    server.replace_object(sent.unwrap(), bytes);
}

#[tokio::test]
async fn upload_violating_its_declaration_is_refused() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let pending = begin(&client, &declared_upload(PDF)).await;
    let longer = [PDF, b"x"].concat();
    let mut refused = vec![send_as(&server, &pending, "text/html").await];
    for bytes in [&with_wrong_byte()[..], &longer, &PDF[1..]] {
        refused.push(send(&server.anonymous(), &pending, bytes).await);
        let early = complete(&client, &pending).await;
        early.problem(409, "upload-incomplete");
        assert_nothing_left(&server).await;
    }
    for response in refused {
        assert!((400..500).contains(&response.status), "{response:?}");
    }
    assert_eq!(state(&client, &pending).await, "pending");

    let record = finish(&server, &pending, PDF).await;
    assert_eq!(record["sha256"], sha256_hex(PDF));
}

#[tokio::test]
async fn bytes_sent_to_store_are_verified_on_completion() {
    if !pairing_has(Capability::PresignedRequests) {
        return;
    }
    let server = Server::start(Options::new()).await;
    let (client, anyone) = (server.client(), server.anonymous());

    // Length and digest as declared, but not a PDF: only the bytes tell.
    let no_pdf = noise(3, PDF.len());
    let pending = begin(&client, &declared_upload(&no_pdf)).await;
    send(&anyone, &pending, &no_pdf).await.expect(200);
    let refused = complete(&client, &pending).await;
    refused.problem(422, "type-not-accepted");
    assert_eq!(state(&client, &pending).await, "pending");
    assert!(client.list("state=any").await.is_empty());
    client.delete(&upload_path(&pending)).await.expect(204);
    assert_nothing_left(&server).await;

    // Replaced after the store verified the bytes, and before the server does.
    let pending = begin(&client, &declared_upload(PDF)).await;
    let longer = [PDF, b"x"].concat();
    for (bytes, status, problem) in [
        (&with_wrong_byte()[..], 422, "digest-mismatch"),
        (&longer, 400, "length-mismatch"),
        (&PDF[1..], 400, "length-mismatch"),
    ] {
        send(&anyone, &pending, PDF).await.expect(200);
        replace_sent(&server, &pending, bytes);
        let refused = complete(&client, &pending).await;
        refused.problem(status, problem);
        assert_eq!(state(&client, &pending).await, "pending");
        assert!(client.list("state=any").await.is_empty());
    }
    let record = finish(&server, &pending, PDF).await;
    assert_eq!(record["sha256"], sha256_hex(PDF));
}

#[tokio::test]
async fn bytes_sent_after_completion_change_no_record() {
    let server = Server::start(Options::new()).await;
    let (client, anyone) = (server.client(), server.anonymous());
    let pending = begin(&client, &declared_upload(PDF)).await;
    let record = finish(&server, &pending, PDF).await;
    // The sent object is deleted; any further object is a late one.
    server.wait_for_objects(1).await;
    // The store accepts the same bytes until its URL expires; the server does not.
    let again = send(&anyone, &pending, PDF).await;
    assert_eq!(again.status, if presigns_requests() { 200 } else { 409 });
    let other = send(&anyone, &pending, &with_wrong_byte()).await;
    assert!((400..500).contains(&other.status), "{other:?}");
    if presigns_requests() {
        // Even other bytes under the URL's key are not served.
        send(&anyone, &pending, PDF).await.expect(200);
        replace_sent(&server, &pending, &with_wrong_byte());
    }
    assert_eq!(complete(&client, &pending).await.expect(200).json(), record);
    let id = id_of(&record);
    assert_eq!(client.record(&id).await.expect(200).json(), record);
    assert_eq!(client.content(&id).await.expect(200).body, PDF);
}

#[tokio::test]
async fn download_redirects_to_store_that_signs() {
    let options = Options::new().environment("ATTACHE_DOWNLOADS", "redirect");
    let server = Server::start(options).await;
    let client = server.client();
    let id = id_of(&client.store("naïve.pdf", PDF).await);
    let link = client.link(&id, &json!({})).await;
    for target in [format!("/v1/files/{id}/content"), link] {
        let mut response = client.get(&target).await;
        if presigns_requests() {
            response = response.expect(307);
            assert_eq!(response.header("cache-control"), "no-store");
            let location = response.header("location").to_owned();
            assert!(!location.starts_with(server.url()), "{location}");
            response = server.anonymous().get(&location).await;
        }
        // Without signed requests the server streams the same bytes under the same name.
        let response = response.expect(200);
        assert_eq!(response.body, PDF);
        assert_eq!(response.header("content-type"), "application/pdf");
        let disposition = response.header("content-disposition");
        assert!(disposition.contains("na%C3%AFve.pdf"), "{disposition}");
    }
    let inline = format!("/v1/files/{id}/content?disposition=inline");
    assert_eq!(client.get(&inline).await.expect(200).body, PDF);
}
