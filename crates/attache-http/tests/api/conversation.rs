//! What is so for every request: its id, its operation's name, HEAD, readiness, other origins.

use attache_model::Scopes;
use attache_storage::{BlobErrorKind, BlobOperation, FaultEffect};
use attache_testkit::{Fixture, HttpClient};
use http::{Method, StatusCode};
use serde_json::json;

use super::support::Tenant;

const APP: &str = "https://app.example.org";
const OTHER: &str = "https://other.example.org";

#[tokio::test]
async fn a_request_keeps_its_id_or_gets_one() {
    let tenant = Tenant::new().await;
    let ask = |id: &str| tenant.client.get("/livez").header("x-request-id", id);
    let longest = "x".repeat(128);
    for id in ["42", "a/b:c", &longest] {
        assert_eq!(ask(id).send().await.header("x-request-id"), id);
    }

    let mut made = std::collections::BTreeSet::new();
    let too_long = "x".repeat(129);
    for id in ["", "two words", &too_long] {
        made.insert(ask(id).send().await.header("x-request-id").to_owned());
    }
    let without = tenant.client.get("/livez").send().await;
    made.insert(without.header("x-request-id").to_owned());
    assert_eq!(made.len(), 4, "each is another: {made:?}");
    assert!(made.iter().all(|id| id.len() == 36), "{made:?}");
}

#[tokio::test]
async fn problems_name_their_request_even_where_there_is_no_route() {
    let tenant = Tenant::new().await;
    for (target, operation) in [
        ("/nowhere", None),
        ("/v1/files/not-an-id", Some("get_file")),
        ("/v1/files?no=such", Some("list_files")),
    ] {
        let answer = tenant.client.get(target).header("x-request-id", "mine");
        let answer = answer.send().await;
        assert!(answer.status.is_client_error(), "{answer:?}");
        let problem = answer.problem(answer.status);
        assert_eq!(problem.request_id, "mine");
        assert_eq!(answer.operation, operation, "{target}");
    }
}

#[tokio::test]
async fn head_of_bytes_says_everything_but_the_bytes() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let content = format!("/v1/files/{id}/content");
    for range in [None, Some("bytes=5-8")] {
        let ask = |method| {
            let call = tenant.client.call(method, &content);
            let call = call.header("x-request-id", "same");
            match range {
                Some(range) => call.header("range", range),
                None => call,
            }
        };
        let get = ask(Method::GET).send().await;
        let head = ask(Method::HEAD).send().await;
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
async fn head_of_bytes_leaves_the_bytes_where_they_are() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let fault = FaultEffect::FailBefore(BlobErrorKind::Other);
    tenant.fixture.faults.add_next(BlobOperation::Get, fault);
    let content = format!("/v1/files/{id}/content");
    let head = tenant.client.call(Method::HEAD, &content).send().await;
    head.expect(StatusCode::OK);
    assert_eq!(
        tenant.fixture.faults.pending(),
        1,
        "the store was not asked"
    );
}

#[tokio::test]
async fn head_is_get_without_the_body_everywhere() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let gets = super::support::native_endpoints();
    let gets = gets.into_iter().filter(|row| row.method == Method::GET);
    // Without a signature the link is an error, and the file is not public: HEAD is GET there too.
    for row in gets {
        let target = row.template.replace("{id}", &id.to_string());
        let target = target.replace("{filename}", "a.txt");
        let ask = |method| {
            let call = tenant.client.call(method, &target);
            call.header("x-request-id", "same").send()
        };
        let (get, head) = (ask(Method::GET).await, ask(Method::HEAD).await);
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
async fn a_server_about_to_stop_lives_and_is_not_ready() {
    let tenant = Tenant::new().await;
    let anyone = tenant.client.anonymous();
    anyone.get("/readyz").send().await.expect(StatusCode::OK);

    anyone.service().set_ready(false);
    let answer = anyone.get("/readyz").send().await;
    let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem.kind, "unavailable");
    anyone.get("/livez").send().await.expect(StatusCode::OK);
    // What still comes is served.
    tenant.client.upload("a.txt", b"some bytes").await;

    anyone.service().set_ready(true);
    anyone.get("/readyz").send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_not_ready() {
    let tenant = Tenant::new().await;
    let anyone = tenant.client.anonymous();
    let fault = FaultEffect::FailBefore(BlobErrorKind::Unavailable);
    tenant.fixture.faults.add_next(BlobOperation::Health, fault);
    let answer = anyone.get("/readyz").send().await;
    let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem.kind, "unavailable");
    assert!(!problem.detail.contains("injected"), "{problem:?}");
    assert_eq!(tenant.fixture.faults.pending(), 0);
    anyone.get("/livez").send().await.expect(StatusCode::OK);
}

/// What a browser asks before it sends a request of a page of another site.
async fn preflight(client: &HttpClient, method: &str, target: &str, origin: &str) -> String {
    let call = client
        .call(Method::OPTIONS, target)
        .header("origin", origin);
    let call = call.header("access-control-request-method", method);
    let call = call.header("access-control-request-headers", "authorization");
    let answer = call.send().await.expect(StatusCode::OK);
    assert_eq!(answer.operation, None);
    if !answer.header("access-control-allow-origin").is_empty() {
        let methods = answer.header("access-control-allow-methods");
        assert!(methods.contains(method), "{methods}");
        let headers = answer.header("access-control-allow-headers");
        assert!(headers.contains("authorization"), "{headers}");
    }
    answer.header("access-control-allow-origin").to_owned()
}

#[tokio::test]
async fn pages_of_allowed_origins_may_call_what_needs_a_key_and_no_others() {
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
    let answer = call.send().await.expect(StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), APP);
    let exposed = answer.header("access-control-expose-headers");
    for name in ["x-request-id", "etag", "retry-after", "location"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    let call = client.get("/v1/files").header("origin", OTHER);
    let answer = call.send().await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_link_can_be_read_by_the_pages_of_any_origin() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let link = tenant.client.post(&format!("/v1/files/{id}/links"));
    let link = link.json(&json!({})).send().await.json();
    let call = tenant.client.anonymous().get(link["url"].as_str().unwrap());
    let answer = call.header("origin", OTHER).send().await;
    assert_eq!(answer.header("access-control-allow-origin"), OTHER);
    assert_eq!(answer.expect(StatusCode::OK).body, "some bytes");
}
