//! flexportal: signed URLs for files.

mod origins;

use attache_model::{Scope, Scopes};
use attache_testkit::{HttpCall, HttpClient, HttpResponse, PUBLIC_URL};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::support::Tenant;

const NOON_MILLIS: i64 = 1_769_860_800_000;
const MINUTE_MILLIS: i64 = 60_000;

/// Requests a URL for a new text file.
pub(super) fn pending_upload(client: &HttpClient) -> HttpCall {
    url_request(
        client,
        &json!({ "action": "upload", "fileName": "a.txt", "contentType": "text/plain" }),
    )
}

fn url_request(client: &HttpClient, body: &Value) -> HttpCall {
    client.post("/v1/files/url").json(body)
}

async fn response_to(client: &HttpClient, body: &Value) -> Value {
    let response = url_request(client, body).send().await;
    response.expect(StatusCode::OK).json()
}

/// Sends text of this type to a URL, without a key.
async fn put(client: &HttpClient, response: &Value, content_type: &str) -> HttpResponse {
    put_bytes(client, response, content_type, b"more bytes").await
}

async fn put_bytes(
    client: &HttpClient,
    response: &Value,
    content_type: &str,
    bytes: &'static [u8],
) -> HttpResponse {
    let url = response["url"].as_str().unwrap();
    let call = client.anonymous().call(Method::PUT, url);
    let call = call.header("content-type", content_type);
    call.bytes(bytes).send().await
}

/// Returns a response without its URL, which must start with the public URL.
fn without_url(mut response: Value) -> (Value, String) {
    let url = response.as_object_mut().unwrap().remove("url").unwrap();
    let url = url.as_str().unwrap().to_owned();
    assert!(url.starts_with(PUBLIC_URL), "{url}");
    (response, url)
}

#[tokio::test]
async fn url_has_the_shape_of_the_page() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"hello").await.to_string();
    for (body, disposition, seconds) in [
        (json!({ "fileId": id }), "inline", 3600),
        (
            json!({ "fileId": id, "action": "view", "expiresInMinutes": 60 }),
            "inline",
            3600,
        ),
        (
            json!({ "fileId": id, "action": null, "expiresInMinutes": null, "x": 1 }),
            "inline",
            3600,
        ),
        (
            json!({ "fileId": id, "action": "download", "expiresInMinutes": 1 }),
            "attachment",
            60,
        ),
        (
            json!({ "fileId": id, "action": "download", "expiresInMinutes": 1440.0 }),
            "attachment",
            86_400,
        ),
        // The URL expires at a whole second.
        (
            json!({ "fileId": id, "action": "download", "expiresInMinutes": 2.5 }),
            "attachment",
            150,
        ),
        (
            json!({ "fileId": id, "action": "download", "expiresInMinutes": 1.001 }),
            "attachment",
            60,
        ),
    ] {
        let (response, url) = without_url(response_to(&tenant.client, &body).await);
        let expected = json!({
            "success": true,
            "filename": "a.txt",
            "contentType": "text/plain",
            "fileSize": 5,
            "expiresAt": NOON_MILLIS + seconds * 1000,
        });
        assert_eq!(response, expected, "{body}");
        let opened = tenant.client.anonymous().get(&url).send().await;
        let opened = opened.expect(StatusCode::OK);
        assert_eq!(opened.body, "hello");
        let found = opened.header("content-disposition");
        assert!(found.starts_with(disposition), "{body}: {found}");
    }
}

