//! Uploads that are begun with a key and sent without one.

use attache_model::Scope;
use attache_testkit::{FixtureOptions, HttpAnswer, HttpCall, HttpClient, PUBLIC_URL, STORE_URL};
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

async fn begin(client: &HttpClient, body: &Value) -> HttpAnswer {
    client.post("/v1/uploads").json(body).send().await
}

/// The request that was asked for, without its bytes, by somebody without a key.
fn send(client: &HttpClient, promised: &Value) -> HttpCall {
    let method = promised["method"].as_str().unwrap().parse().unwrap();
    let url = promised["url"].as_str().unwrap();
    let mut call = client.anonymous().call(method, url);
    for (name, value) in promised["headers"].as_object().unwrap() {
        call = call.header(name, value.as_str().unwrap());
    }
    call
}

fn upload_of(promised: &Value) -> String {
    format!("/v1/uploads/{}", promised["id"].as_str().unwrap())
}

#[tokio::test]
async fn an_upload_is_begun_sent_and_read() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let mut body = hello();
    body["person"] = json!("PT-1");
    body["category"] = json!("images");
    body["expires_in"] = json!(600);
    let answer = begin(client, &body).await.expect(StatusCode::CREATED);
    let promised = answer.json();
    let upload = upload_of(&promised);
    assert_eq!(answer.header("location"), format!("{PUBLIC_URL}{upload}"));
    assert_eq!(promised["state"], "pending");
    assert_eq!(promised["method"], "PUT");
    assert_eq!(promised["headers"], json!({ "Content-Type": "text/plain" }));
    assert_eq!(promised["expires_at"], "2026-01-31T12:10:00.000Z");

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

    let answer = send(client, &promised).bytes(b"hello").send().await;
    let answer = answer.expect(StatusCode::CREATED);
    let receipt = answer.json();
    let expected = json!({
        "id": promised["id"], "state": "completed", "content_type": "text/plain", "size_bytes": 5,
        "sha256": HELLO, "created_at": "2026-01-31T12:00:00.000Z",
    });
    assert_eq!(receipt, expected, "what the bearer learns");
    assert!(!answer.headers.contains_key("etag"), "{answer:?}");
    let file = format!("/v1/files/{}", promised["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), format!("{PUBLIC_URL}{file}"));
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
async fn what_is_refused_is_named_and_can_be_sent_again() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let promised = begin(client, &hello()).await.json();
    let upload = upload_of(&promised);
    let sent = |bytes| send(client, &promised).bytes(bytes);
    let html = client
        .anonymous()
        .call(Method::PUT, promised["url"].as_str().unwrap());
    let untyped = client
        .anonymous()
        .call(Method::PUT, promised["url"].as_str().unwrap());
    for (call, status, kind) in [
        (sent(b"hellO"), 422, "digest-mismatch"),
        (sent(b"hello!"), 400, "length-mismatch"),
        (sent(b"hell"), 400, "length-mismatch"),
        (
            send(client, &promised).broken_off(b"hel"),
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
async fn a_link_is_good_for_its_upload_until_it_ends() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let mut short = hello();
    short["expires_in"] = json!(60);
    let promised = begin(client, &short).await.json();
    let other = begin(client, &hello()).await.json();
    let url = promised["url"].as_str().unwrap();
    let id = promised["id"].as_str().unwrap();
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
        let answer = call
            .header("content-type", "text/plain")
            .bytes(b"hello")
            .send()
            .await;
        assert_eq!(answer.problem(StatusCode::FORBIDDEN).kind, "invalid-link");
    }
    for method in [Method::GET, Method::HEAD, Method::POST] {
        let answer = client.call(method, url).send().await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.header("allow"), "PUT");
    }

    tenant
        .fixture
        .clock
        .advance(std::time::Duration::from_mins(1));
    let late = send(client, &promised).bytes(b"hello").send().await;
    assert_eq!(late.problem(StatusCode::FORBIDDEN).kind, "link-expired");
    let upload = upload_of(&promised);
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
async fn what_cannot_be_promised_is_named() {
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
        let answer = begin(&tenant.client, &body).await;
        let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.kind, kind, "{field}");
        assert!(problem.detail.contains(field), "{problem:?}");
    }
    let mut body = hello();
    body["size_bytes"] = json!(6_u64 << 30);
    let answer = begin(&tenant.client, &body).await;
    let problem = answer.problem(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem.kind, "too-large");
    body = hello();
    body["visibility"] = json!("public");
    let writer = [Scope::FilesWrite].into_iter().collect();
    let answer = begin(&tenant.client_with(writer).await, &body).await;
    assert_eq!(answer.problem(StatusCode::FORBIDDEN).kind, "missing-scope");
}

#[tokio::test]
async fn a_store_that_signs_is_sent_to_by_itself() {
    let tenant = Tenant::with(FixtureOptions {
        presigns: true,
        ..FixtureOptions::default()
    })
    .await;
    let client = &tenant.client;
    let promised = begin(client, &hello())
        .await
        .expect(StatusCode::CREATED)
        .json();
    let url = promised["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(STORE_URL), "{promised}");
    assert_eq!(promised["method"], "PUT");
    assert_eq!(
        promised["headers"],
        json!({ "content-length": "5", "content-type": "text/plain" })
    );
    let complete = format!("{}/complete", upload_of(&promised));
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
    assert_eq!(record.json()["id"], promised["id"]);
    let again = client.post(&complete).send().await.expect(StatusCode::OK);
    assert_eq!(again.json(), record.json());
}

#[tokio::test]
async fn a_page_of_any_origin_may_send_what_it_was_given_the_url_for() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let promised = begin(client, &hello()).await.json();
    let url = promised["url"].as_str().unwrap();
    let asked = client
        .anonymous()
        .call(Method::OPTIONS, url)
        .header("origin", PAGE);
    let asked = asked.header("access-control-request-method", "PUT");
    let asked = asked.header("access-control-request-headers", "content-type");
    let asked = asked.send().await.expect(StatusCode::OK);
    assert_eq!(asked.header("access-control-allow-origin"), PAGE);
    assert!(asked.header("access-control-allow-methods").contains("PUT"));
    let headers = asked.header("access-control-allow-headers");
    assert!(headers.contains("content-type"), "{headers}");

    let refused = send(client, &promised)
        .header("origin", PAGE)
        .bytes(b"hellO");
    let refused = refused.send().await;
    assert_eq!(refused.header("access-control-allow-origin"), PAGE);
    let sent = send(client, &promised)
        .header("origin", PAGE)
        .bytes(b"hello");
    let sent = sent.send().await.expect(StatusCode::CREATED);
    assert_eq!(sent.header("access-control-allow-origin"), PAGE);
}

#[tokio::test]
async fn bytes_come_as_what_was_promised_or_as_nothing_where_nothing_was() {
    let tenant = Tenant::new().await;
    for (promised, status) in [
        ("text/plain", StatusCode::UNPROCESSABLE_ENTITY),
        ("application/octet-stream", StatusCode::CREATED),
    ] {
        let body = json!({ "filename": "a.txt", "content_type": promised });
        let begun = begin(&tenant.client, &body).await.json();
        let url = begun["url"].as_str().unwrap();
        let untyped = tenant.client.anonymous().call(Method::PUT, url);
        let answer = untyped.bytes(b"hello").send().await;
        assert_eq!(answer.status, status, "{promised}: {answer:?}");
    }
}
