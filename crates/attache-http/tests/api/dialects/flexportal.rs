//! flexportal: signed URLs for files.

use attache_model::{Scope, Scopes};
use attache_testkit::{HttpAnswer, HttpCall, HttpClient, PUBLIC_URL};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::support::Tenant;

const NOON_MILLIS: i64 = 1_769_860_800_000;
const MINUTE_MILLIS: i64 = 60_000;

/// A URL for a new text file.
pub(super) fn promise(client: &HttpClient) -> HttpCall {
    ask(
        client,
        &json!({ "action": "upload", "fileName": "a.txt", "contentType": "text/plain" }),
    )
}

fn ask(client: &HttpClient, body: &Value) -> HttpCall {
    client.post("/v1/files/url").json(body)
}

async fn answered(client: &HttpClient, body: &Value) -> Value {
    let answer = ask(client, body).send().await;
    answer.expect(StatusCode::OK).json()
}

/// Sends text to a URL as this type, by somebody without a key.
async fn put(client: &HttpClient, answer: &Value, content_type: &str) -> HttpAnswer {
    put_bytes(client, answer, content_type, b"more bytes").await
}

async fn put_bytes(
    client: &HttpClient,
    answer: &Value,
    content_type: &str,
    bytes: &'static [u8],
) -> HttpAnswer {
    let url = answer["url"].as_str().unwrap();
    let call = client.anonymous().call(Method::PUT, url);
    let call = call.header("content-type", content_type);
    call.bytes(bytes).send().await
}

/// An answer without its URL, which must be one of ours.
fn without_url(mut answer: Value) -> (Value, String) {
    let url = answer.as_object_mut().unwrap().remove("url").unwrap();
    let url = url.as_str().unwrap().to_owned();
    assert!(url.starts_with(PUBLIC_URL), "{url}");
    (answer, url)
}

#[tokio::test]
async fn a_url_of_a_file_is_written_as_the_page_prints_it() {
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
        // The URL holds for whole seconds.
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
        let (answer, url) = without_url(answered(&tenant.client, &body).await);
        let expected = json!({
            "success": true,
            "filename": "a.txt",
            "contentType": "text/plain",
            "fileSize": 5,
            "expiresAt": NOON_MILLIS + seconds * 1000,
        });
        assert_eq!(answer, expected, "{body}");
        let opened = tenant.client.anonymous().get(&url).send().await;
        let opened = opened.expect(StatusCode::OK);
        assert_eq!(opened.body, "hello");
        let found = opened.header("content-disposition");
        assert!(found.starts_with(disposition), "{body}: {found}");
    }
}