#[tokio::test]
async fn new_file_is_sent_once_under_its_id() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let body = json!({
        "action": "upload", "fileName": "a.txt", "contentType": "text/plain",
        "expiresInMinutes": 15, "fileId": "of no file",
    });
    let pending = response_to(client, &body).await;
    let (response, url) = without_url(pending.clone());
    let id = response["fileId"].as_str().unwrap();
    let expected = json!({
        "success": true,
        "fileId": id,
        "filename": "a.txt",
        "contentType": "text/plain",
        "fileSize": 0,
        "expiresAt": NOON_MILLIS + 15 * MINUTE_MILLIS,
    });
    assert_eq!(response, expected);
    let download = json!({ "action": "download", "fileId": id });
    let early = url_request(client, &download).send().await;
    assert_eq!(early.problem(StatusCode::NOT_FOUND).kind, "not-found");

    let other = put(client, &pending, "application/pdf").await;
    other.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let sent = put(client, &pending, "text/plain").await;
    assert_eq!(sent.expect(StatusCode::CREATED).json()["id"], id);
    let again = put(client, &pending, "text/plain").await;
    let problem = again.problem(StatusCode::CONFLICT);
    assert_eq!(problem.kind, "upload-completed");
    let read = client.anonymous().get(&url).send().await;
    read.problem(StatusCode::METHOD_NOT_ALLOWED);

    let (response, url) = without_url(response_to(client, &download).await);
    assert_eq!(response["fileSize"], 10);
    let opened = client.anonymous().get(&url).send().await;
    assert_eq!(opened.expect(StatusCode::OK).body, "more bytes");
    let listed = client.get("/v1/files").send().await.json();
    assert_eq!(listed["files"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn url_of_a_completed_upload_expires() {
    let tenant = Tenant::new().await;
    let [deleted, late] = ["deleted", "late"].map(|_| pending_upload(&tenant.client).send());
    let (deleted, late) = (deleted.await.json(), late.await.json());
    for pending in [&deleted, &late] {
        let sent = put(&tenant.client, pending, "text/plain").await;
        sent.expect(StatusCode::CREATED);
    }
    let file = format!("/v1/files/{}", deleted["fileId"].as_str().unwrap());
    let delete = tenant.client.call(Method::DELETE, &file).send().await;
    delete.expect(StatusCode::NO_CONTENT);
    let problem = put(&tenant.client, &deleted, "text/plain").await;
    problem.problem(StatusCode::NOT_FOUND);
    tenant
        .fixture
        .clock
        .advance(std::time::Duration::from_hours(1));
    for pending in [&deleted, &late] {
        let problem = put(&tenant.client, pending, "text/plain").await;
        let problem = problem.problem(StatusCode::FORBIDDEN);
        assert_eq!(problem.kind, "link-expired");
    }
}

#[tokio::test]
async fn upload_url_expires() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let pending = pending_upload(client).send().await.json();
    tenant
        .fixture
        .clock
        .advance(std::time::Duration::from_hours(1));
    let problem = put(client, &pending, "text/plain").await;
    let problem = problem.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.kind, "link-expired");
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn unknown_declared_type_constrains_nothing() {
    let tenant = Tenant::new().await;
    for sent in ["", "application/octet-stream"] {
        let body = json!({ "action": "upload", "fileName": "a.xyz", "contentType": "" });
        let pending = response_to(&tenant.client, &body).await;
        assert_eq!(pending["contentType"], "application/octet-stream");
        let stored = put(&tenant.client, &pending, sent).await;
        stored.expect(StatusCode::CREATED);
    }
}

/// The types that phones and recorders in web pages declare.
#[tokio::test]
async fn declared_type_confirmed_by_bytes_is_kept() {
    const HEIC: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    const WEBM: &[u8] = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87\x81\x04";
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    for (name, declared, bytes, other, response) in [
        ("a.heic", "image/heic", HEIC, WEBM, "image/heic"),
        ("a.webm", "audio/webm;codecs=opus", WEBM, HEIC, "audio/webm"),
    ] {
        let body = json!({ "action": "upload", "fileName": name, "contentType": declared });
        let pending = response_to(client, &body).await;
        assert_eq!(pending["contentType"], response);
        let refused = put_bytes(client, &pending, declared, other).await;
        let problem = refused.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.kind, "type-not-accepted", "{declared}");
        let sent = put_bytes(client, &pending, declared, bytes).await;
        sent.expect(StatusCode::CREATED);
        let read = json!({ "action": "download", "fileId": pending["fileId"] });
        let read = response_to(client, &read).await;
        assert_eq!(read["contentType"], response);
        let url = read["url"].as_str().unwrap();
        let opened = client.anonymous().get(url).send().await;
        assert_eq!(opened.header("content-type"), response);
    }
}

