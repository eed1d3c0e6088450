//! Responses to failures of the store, of the body and of time.

use std::time::Duration;

use attache_storage::{BlobErrorKind, BlobOperation, FaultEffect};
use attache_testkit::{HttpCall, HttpResponse};
use http::{Method, StatusCode};
use serde_json::json;

use super::support::Tenant;

fn upload(tenant: &Tenant) -> HttpCall {
    tenant.client.post("/v1/files?filename=a.txt")
}

/// Bytes whose space the service checks; a small upload leaves that to the store.
static CONTENT: [u8; 100_000] = [b'a'; 100_000];

/// Bytes that are sent in several parts, the first before the last is read.
static LARGE_CONTENT: [u8; 800_000] = [b'a'; 800_000];

/// Uploads while the store fails one operation.
async fn upload_into(
    tenant: &Tenant,
    operation: BlobOperation,
    kind: BlobErrorKind,
) -> HttpResponse {
    let faults = &tenant.fixture.faults;
    faults.add_next(operation, FaultEffect::FailBefore(kind));
    let response = upload(tenant).bytes(&CONTENT).send().await;
    assert_eq!(faults.pending(), 0);
    response
}

/// Asserts that the response contains nothing of the store's own error, which is for the log.
fn assert_keeps_its_secrets(response: &HttpResponse) {
    let body = String::from_utf8_lossy(&response.body).to_lowercase();
    for secret in ["injected", "put", "get", "blob", "store"] {
        assert!(!body.contains(secret), "{secret}: {body}");
    }
}

#[tokio::test]
async fn unavailable_store_returns_503_with_retry() {
    let tenant = Tenant::new().await;
    for operation in [BlobOperation::Health, BlobOperation::Put] {
        let response = upload_into(&tenant, operation, BlobErrorKind::Unavailable).await;
        let problem = response.problem(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(problem.kind, "unavailable");
        assert_eq!(response.header("retry-after"), "1");
        assert_keeps_its_secrets(&response);
    }
    tenant.assert_nothing_left().await;

    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let content = tenant.client.get(&format!("/v1/files/{id}/content"));
    let fault = FaultEffect::FailBefore(BlobErrorKind::Unavailable);
    tenant.fixture.faults.add_next(BlobOperation::Get, fault);
    let response = content.send().await;
    let problem = response.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem.kind, "unavailable");
    assert_eq!(response.header("retry-after"), "1");
    assert_eq!(response.header("content-disposition"), "");
}

