//! Pending uploads: begun with a key, sent without one.

use attache_model::Scope;
use attache_testkit::{FixtureOptions, HttpCall, HttpClient, HttpResponse, PUBLIC_URL, STORE_URL};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::support::Tenant;

/// The SHA-256 of `hello`.
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const PAGE: &str = "https://app.example.org";

fn hello() -> Value {
    json!({
        "filename": "a.txt", "content_type": "text/plain", "size_bytes": 5, "sha256": HELLO,
    })
}

async fn begin(client: &HttpClient, body: &Value) -> HttpResponse {
    client.post("/v1/uploads").json(body).send().await
}

/// Returns the request that a pending upload describes, without a body and without a key.
fn send(client: &HttpClient, pending: &Value) -> HttpCall {
    let method = pending["method"].as_str().unwrap().parse().unwrap();
    let url = pending["url"].as_str().unwrap();
    let mut call = client.anonymous().call(method, url);
    for (name, value) in pending["headers"].as_object().unwrap() {
        call = call.header(name, value.as_str().unwrap());
    }
    call
}

fn upload_of(pending: &Value) -> String {
    format!("/v1/uploads/{}", pending["id"].as_str().unwrap())
}

#[tokio::test]
async fn upload_is_begun_sent_and_read() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let mut body = hello();
    body["person"] = json!("PT-1");
    body["category"] = json!("images");
    body["expires_in"] = json!(600);
    let response = begin(client, &body).await.expect(StatusCode::CREATED);
    let pending = response.json();
    let upload = upload_of(&pending);
    assert_eq!(response.header("location"), format!("{PUBLIC_URL}{upload}"));
    assert_eq!(pending["state"], "pending");
    assert_eq!(pending["method"], "PUT");
    assert_eq!(pending["headers"], json!({ "Content-Type": "text/plain" }));
    assert_eq!(pending["expires_at"], "2026-01-31T12:10:00.000Z");

    let read = client
        .get(&upload)
        .send()
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(read["state"], "pending");
    assert_eq!(read["person"], "PT-1");
    assert_eq!(read["person_id"], Value::Null);
    assert_eq!(read["name"], "a.txt");
    assert_eq!(read["size_bytes"], 5);
    assert_eq!(read["sha256"], HELLO);
    assert_eq!(read["completed_at"], Value::Null);
    assert_eq!(read["file"], Value::Null);

    let response = send(client, &pending).bytes(b"hello").send().await;
    let response = response.expect(StatusCode::CREATED);
    let receipt = response.json();
    let expected = json!({
        "id": pending["id"], "state": "completed", "content_type": "text/plain", "size_bytes": 5,
        "sha256": HELLO, "created_at": "2026-01-31T12:00:00.000Z",
    });
    assert_eq!(receipt, expected, "what the bearer learns");
    assert!(!response.headers.contains_key("etag"), "{response:?}");
    let file = format!("/v1/files/{}", pending["id"].as_str().unwrap());
    assert_eq!(response.header("location"), format!("{PUBLIC_URL}{file}"));
    let record = client.get(&file).send().await.expect(StatusCode::OK).json();
    assert_eq!(record["person"], "PT-1");
    assert_eq!(record["uploaded_by"], read["uploaded_by"]);
    assert_eq!(record["created_at"], receipt["created_at"]);
    let read = client.get(&upload).send().await.json();
    assert_eq!(read["state"], "completed");
    assert_eq!(read["completed_at"], record["created_at"]);
    assert_eq!(read["file"], record);
    let completed = client.post(&format!("{upload}/complete")).send().await;
    assert_eq!(completed.expect(StatusCode::OK).json(), record);
}

