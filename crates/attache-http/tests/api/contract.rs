//! Responses to special requests, checked against the OpenAPI document.

use attache_testkit::HttpResponse;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::support::Tenant;

/// A body larger than any JSON except uploads.
static SPACES: [u8; (64 << 10) + 1] = [b' '; (64 << 10) + 1];

#[tokio::test]
async fn conditions_on_content_match_the_description() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let id = client.upload("a.txt", b"some bytes").await;
    let publish = client.call(Method::PATCH, &format!("/v1/files/{id}"));
    let publish = publish.json(&json!({ "visibility": "public" }));
    publish.send().await.expect(StatusCode::OK);
    let link = client.post(&format!("/v1/files/{id}/links"));
    let link = link.json(&json!({})).send().await.json();
    let link = link["url"].as_str().unwrap();

    for target in [
        &format!("/v1/files/{id}/content"),
        &format!("/v1/public/{id}/a.txt"),
        link,
        &link.replace("/v1/links/", "/v1/streams/"),
    ] {
        let read = async |name: &str, value: &str| {
            let call = client.get(target).header(name, value);
            call.send().await
        };
        let tag = read("accept", "*/*").await.header("etag").to_owned();
        let known = read("if-none-match", &tag).await;
        assert_eq!(known.expect(StatusCode::NOT_MODIFIED).header("etag"), tag);
        read("if-match", &tag).await.expect(StatusCode::OK);
        let failed = read("if-match", "\"other\"").await;
        let failed = failed.problem(StatusCode::PRECONDITION_FAILED);
        assert_eq!(failed.kind, "precondition-failed");

        let date = read("accept", "*/*").await;
        let date = date.header("last-modified").to_owned();
        assert_eq!(date, "Sat, 31 Jan 2026 12:00:00 GMT");
        let before = "Sat, 31 Jan 2026 11:59:59 GMT";
        for (name, sent, status) in [
            ("if-modified-since", date.as_str(), 304),
            ("if-modified-since", before, 200),
            ("if-unmodified-since", date.as_str(), 200),
        ] {
            let response = read(name, sent).await;
            assert_eq!(response.status.as_u16(), status, "{name}: {sent}");
            assert_eq!(response.header("last-modified"), date);
        }
        let failed = read("if-unmodified-since", before).await;
        let failed = failed.problem(StatusCode::PRECONDITION_FAILED);
        assert_eq!(failed.kind, "precondition-failed");

        let range = read("range", "bytes=-5").await;
        assert_eq!(range.expect(StatusCode::PARTIAL_CONTENT).body, "bytes");
        let outside = read("range", "bytes=10-").await;
        assert_eq!(outside.header("content-range"), "bytes */10");
        let outside = outside.problem(StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(outside.kind, "range-not-satisfiable");
        let call = client.get(target).header("range", "bytes=-5");
        let other = call.header("if-range", "\"other\"").send().await;
        assert_eq!(other.expect(StatusCode::OK).body, "some bytes");
        for (sent, status) in [(date.as_str(), 206), (before, 200)] {
            let call = client.get(target).header("range", "bytes=-5");
            let response = call.header("if-range", sent).send().await;
            assert_eq!(response.status.as_u16(), status, "{sent}");
        }
    }
}

#[tokio::test]
async fn conditions_on_records_match_the_description() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let id = client.upload("a.txt", b"some bytes").await;
    let file = format!("/v1/files/{id}");
    let tag = client.get(&file).send().await.header("etag").to_owned();
    let fetch = async |method: Method, name: &str, value: &str| -> HttpResponse {
        let call = client.call(method.clone(), &file).header(name, value);
        let call = match method {
            Method::PATCH => call.json(&json!({ "name": "another" })),
            _ => call,
        };
        call.send().await
    };
    let known = fetch(Method::GET, "if-none-match", &tag).await;
    known.expect(StatusCode::NOT_MODIFIED);
    let failed = fetch(Method::GET, "if-match", "\"9\"").await;
    failed.problem(StatusCode::PRECONDITION_FAILED);
    for method in [Method::PATCH, Method::DELETE] {
        let failed = fetch(method, "if-match", "\"9\"").await;
        let failed = failed.problem(StatusCode::PRECONDITION_FAILED);
        assert_eq!(failed.kind, "revision-mismatch");
    }
    let changed = fetch(Method::PATCH, "if-match", &tag).await;
    assert_ne!(changed.expect(StatusCode::OK).header("etag"), tag);
    let gone = fetch(Method::DELETE, "if-match", "*").await;
    gone.expect(StatusCode::NO_CONTENT);
    fetch(Method::GET, "accept", "*/*")
        .await
        .problem(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn conditional_change_needs_only_its_own_scope() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let file = format!("/v1/files/{id}");
    let read = tenant.client.get(&file).send().await;
    let tags = format!("\"none\", {}", read.header("etag"));
    let scopes = [attache_model::Scope::FilesWrite];
    let writer = tenant.client_with(scopes.into_iter().collect()).await;
    let call = writer.call(Method::PATCH, &file).header("if-match", &tags);
    let call = call.json(&json!({ "name": "another" }));
    call.send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn refused_json_matches_the_description() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let id = client.upload("a.txt", b"some bytes").await;
    for (method, target) in [
        (Method::PATCH, format!("/v1/files/{id}")),
        (Method::POST, format!("/v1/files/{id}/claim")),
        (Method::POST, format!("/v1/files/{id}/links")),
        (Method::POST, "/v1/uploads".to_owned()),
    ] {
        let send = async |content_type: &str, bytes: &'static [u8], status: u16| {
            let call = client.call(method.clone(), &target);
            let call = call.header("content-type", content_type).bytes(bytes);
            let status = StatusCode::from_u16(status).unwrap();
            call.send().await.problem(status).kind
        };
        let json = "application/json";
        assert_eq!(send(json, b"{", 400).await, "malformed-body");
        assert_eq!(send(json, &SPACES, 413).await, "too-large");
        assert_eq!(
            send("text/plain", b"{}", 415).await,
            "unsupported-media-type"
        );
        let unknown = send(json, b"{\"no_such\":1}", 422).await;
        assert_eq!(unknown, "invalid-field");
    }
}

#[tokio::test]
async fn unknown_parameter_matches_the_description() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    for row in super::support::native_endpoints() {
        let target = row.template.replace("{id}", &id.to_string());
        let target = target.replace("{filename}", "a.txt") + "?no=such";
        let mut call = tenant.client.call(row.method.clone(), &target);
        if row.method != Method::GET {
            call = call.json(&Value::Null);
        }
        let response = call.send().await;
        let (status, kind) = match row.access {
            attache_http::Access::Link => (StatusCode::FORBIDDEN, "invalid-link"),
            _ => (StatusCode::BAD_REQUEST, "invalid-parameter"),
        };
        assert_eq!(response.problem(status).kind, kind, "{}", row.name);
    }
}