#[tokio::test]
async fn invalid_request_names_the_field() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"hello").await.to_string();
    for (field, body) in [
        ("fileId", json!({})),
        ("fileId", json!({ "action": "download" })),
        ("fileId", json!({ "fileId": "" })),
        ("fileId", json!({ "fileId": 7 })),
        (
            "fileId",
            json!({
                "action": "upload", "fileName": "a.txt", "contentType": "text/plain",
                "fileId": 7,
            }),
        ),
        ("action", json!({ "fileId": id, "action": "delete" })),
        ("action", json!({ "fileId": id, "action": "View" })),
        (
            "fileName",
            json!({ "action": "upload", "contentType": "text/plain" }),
        ),
        (
            "fileName",
            json!({ "action": "upload", "fileName": "", "contentType": "text/plain" }),
        ),
        (
            "fileName",
            json!({ "action": "upload", "fileName": "..", "contentType": "text/plain" }),
        ),
        (
            "contentType",
            json!({ "action": "upload", "fileName": "a.txt" }),
        ),
        (
            "contentType",
            json!({ "action": "upload", "fileName": "a.txt", "contentType": "text" }),
        ),
        (
            "expiresInMinutes",
            json!({ "fileId": id, "expiresInMinutes": 0 }),
        ),
        (
            "expiresInMinutes",
            json!({ "fileId": id, "expiresInMinutes": 1441 }),
        ),
        (
            "expiresInMinutes",
            json!({ "fileId": id, "expiresInMinutes": "60" }),
        ),
    ] {
        let response = url_request(&tenant.client, &body).send().await;
        let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.kind, "invalid-field", "{body}");
        assert!(problem.detail.contains(field), "{body}: {problem:?}");
    }
    let broken = tenant.client.post("/v1/files/url");
    let broken = broken
        .header("content-type", "application/json")
        .bytes(b"{");
    broken.send().await.problem(StatusCode::BAD_REQUEST);
    let form = tenant.client.post("/v1/files/url").bytes(b"a=b").send();
    form.await.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn unreadable_file_has_no_url() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    for unknown in ["file_abc123", "0190163d-8694-739b-aea5-966c26f8ad91"] {
        let response = url_request(client, &json!({ "fileId": unknown }))
            .send()
            .await;
        assert_eq!(response.problem(StatusCode::NOT_FOUND).kind, "not-found");
    }
    let id = client.upload("a.txt", b"hello").await.to_string();
    let token = tenant.fixture.token("school-8", Scopes::all()).await;
    let stranger = url_request(&client.with_token(token), &json!({ "fileId": id })).send();
    stranger.await.problem(StatusCode::NOT_FOUND);
    let archive = client.post(&format!("/v1/files/{id}/archive")).send().await;
    archive.expect(StatusCode::OK);
    let archived = url_request(client, &json!({ "fileId": id })).send().await;
    assert_eq!(archived.problem(StatusCode::CONFLICT).kind, "file-archived");
}

#[tokio::test]
async fn each_action_needs_its_own_scopes() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"hello").await.to_string();
    let read = json!({ "action": "download", "fileId": id });
    let unknown = json!({ "action": "download", "fileId": "unknown" });
    for (scopes, may_read, may_upload) in [
        (vec![Scope::FilesWrite], false, true),
        (vec![Scope::FilesRead, Scope::LinksCreate], true, false),
        (vec![Scope::FilesRead], false, false),
        (vec![Scope::LinksCreate], false, false),
        (Vec::new(), false, false),
    ] {
        let client = tenant.client_with(scopes.iter().copied().collect()).await;
        for (call, may) in [
            (url_request(&client, &read), may_read),
            (pending_upload(&client), may_upload),
        ] {
            let response = call.send().await;
            if may {
                response.expect(StatusCode::OK);
            } else {
                let problem = response.problem(StatusCode::FORBIDDEN);
                assert_eq!(problem.kind, "missing-scope", "{scopes:?}");
            }
        }
        if !may_read {
            // A key that may not read learns nothing about existing files.
            let response = url_request(&client, &unknown).send().await;
            response.problem(StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn tenant_header_must_match_the_key() {
    let tenant = Tenant::new().await;
    tenant.fixture.token("school-8", Scopes::all()).await;
    let named = |slug: &str| {
        pending_upload(&tenant.client)
            .header("Tenant-ID", slug)
            .send()
    };
    named("school-7").await.expect(StatusCode::OK);
    for other in ["school-8", "nobodys", ""] {
        let problem = named(other).await.problem(StatusCode::FORBIDDEN);
        assert_eq!(problem.kind, "other-tenant", "{other}");
    }
    for (one, other, status) in [
        ("school-7", "school-7", StatusCode::OK),
        ("school-7", "school-8", StatusCode::FORBIDDEN),
        ("school-8", "school-7", StatusCode::FORBIDDEN),
    ] {
        let twice = pending_upload(&tenant.client).header("Tenant-ID", one);
        let twice = twice.header("Tenant-ID", other).send().await;
        assert_eq!(twice.status, status, "{one} {other}");
    }
}
