//! Behaviour common to all requests: request ids, operation names, HEAD, readiness, CORS.

use attache_model::Scopes;
use attache_storage::{BlobErrorKind, BlobOperation, FaultEffect};
use attache_testkit::{Fixture, HttpClient};
use http::{Method, StatusCode};
use serde_json::json;

use super::support::Tenant;

const APP: &str = "https://app.example.org";
const OTHER: &str = "https://other.example.org";

#[tokio::test]
async fn request_keeps_its_id_or_gets_one() {
    let tenant = Tenant::new().await;
    let fetch = |id: &str| tenant.client.get("/livez").header("x-request-id", id);
    let longest = "x".repeat(128);
    for id in ["42", "a/b:c", &longest] {
        assert_eq!(fetch(id).send().await.header("x-request-id"), id);
    }

    let mut created = std::collections::BTreeSet::new();
    let too_long = "x".repeat(129);
    for id in ["", "two words", &too_long] {
        created.insert(fetch(id).send().await.header("x-request-id").to_owned());
    }
    let without = tenant.client.get("/livez").send().await;
    created.insert(without.header("x-request-id").to_owned());
    assert_eq!(created.len(), 4, "each is another: {created:?}");
    assert!(created.iter().all(|id| id.len() == 36), "{created:?}");
}

#[tokio::test]
async fn problem_names_its_request_without_a_route() {
    let tenant = Tenant::new().await;
    for (target, operation) in [
        ("/nowhere", None),
        ("/v1/files/not-an-id", Some("get_file")),
        ("/v1/files?no=such", Some("list_files")),
    ] {
        let response = tenant.client.get(target).header("x-request-id", "mine");
        let response = response.send().await;
        assert!(response.status.is_client_error(), "{response:?}");
        let problem = response.problem(response.status);
        assert_eq!(problem.request_id, "mine");
        assert_eq!(response.operation, operation, "{target}");
    }
}

#[tokio::test]
async fn head_of_content_has_the_headers_of_get() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let content = format!("/v1/files/{id}/content");
    for range in [None, Some("bytes=5-8")] {
        let fetch = |method| {
            let call = tenant.client.call(method, &content);
            let call = call.header("x-request-id", "same");
            match range {
                Some(range) => call.header("range", range),
                None => call,
            }
        };
        let get = fetch(Method::GET).send().await;
        let head = fetch(Method::HEAD).send().await;
        assert!(head.body.is_empty());
        assert_eq!(head.operation, get.operation);
        // A range is defined for GET alone (RFC 9110, 14.2).
        assert_eq!(head.status, StatusCode::OK);
        assert_eq!(head.header("content-length"), "10");
        assert_eq!(get.header("content-length"), get.body.len().to_string());
        if range.is_none() {
            assert_eq!(head.headers, get.headers);
        }
    }
}

#[tokio::test]
async fn head_of_content_does_not_read_the_store() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let fault = FaultEffect::FailBefore(BlobErrorKind::Other);
    tenant.fixture.faults.add_next(BlobOperation::Get, fault);
    let content = format!("/v1/files/{id}/content");
    let head = tenant.client.call(Method::HEAD, &content).send().await;
    head.expect(StatusCode::OK);
    assert_eq!(tenant.fixture.faults.pending(), 1, "the store was not read");
}

#[tokio::test]
async fn head_is_get_without_body_on_every_route() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let gets = super::support::native_endpoints();
    let gets = gets.into_iter().filter(|row| row.method == Method::GET);
    // The link is unsigned and the file is private: HEAD has the same errors as GET.
    for row in gets {
        let target = row.template.replace("{id}", &id.to_string());
        let target = target.replace("{filename}", "a.txt");
        let fetch = |method| {
            let call = tenant.client.call(method, &target);
            call.header("x-request-id", "same").send()
        };
        let (get, head) = (fetch(Method::GET).await, fetch(Method::HEAD).await);
        assert!(head.body.is_empty(), "{}", row.name);
        assert_eq!(head.status, get.status, "{}", row.name);
        assert_eq!(head.operation, get.operation, "{}", row.name);
        let length = head.header("content-length");
        assert_eq!(length, get.body.len().to_string(), "{}", row.name);
        let content_type = head.header("content-type");
        assert_eq!(content_type, get.header("content-type"), "{}", row.name);
    }
}

