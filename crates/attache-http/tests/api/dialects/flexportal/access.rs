//! flexportal: the keys, tenants and origins that may ask for a URL.

use attache_model::{Scope, Scopes};
use attache_testkit::HttpClient;
use http::{Method, StatusCode};
use serde_json::json;

use super::{pending_upload, url_request};
use crate::api::support::Tenant;

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
    for other in ["school-8", "unassigned", ""] {
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

#[tokio::test]
async fn allowed_origin_may_send_the_tenant_header() {
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
async fn upload_url_accepts_any_origin() {
    let tenant = Tenant::new().await;
    let pending = pending_upload(&tenant.client).send().await.json();
    let url = pending["url"].as_str().unwrap();
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