#[tokio::test]
async fn refused_content_can_be_sent_again() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let pending = begin(client, &hello()).await.json();
    let upload = upload_of(&pending);
    let sent = |bytes| send(client, &pending).bytes(bytes);
    let html = client
        .anonymous()
        .call(Method::PUT, pending["url"].as_str().unwrap());
    let untyped = client
        .anonymous()
        .call(Method::PUT, pending["url"].as_str().unwrap());
    for (call, status, kind) in [
        (sent(b"hellO"), 422, "digest-mismatch"),
        (sent(b"hello!"), 400, "length-mismatch"),
        (sent(b"hell"), 400, "length-mismatch"),
        (
            send(client, &pending).broken_off(b"hel"),
            400,
            "body-cut-off",
        ),
        (
            html.header("content-type", "text/html").bytes(b"hello"),
            422,
            "type-not-accepted",
        ),
        (untyped.bytes(b"hello"), 422, "invalid-field"),
        (
            sent(b"hello").header("content-encoding", "gzip"),
            415,
            "unsupported-media-type",
        ),
        (
            sent(b"hello").header("content-range", "bytes 0-4/5"),
            400,
            "malformed-body",
        ),
    ] {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(call.send().await.problem(status).kind, kind);
        tenant.assert_nothing_left().await;
    }
    let refused = sent(b"hellO").send().await;
    let problem = refused.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!problem.detail.contains(HELLO), "{problem:?}");
    let early = client.post(&format!("{upload}/complete")).send().await;
    let problem = early.problem(StatusCode::CONFLICT);
    assert_eq!(problem.kind, "upload-incomplete");

    sent(b"hello").send().await.expect(StatusCode::CREATED);
    let again = sent(b"hello").send().await;
    assert_eq!(again.problem(StatusCode::CONFLICT).kind, "upload-completed");
    let cancelled = client.call(Method::DELETE, &upload).send().await;
    let problem = cancelled.problem(StatusCode::CONFLICT);
    assert_eq!(problem.kind, "upload-completed");
}

#[tokio::test]
async fn upload_link_is_valid_for_its_upload_until_expiry() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let mut short = hello();
    short["expires_in"] = json!(60);
    let pending = begin(client, &short).await.json();
    let other = begin(client, &hello()).await.json();
    let url = pending["url"].as_str().unwrap();
    let id = pending["id"].as_str().unwrap();
    let read_link = {
        let id = client.upload("b.txt", b"some bytes").await;
        let link = client
            .post(&format!("/v1/files/{id}/links"))
            .json(&json!({}));
        link.send().await.json()["url"].as_str().unwrap().to_owned()
    };
    let query = |url: &str| url.split_once('?').unwrap().1.to_owned();
    for wrong in [
        url.replace(id, other["id"].as_str().unwrap()),
        format!("{url}&Expires=9999999999"),
        format!("{url}x"),
        url.split_once('?').unwrap().0.to_owned(),
        format!("/v1/uploads/{id}/content?{}", query(&read_link)),
    ] {
        let call = client.call(Method::PUT, &wrong);
        let response = call
            .header("content-type", "text/plain")
            .bytes(b"hello")
            .send()
            .await;
        assert_eq!(response.problem(StatusCode::FORBIDDEN).kind, "invalid-link");
    }
    for method in [Method::GET, Method::HEAD, Method::POST] {
        let response = client.call(method, url).send().await;
        assert_eq!(response.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.header("allow"), "PUT");
    }

    tenant
        .fixture
        .clock
        .advance(std::time::Duration::from_mins(1));
    let late = send(client, &pending).bytes(b"hello").send().await;
    assert_eq!(late.problem(StatusCode::FORBIDDEN).kind, "link-expired");
    let upload = upload_of(&pending);
    let read = client.get(&upload).send().await.json();
    assert_eq!(read["state"], "expired");
    let late = client.post(&format!("{upload}/complete")).send().await;
    assert_eq!(late.problem(StatusCode::GONE).kind, "upload-expired");

    let upload = upload_of(&other);
    let cancel = client.call(Method::DELETE, &upload);
    cancel.send().await.expect(StatusCode::NO_CONTENT);
    let gone = send(client, &other).bytes(b"hello").send().await;
    assert_eq!(gone.problem(StatusCode::NOT_FOUND).kind, "not-found");
    let gone = client.get(&upload).send().await;
    assert_eq!(gone.problem(StatusCode::NOT_FOUND).kind, "not-found");
}

