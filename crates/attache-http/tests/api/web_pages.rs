//! Requests from web pages of other origins, and what browsers show: preflights, frames, notices.

use attache_testkit::{Fixture, HttpClient, HttpResponse};
use http::{Method, StatusCode};
use serde_json::json;

use super::support::Tenant;

const PORTAL: &str = "https://portal.example.org";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// The headers that upload widgets, tracing and generated clients add.
const WIDGET_HEADERS: &str = "authorization,baggage,cache-control,content-type,idempotency-key,prefer,\
                              sentry-trace,traceparent,x-my-own,x-requested-with";

async fn preflight(client: &HttpClient, method: &str, target: &str) -> HttpResponse {
    let call = client
        .call(Method::OPTIONS, target)
        .header("origin", PORTAL);
    let call = call.header("access-control-request-method", method);
    let call = call.header("access-control-request-headers", WIDGET_HEADERS);
    call.send().await
}

/// Returns a link that shows a file.
async fn view_link(tenant: &Tenant, filename: &str, bytes: &'static [u8]) -> String {
    let id = tenant.client.upload(filename, bytes).await;
    let link = tenant.client.post(&format!("/v1/files/{id}/links"));
    let link = link.json(&json!({ "action": "view" })).send().await.json();
    link["url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn preflight_allows_the_headers_of_widgets() {
    let fixture = Fixture::new().await;
    let client = HttpClient::with_origins(&fixture, &[PORTAL]);
    for row in super::support::native_endpoints() {
        let target = row.template.replace(['{', '}'], "");
        let allowed = preflight(&client, row.method.as_str(), &target).await;
        let allowed = allowed.expect(StatusCode::OK);
        assert_eq!(allowed.header("access-control-allow-origin"), PORTAL);
        let headers = allowed.header("access-control-allow-headers");
        for wanted in WIDGET_HEADERS.split(',') {
            let mut headers = headers.split(',').map(str::trim);
            assert!(
                headers.any(|header| header == wanted),
                "{wanted}: {headers:?}"
            );
        }
    }
}

#[tokio::test]
async fn subdomain_wildcard_admits_subdomains_only() {
    let fixture = Fixture::new().await;
    let client = HttpClient::with_origins(&fixture, &["https://*.Example.org:443"]);
    for (origin, allowed) in [
        ("https://portal.example.org", "https://portal.example.org"),
        ("https://a.b.example.org", "https://a.b.example.org"),
        ("https://example.org", ""),
        ("https://evilexample.org", ""),
        ("http://portal.example.org", ""),
    ] {
        let call = client.get("/v1/files").header("origin", origin);
        let response = call.send().await;
        assert_eq!(response.header("access-control-allow-origin"), allowed);
    }
}

#[tokio::test]
async fn options_lists_methods_or_finds_nothing() {
    let tenant = Tenant::new().await;
    let anyone = tenant.client.anonymous();
    for (target, allow) in [
        ("/v1/files", "POST, GET, HEAD, OPTIONS"),
        ("/v1/files/x/content", "GET, HEAD, OPTIONS"),
        ("/livez", "GET, HEAD, OPTIONS"),
    ] {
        let response = anyone.call(Method::OPTIONS, target).send().await;
        let response = response.expect(StatusCode::NO_CONTENT);
        assert_eq!(response.header("allow"), allow, "{target}");
        assert!(response.body.is_empty());
    }
    for target in ["/", "/nowhere", "/v1", "/v1/files/x/y", "/v1/filesx"] {
        let response = anyone.call(Method::OPTIONS, target).send().await;
        let problem = response.problem(StatusCode::NOT_FOUND);
        assert_eq!(problem.kind, "not-found", "{target}");
        let response = preflight(&anyone, "GET", target).await;
        response.problem(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn files_may_load_media_and_stay_sandboxed() {
    let tenant = Tenant::new().await;
    let link = view_link(&tenant, "a.txt", b"some bytes").await;
    let response = tenant.client.anonymous().get(&link).send().await;
    let policy = response.header("content-security-policy");
    let directives: Vec<&str> = policy.split(';').map(str::trim).collect();
    for wanted in [
        "default-src 'none'",
        "media-src 'self'",
        "sandbox",
        "frame-ancestors 'none'",
    ] {
        assert!(directives.contains(&wanted), "{wanted}: {policy}");
    }
    assert_eq!(response.header("x-frame-options"), "DENY");
}

#[tokio::test]
async fn listed_page_may_frame_links_and_notices() {
    let tenant = Tenant::new().await;
    let link = view_link(&tenant, "a.txt", b"some bytes").await;
    let client = HttpClient::with_frame_ancestors(&tenant.fixture, &[PORTAL]);
    for (target, status) in [(link.clone(), 200), (format!("{link}x"), 403)] {
        let call = client.get(&target).header("accept", BROWSER);
        let response = call.send().await;
        assert_eq!(response.status.as_u16(), status);
        let policy = response.header("content-security-policy");
        let ancestors = format!("frame-ancestors {PORTAL}");
        assert!(policy.ends_with(&ancestors), "{policy}");
        assert!(policy.contains("sandbox"), "{policy}");
        assert_eq!(response.header("x-frame-options"), "");
    }
}

/// Returns `true` if a response says that another `Accept` gets another one.
fn depends_on_accept(response: &HttpResponse) -> bool {
    let mut lines = response.headers.get_all("vary").iter();
    lines.any(|line| line == "accept")
}

#[tokio::test]
async fn browser_gets_a_page_for_a_dead_link() {
    let tenant = Tenant::new().await;
    let link = view_link(&tenant, "a.txt", b"some bytes").await;
    let stream = link.replace("/v1/links/", "/v1/streams/");
    tenant
        .fixture
        .clock
        .advance(std::time::Duration::from_hours(2));
    let public = "/v1/public/0190163d-8694-739b-aea5-966c26f8ad91/a.pdf".to_owned();
    for (target, status, kind, words) in [
        (link.clone(), 403, "link-expired", "This link has expired"),
        (stream, 403, "link-expired", "This link has expired"),
        (
            format!("{link}x"),
            403,
            "invalid-link",
            "This link is not valid",
        ),
        (public, 404, "not-found", "This file is not here"),
    ] {
        let fetch = |accept| {
            tenant
                .client
                .anonymous()
                .get(&target)
                .header("accept", accept)
        };
        let page = fetch(BROWSER).send().await;
        assert_eq!(page.status.as_u16(), status, "{target}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-store");
        let text = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(text.contains(&format!("<h1>{words}</h1>")), "{text}");
        assert!(text.contains(page.header("x-request-id")), "{text}");
        assert!(!text.contains("<script"), "{text}");
        assert!(depends_on_accept(&page), "{:?}", page.headers);
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        for accept in ["*/*", "application/json", "image/avif,*/*;q=0.8", ""] {
            let problem = fetch(accept).send().await;
            assert!(depends_on_accept(&problem), "{:?}", problem.headers);
            assert_eq!(problem.problem(page.status).kind, kind, "{accept}");
        }
    }
}

#[tokio::test]
async fn routes_with_a_key_give_no_page() {
    let tenant = Tenant::new().await;
    for target in [
        "/v1/files/x",
        "/v1/files/x/content",
        "/nowhere",
        "/v1/files?a=b",
    ] {
        let call = tenant.client.get(target).header("accept", BROWSER);
        let response = call.send().await;
        assert!(!depends_on_accept(&response), "{target}");
        response.problem(response.status);
    }
}