#[tokio::test]
async fn stopping_server_is_live_and_not_ready() {
    let tenant = Tenant::new().await;
    let anyone = tenant.client.anonymous();
    anyone.get("/readyz").send().await.expect(StatusCode::OK);

    anyone.service().set_ready(false);
    let response = anyone.get("/readyz").send().await;
    let problem = response.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem.kind, "unavailable");
    anyone.get("/livez").send().await.expect(StatusCode::OK);
    // Later requests are still served.
    tenant.client.upload("a.txt", b"some bytes").await;

    anyone.service().set_ready(true);
    anyone.get("/readyz").send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn unresponsive_store_is_not_ready() {
    let tenant = Tenant::new().await;
    let anyone = tenant.client.anonymous();
    let fault = FaultEffect::FailBefore(BlobErrorKind::Unavailable);
    tenant.fixture.faults.add_next(BlobOperation::Health, fault);
    let response = anyone.get("/readyz").send().await;
    let problem = response.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem.kind, "unavailable");
    assert!(!problem.detail.contains("injected"), "{problem:?}");
    assert_eq!(tenant.fixture.faults.pending(), 0);
    anyone.get("/livez").send().await.expect(StatusCode::OK);
}

/// Sends the preflight request of a browser for a page of another origin.
async fn preflight(client: &HttpClient, method: &str, target: &str, origin: &str) -> String {
    let call = client
        .call(Method::OPTIONS, target)
        .header("origin", origin);
    let call = call.header("access-control-request-method", method);
    let call = call.header("access-control-request-headers", "authorization");
    let response = call.send().await.expect(StatusCode::OK);
    assert_eq!(response.operation, None);
    if !response.header("access-control-allow-origin").is_empty() {
        let methods = response.header("access-control-allow-methods");
        assert!(methods.contains(method), "{methods}");
        let headers = response.header("access-control-allow-headers");
        assert!(headers.contains("authorization"), "{headers}");
    }
    response.header("access-control-allow-origin").to_owned()
}

#[tokio::test]
async fn only_allowed_origins_may_call_keyed_routes() {
    let fixture = Fixture::new().await;
    let client = HttpClient::with_origins(&fixture, &[APP]);
    let client = client.with_token(fixture.token("school-7", Scopes::all()).await);
    let id = client.upload("a.txt", b"some bytes").await;
    for row in super::support::native_endpoints() {
        let target = row.template.replace("{id}", &id.to_string());
        let target = target.replace("{filename}", "a.txt");
        let open_to_all = ["/v1/public/", "/v1/links/", "/v1/streams/"]
            .iter()
            .any(|open| target.starts_with(open))
            || row.name == "send_upload";
        let method = row.method.as_str();
        let allowed = preflight(&client, method, &target, APP).await;
        assert_eq!(allowed, APP, "{}", row.name);
        let allowed = preflight(&client, method, &target, OTHER).await;
        let expected = if open_to_all { OTHER } else { "" };
        assert_eq!(allowed, expected, "{}", row.name);
    }

    let call = client.get("/v1/files").header("origin", APP);
    let response = call.send().await.expect(StatusCode::OK);
    assert_eq!(response.header("access-control-allow-origin"), APP);
    let exposed = response.header("access-control-expose-headers");
    for name in ["x-request-id", "etag", "retry-after", "location"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    let call = client.get("/v1/files").header("origin", OTHER);
    let response = call.send().await;
    assert_eq!(response.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn link_is_readable_from_any_origin() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let link = tenant.client.post(&format!("/v1/files/{id}/links"));
    let link = link.json(&json!({})).send().await.json();
    let call = tenant.client.anonymous().get(link["url"].as_str().unwrap());
    let response = call.header("origin", OTHER).send().await;
    assert_eq!(response.header("access-control-allow-origin"), OTHER);
    assert_eq!(response.expect(StatusCode::OK).body, "some bytes");
}