#[tokio::test]
async fn full_store_returns_507() {
    let tenant = Tenant::new().await;
    for operation in [BlobOperation::Health, BlobOperation::Put] {
        let response = upload_into(&tenant, operation, BlobErrorKind::OutOfSpace).await;
        let problem = response.problem(StatusCode::INSUFFICIENT_STORAGE);
        assert_eq!(problem.kind, "out-of-space");
    }
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn internal_fault_returns_500_without_its_cause() {
    let tenant = Tenant::new().await;
    for kind in [
        BlobErrorKind::Other,
        BlobErrorKind::PermissionDenied,
        BlobErrorKind::Corrupt,
    ] {
        let response = upload_into(&tenant, BlobOperation::Put, kind).await;
        let problem = response.problem(StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(problem.kind, "internal");
        assert_keeps_its_secrets(&response);
    }
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn lost_content_has_a_problem_of_its_own() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let content = format!("/v1/files/{id}/content");
    for kind in [
        BlobErrorKind::NotFound,
        BlobErrorKind::Corrupt,
        BlobErrorKind::PermissionDenied,
    ] {
        let fault = FaultEffect::FailBefore(kind);
        tenant.fixture.faults.add_next(BlobOperation::Get, fault);
        let response = tenant.client.get(&content).send().await;
        let problem = response.problem(StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(problem.kind, "content-lost");
        assert_keeps_its_secrets(&response);
    }
    // Nothing was wrong but the store's own failures.
    let response = tenant.client.get(&content).send().await;
    assert_eq!(response.body, b"some bytes"[..]);
}

#[tokio::test]
async fn truncated_response_body_is_an_error() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", &LARGE_CONTENT).await;
    let content = format!("/v1/files/{id}/content");
    let fault = FaultEffect::Cut {
        after_bytes: 600_000,
        kind: BlobErrorKind::Other,
    };
    tenant.fixture.faults.add_next(BlobOperation::Get, fault);
    let cut = tenant.client.get(&content).try_send().await;
    assert!(cut.is_err(), "{cut:?}");
    let whole = tenant.client.get(&content).try_send().await.unwrap();
    assert_eq!(whole.body, LARGE_CONTENT[..]);
}

#[tokio::test]
async fn truncated_request_body_is_body_cut_off() {
    let tenant = Tenant::new().await;
    let form = "multipart/form-data; boundary=b";
    let part: &[u8] = b"--b\r\nContent-Disposition: form-data; name=f; filename=a.txt\r\n\r\nsome";
    let post = || tenant.client.post("/v1/files");
    for call in [
        upload(&tenant).broken_off(b"some by"),
        post().header("content-type", form).broken_off(part),
        post()
            .header("content-type", "application/json")
            .broken_off(b"{\"filename\":"),
    ] {
        let problem = call.send().await.problem(StatusCode::BAD_REQUEST);
        assert_eq!(problem.kind, "body-cut-off");
        assert!(!problem.detail.contains("reset"), "{problem:?}");
    }
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn truncated_form_is_body_cut_off() {
    let tenant = Tenant::new().await;
    let call = tenant.client.post("/v1/files");
    let call = call.header("content-type", "multipart/form-data; boundary=b");
    let part: &[u8] = b"--b\r\nContent-Disposition: form-data; name=f; filename=a.txt\r\n\r\nsome";
    let response = call.stream([Ok(part)].into_iter()).send().await;
    let problem = response.problem(StatusCode::BAD_REQUEST);
    assert_eq!(problem.kind, "body-cut-off");
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn wrong_length_is_length_mismatch() {
    let tenant = Tenant::new().await;
    let chunks: [(&str, &[u8]); 2] = [("11", b"some bytes"), ("9", b"some bytes")];
    for (declared, sent) in chunks {
        let call = upload(&tenant).header("content-length", declared);
        let response = call.stream([Ok(sent)].into_iter()).send().await;
        let problem = response.problem(StatusCode::BAD_REQUEST);
        assert_eq!(problem.kind, "length-mismatch");
    }
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn link_is_valid_until_it_expires() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let link = tenant.client.post(&format!("/v1/files/{id}/links"));
    let link = link.json(&json!({ "expires_in": 60 })).send().await;
    let link = link.expect(StatusCode::CREATED).json();
    let url = link["url"].as_str().unwrap();
    let anyone = tenant.client.anonymous();

    tenant.fixture.clock.advance(Duration::from_secs(59));
    let response = anyone.get(url).send().await.expect(StatusCode::OK);
    assert_eq!(response.body, "some bytes");

    tenant.fixture.clock.advance(Duration::from_secs(2));
    let response = anyone.get(url).send().await;
    let problem = response.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.kind, "link-expired");

    // A link with a later expiry was not signed by the service.
    let longer = url.replacen("Expires=", "Expires=9", 1);
    assert_ne!(longer, url);
    let response = anyone.get(&longer).send().await;
    let problem = response.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.kind, "invalid-link");
}

#[tokio::test]
async fn unsupported_method_returns_405_without_operation() {
    let tenant = Tenant::new().await;
    let response = tenant.client.call(Method::PUT, "/v1/files").send().await;
    let problem = response.problem(StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(problem.kind, "method-not-allowed");
    assert_eq!(response.header("allow"), "POST, GET, HEAD");
    assert_eq!(response.operation, None);
}