#[tokio::test]
async fn a_new_file_is_sent_once_and_has_the_id_that_was_answered() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let body = json!({
        "action": "upload", "fileName": "a.txt", "contentType": "text/plain",
        "expiresInMinutes": 15, "fileId": "of no file",
    });
    let promised = answered(client, &body).await;
    let (answer, url) = without_url(promised.clone());
    let id = answer["fileId"].as_str().unwrap();
    let expected = json!({
        "success": true,
        "fileId": id,
        "filename": "a.txt",
        "contentType": "text/plain",
        "fileSize": 0,
        "expiresAt": NOON_MILLIS + 15 * MINUTE_MILLIS,
    });
    assert_eq!(answer, expected);
    let download = json!({ "action": "download", "fileId": id });
    let early = ask(client, &download).send().await;
    assert_eq!(early.problem(StatusCode::NOT_FOUND).kind, "not-found");

    let other = put(client, &promised, "application/pdf").await;
    other.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let sent = put(client, &promised, "text/plain").await;
    assert_eq!(sent.expect(StatusCode::CREATED).json()["id"], id);
    let again = put(client, &promised, "text/plain").await;
    let problem = again.problem(StatusCode::CONFLICT);
    assert_eq!(problem.kind, "upload-completed");
    let read = client.anonymous().get(&url).send().await;
    read.problem(StatusCode::METHOD_NOT_ALLOWED);

    let (answer, url) = without_url(answered(client, &download).await);
    assert_eq!(answer["fileSize"], 10);
    let opened = client.anonymous().get(&url).send().await;
    assert_eq!(opened.expect(StatusCode::OK).body, "more bytes");
    let listed = client.get("/v1/files").send().await.json();
    assert_eq!(listed["files"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_url_of_a_file_that_was_sent_ends_like_any_other() {
    let tenant = Tenant::new().await;
    let [deleted, late] = ["deleted", "late"].map(|_| promise(&tenant.client).send());
    let (deleted, late) = (deleted.await.json(), late.await.json());
    for promised in [&deleted, &late] {
        let sent = put(&tenant.client, promised, "text/plain").await;
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
    for promised in [&deleted, &late] {
        let problem = put(&tenant.client, promised, "text/plain").await;
        let problem = problem.problem(StatusCode::FORBIDDEN);
        assert_eq!(problem.kind, "link-expired");
    }
}

#[tokio::test]
async fn a_url_for_a_new_file_ends() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let promised = promise(client).send().await.json();
    tenant
        .fixture
        .clock
        .advance(std::time::Duration::from_hours(1));
    let problem = put(client, &promised, "text/plain").await;
    let problem = problem.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.kind, "link-expired");
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn a_type_that_a_browser_does_not_know_promises_nothing() {
    let tenant = Tenant::new().await;
    for sent in ["", "application/octet-stream"] {
        let body = json!({ "action": "upload", "fileName": "a.xyz", "contentType": "" });
        let promised = answered(&tenant.client, &body).await;
        assert_eq!(promised["contentType"], "application/octet-stream");
        let stored = put(&tenant.client, &promised, sent).await;
        stored.expect(StatusCode::CREATED);
    }
}

/// As phones and recorders in a page declare what they send.
#[tokio::test]
async fn a_type_that_the_bytes_bear_out_is_kept() {
    const HEIC: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    const WEBM: &[u8] = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87\x81\x04";
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    for (name, declared, bytes, other, answer) in [
        ("a.heic", "image/heic", HEIC, WEBM, "image/heic"),
        ("a.webm", "audio/webm;codecs=opus", WEBM, HEIC, "audio/webm"),
    ] {
        let body = json!({ "action": "upload", "fileName": name, "contentType": declared });
        let promised = answered(client, &body).await;
        assert_eq!(promised["contentType"], answer);
        let refused = put_bytes(client, &promised, declared, other).await;
        let problem = refused.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.kind, "type-not-accepted", "{declared}");
        let sent = put_bytes(client, &promised, declared, bytes).await;
        sent.expect(StatusCode::CREATED);
        let read = json!({ "action": "download", "fileId": promised["fileId"] });
        let read = answered(client, &read).await;
        assert_eq!(read["contentType"], answer);
        let url = read["url"].as_str().unwrap();
        let opened = client.anonymous().get(url).send().await;
        assert_eq!(opened.header("content-type"), answer);
    }
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
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
        let answer = ask(&tenant.client, &body).send().await;
        let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
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
async fn files_that_cannot_be_read_have_no_url() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    for unknown in ["file_abc123", "0190163d-8694-739b-aea5-966c26f8ad91"] {
        let answer = ask(client, &json!({ "fileId": unknown })).send().await;
        assert_eq!(answer.problem(StatusCode::NOT_FOUND).kind, "not-found");
    }
    let id = client.upload("a.txt", b"hello").await.to_string();
    let token = tenant.fixture.token("school-8", Scopes::all()).await;
    let stranger = ask(&client.with_token(token), &json!({ "fileId": id })).send();
    stranger.await.problem(StatusCode::NOT_FOUND);
    let archive = client.post(&format!("/v1/files/{id}/archive")).send().await;
    archive.expect(StatusCode::OK);
    let archived = ask(client, &json!({ "fileId": id })).send().await;
    assert_eq!(archived.problem(StatusCode::CONFLICT).kind, "file-archived");
}

#[tokio::test]
async fn each_kind_of_url_takes_scopes_of_its_own() {
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
            (ask(&client, &read), may_read),
            (promise(&client), may_upload),
        ] {
            let answer = call.send().await;
            if may {
                answer.expect(StatusCode::OK);
            } else {
                let problem = answer.problem(StatusCode::FORBIDDEN);
                assert_eq!(problem.kind, "missing-scope", "{scopes:?}");
            }
        }
        if !may_read {
            // Whoever may not read learns nothing of what there is.
            let answer = ask(&client, &unknown).send().await;
            answer.problem(StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn the_tenant_named_is_the_keys() {
    let tenant = Tenant::new().await;
    tenant.fixture.token("school-8", Scopes::all()).await;
    let named = |slug: &str| promise(&tenant.client).header("Tenant-ID", slug).send();
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
        let twice = promise(&tenant.client).header("Tenant-ID", one);
        let twice = twice.header("Tenant-ID", other).send().await;
        assert_eq!(twice.status, status, "{one} {other}");
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_may_name_the_tenant() {
    let fixture = attache_testkit::Fixture::new().await;
    let origin = "https://portal.example.org";
    let client = HttpClient::with_origins(&fixture, &[origin]);
    for (target, header) in [("/v1/files/url", "tenant-id"), ("/files", "x-tenant")] {
        let preflight = client.call(Method::OPTIONS, target);
        let preflight = preflight
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", header);
        let allowed = preflight.send().await.expect(StatusCode::OK);
        assert_eq!(allowed.header("access-control-allow-origin"), origin);
        let headers = allowed.header("access-control-allow-headers");
        let mut headers = headers.split(',').map(str::trim);
        assert!(headers.any(|allowed| allowed == header), "{header}");
    }
}

#[tokio::test]
async fn a_page_of_any_origin_may_send_to_the_url() {
    let tenant = Tenant::new().await;
    let promised = promise(&tenant.client).send().await.json();
    let url = promised["url"].as_str().unwrap();
    let origin = "https://portal.example.org";
    let preflight = tenant.client.anonymous().call(Method::OPTIONS, url);
    let preflight = preflight
        .header("origin", origin)
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "content-type");
    let allowed = preflight.send().await.expect(StatusCode::OK);
    assert_eq!(allowed.header("access-control-allow-origin"), origin);
    let methods = allowed.header("access-control-allow-methods");
    assert!(methods.contains("PUT"), "{methods}");
    let headers = allowed.header("access-control-allow-headers");
    assert!(headers.contains("content-type"), "{headers}");
    let sent = tenant.client.anonymous().call(Method::PUT, url);
    let sent = sent
        .header("origin", origin)
        .header("content-type", "text/plain")
        .bytes(b"hello");
    let sent = sent.send().await.expect(StatusCode::CREATED);
    assert_eq!(sent.header("access-control-allow-origin"), origin);
}
