//! Requests from web pages of other origins.

use attache_testkit::HttpClient;
use http::{Method, StatusCode};

use super::pending_upload;
use crate::api::support::Tenant;

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
