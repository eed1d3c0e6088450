//! Uploads of one file in the two ways that are not forms: as it is, and as JSON.

use attache_testkit::HttpResponse;
use http::StatusCode;
use serde_json::{Value, json};

use super::support::Tenant;

fn stored(response: HttpResponse) -> Value {
    response.expect(StatusCode::CREATED).json()["files"][0].clone()
}

#[tokio::test]
async fn each_way_stores_the_same_file() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let sent = json!({ "filename": "a.txt", "content": "aGVsbG8=", "person": "PT-1" });
    for target in ["/v1/files", "/v1/files/json"] {
        let record = stored(client.post(target).json(&sent).send().await);
        assert_eq!(
            (&record["size_bytes"], &record["person"]),
            (&json!(5), &json!("PT-1"))
        );
    }
    for target in ["/v1/files", "/v1/files/raw"] {
        let call = client.post(&format!("{target}?filename=a.txt&person=PT-1"));
        let call = call.header("content-type", "application/octet-stream");
        let record = stored(call.bytes(b"hello").send().await);
        assert_eq!(
            (&record["size_bytes"], &record["person"]),
            (&json!(5), &json!("PT-1"))
        );
    }
}

#[tokio::test]
async fn raw_json_is_a_file_like_any_other() {
    let tenant = Tenant::new().await;
    let call = tenant.client.post("/v1/files/raw?filename=a.json");
    let record = stored(call.json(&json!({ "filename": "b.txt" })).send().await);
    assert_eq!(record["filename"], "a.json");
    assert_eq!(record["content_type"], "application/json");
}

#[tokio::test]
async fn body_of_the_other_way_is_refused() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    for (target, content_type, status, kind) in [
        ("/v1/files/raw", "text/plain", 400, "invalid-parameter"),
        (
            "/v1/files/raw?filename=",
            "text/plain",
            400,
            "invalid-parameter",
        ),
        (
            "/v1/files/raw?filename=a.txt",
            "multipart/form-data; boundary=x",
            415,
            "unsupported-media-type",
        ),
        (
            "/v1/files/json",
            "text/plain",
            415,
            "unsupported-media-type",
        ),
        (
            "/v1/files/json?filename=a.txt",
            "application/json",
            400,
            "invalid-parameter",
        ),
    ] {
        let call = client.post(target).header("content-type", content_type);
        let response = call.bytes(b"{}").send().await;
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(
            response.problem(status).kind,
            kind,
            "{target} {content_type}"
        );
    }
    tenant.assert_nothing_left().await;
}