#[tokio::test]
async fn invalid_pending_upload_names_the_field() {
    let tenant = Tenant::new().await;
    for (field, value, kind) in [
        ("filename", json!("a\u{202e}b"), "invalid-field"),
        ("content_type", json!("pdf"), "invalid-field"),
        ("size_bytes", json!(-1), "invalid-field"),
        ("sha256", json!("abc"), "invalid-field"),
        ("expires_in", json!(0), "invalid-field"),
        ("expires_in", json!(86_401), "invalid-field"),
        ("dedup", json!(true), "invalid-field"),
        ("accept", json!("text/plain"), "invalid-field"),
        ("person", json!(".."), "invalid-field"),
        (
            "person_id",
            json!("0190163d-8694-739b-aea5-966c26f8ad91"),
            "unknown-person",
        ),
    ] {
        let mut body = hello();
        body[field] = value;
        let response = begin(&tenant.client, &body).await;
        let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.kind, kind, "{field}");
        assert!(problem.detail.contains(field), "{problem:?}");
    }
    let mut body = hello();
    body["size_bytes"] = json!(6_u64 << 30);
    let response = begin(&tenant.client, &body).await;
    let problem = response.problem(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem.kind, "too-large");
    body = hello();
    body["visibility"] = json!("public");
    let writer = [Scope::FilesWrite].into_iter().collect();
    let response = begin(&tenant.client_with(writer).await, &body).await;
    assert_eq!(
        response.problem(StatusCode::FORBIDDEN).kind,
        "missing-scope"
    );
}

#[tokio::test]
async fn presigning_store_receives_the_content_directly() {
    let tenant = Tenant::with(FixtureOptions {
        presigns: true,
        ..FixtureOptions::default()
    })
    .await;
    let client = &tenant.client;
    let pending = begin(client, &hello())
        .await
        .expect(StatusCode::CREATED)
        .json();
    let url = pending["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(STORE_URL), "{pending}");
    assert_eq!(pending["method"], "PUT");
    assert_eq!(
        pending["headers"],
        json!({ "content-length": "5", "content-type": "text/plain" })
    );
    let complete = format!("{}/complete", upload_of(&pending));
    let early = client.post(&complete).send().await;
    let problem = early.problem(StatusCode::CONFLICT);
    assert_eq!(problem.kind, "upload-incomplete");
    let signed = attache_service::PresignedRequest {
        method: "PUT",
        url,
        headers: Vec::new(),
    };
    for (bytes, status, kind) in [
        (&b"hellO"[..], 422, "digest-mismatch"),
        (b"hello!", 400, "length-mismatch"),
    ] {
        let bytes = bytes::Bytes::from_static(bytes);
        tenant.fixture.send_to_store(&signed, bytes).await;
        let refused = client.post(&complete).send().await;
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(refused.problem(status).kind, kind);
    }
    let bytes = bytes::Bytes::from_static(b"hello");
    tenant.fixture.send_to_store(&signed, bytes).await;
    let record = client.post(&complete).send().await.expect(StatusCode::OK);
    assert_eq!(record.json()["id"], pending["id"]);
    let again = client.post(&complete).send().await.expect(StatusCode::OK);
    assert_eq!(again.json(), record.json());
}

#[tokio::test]
async fn upload_url_accepts_any_origin() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let pending = begin(client, &hello()).await.json();
    let url = pending["url"].as_str().unwrap();
    let preflight = client
        .anonymous()
        .call(Method::OPTIONS, url)
        .header("origin", PAGE);
    let preflight = preflight.header("access-control-request-method", "PUT");
    let preflight = preflight.header("access-control-request-headers", "content-type");
    let preflight = preflight.send().await.expect(StatusCode::OK);
    assert_eq!(preflight.header("access-control-allow-origin"), PAGE);
    assert!(
        preflight
            .header("access-control-allow-methods")
            .contains("PUT")
    );
    let headers = preflight.header("access-control-allow-headers");
    assert!(headers.contains("content-type"), "{headers}");

    let refused = send(client, &pending)
        .header("origin", PAGE)
        .bytes(b"hellO");
    let refused = refused.send().await;
    assert_eq!(refused.header("access-control-allow-origin"), PAGE);
    let sent = send(client, &pending)
        .header("origin", PAGE)
        .bytes(b"hello");
    let sent = sent.send().await.expect(StatusCode::CREATED);
    assert_eq!(sent.header("access-control-allow-origin"), PAGE);
}

#[tokio::test]
async fn untyped_content_needs_an_octet_stream_upload() {
    let tenant = Tenant::new().await;
    for (pending, status) in [
        ("text/plain", StatusCode::UNPROCESSABLE_ENTITY),
        ("application/octet-stream", StatusCode::CREATED),
    ] {
        let body = json!({ "filename": "a.txt", "content_type": pending });
        let begun = begin(&tenant.client, &body).await.json();
        let url = begun["url"].as_str().unwrap();
        let untyped = tenant.client.anonymous().call(Method::PUT, url);
        let response = untyped.bytes(b"hello").send().await;
        assert_eq!(response.status, status, "{pending}: {response:?}");
    }
}
