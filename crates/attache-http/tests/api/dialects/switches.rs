//! Switching dialects on and off.

use attache_http::{Dialect, Dialects, EndpointInfo};
use attache_model::Scopes;
use attache_testkit::{Fixture, HttpClient};
use http::StatusCode;
use serde_json::json;

/// Returns the endpoints that a dialect adds to the native ones.
fn endpoints_of(dialect: Dialect) -> Vec<EndpointInfo> {
    let native = attache_http::endpoints(&Dialects::none()).count();
    let dialect = [dialect].into_iter().collect();
    attache_http::endpoints(&dialect).skip(native).collect()
}

#[tokio::test]
async fn disabled_dialect_is_not_served_or_described() {
    let fixture = Fixture::new().await;
    let token = fixture.token("school-7", Scopes::all()).await;
    for dialect in Dialect::all() {
        let others = Dialect::all().filter(|other| *other != dialect);
        let client = HttpClient::with_dialects(&fixture, others.collect::<Dialects>());
        let client = client.with_token(&token);
        let document = client.get("/openapi.json").send().await.json();
        for row in endpoints_of(dialect) {
            let target = row.template.replace(['{', '}'], "");
            let response = client.call(row.method.clone(), &target).send().await;
            assert_ne!(response.operation, Some(row.name));
            let status = response.status;
            let gone = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
            assert!(gone.contains(&status), "{}: {response:?}", row.name);
            let method = row.method.as_str().to_lowercase();
            let described = &document["paths"][row.template][&method]["operationId"];
            assert_ne!(*described, row.name);
        }
    }
    let client = HttpClient::with_dialects(&fixture, Dialects::none()).with_token(&token);
    for path in ["/files", "/api/v1/files"] {
        let response = client.get(path).send().await;
        assert_eq!(response.problem(StatusCode::NOT_FOUND).kind, "not-found");
    }
    // A path shared with another dialect still has the methods of that dialect.
    let response = client.post("/v1/files/url").json(&json!({})).send().await;
    let problem = response.problem(StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(problem.kind, "method-not-allowed");
    assert!(!response.header("allow").contains("POST"), "{response:?}");
    let response = client.get("/v1/files").send().await;
    response.expect(StatusCode::OK);
}
