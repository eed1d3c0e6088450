//! What is answered when the store, the body or time fails a request.

use std::time::Duration;

use attache_storage::{BlobErrorKind, BlobOperation, FaultEffect};
use attache_testkit::{HttpAnswer, HttpCall};
use http::{Method, StatusCode};
use serde_json::json;

use super::support::Tenant;

fn upload(tenant: &Tenant) -> HttpCall {
    tenant.client.post("/v1/files?filename=a.txt")
}

/// Uploads while the store fails at an operation.
async fn upload_into(tenant: &Tenant, operation: BlobOperation, kind: BlobErrorKind) -> HttpAnswer {
    let faults = &tenant.fixture.faults;
    faults.add_next(operation, FaultEffect::FailBefore(kind));
    let answer = upload(tenant).bytes(b"some bytes").send().await;
    assert_eq!(faults.pending(), 0);
    answer
}

/// The reasons are for the log: the caller learns neither words nor names of the store's.
fn assert_keeps_its_secrets(answer: &HttpAnswer) {
    let body = String::from_utf8_lossy(&answer.body).to_lowercase();
    for secret in ["injected", "put", "get", "blob", "store"] {
        assert!(!body.contains(secret), "{secret}: {body}");
    }
}

#[tokio::test]
async fn a_store_out_of_reach_is_503_and_worth_another_try() {
    let tenant = Tenant::new().await;
    for operation in [BlobOperation::Health, BlobOperation::Put] {
        let answer = upload_into(&tenant, operation, BlobErrorKind::Unavailable).await;
        let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(problem.kind, "unavailable");
        assert_eq!(answer.header("retry-after"), "1");
        assert_keeps_its_secrets(&answer);
    }
    tenant.assert_nothing_left().await;

    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let content = tenant.client.get(&format!("/v1/files/{id}/content"));
    let fault = FaultEffect::FailBefore(BlobErrorKind::Unavailable);
    tenant.fixture.faults.add_next(BlobOperation::Get, fault);
    let answer = content.send().await;
    let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem.kind, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("content-disposition"), "");
}

#[tokio::test]
async fn a_full_store_is_507() {
    let tenant = Tenant::new().await;
    for operation in [BlobOperation::Health, BlobOperation::Put] {
        let answer = upload_into(&tenant, operation, BlobErrorKind::OutOfSpace).await;
        let problem = answer.problem(StatusCode::INSUFFICIENT_STORAGE);
        assert_eq!(problem.kind, "out-of-space");
    }
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn any_other_fault_is_500_and_says_nothing_of_its_cause() {
    let tenant = Tenant::new().await;
    for kind in [
        BlobErrorKind::Other,
        BlobErrorKind::PermissionDenied,
        BlobErrorKind::Corrupt,
    ] {
        let answer = upload_into(&tenant, BlobOperation::Put, kind).await;
        let problem = answer.problem(StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(problem.kind, "internal");
        assert_keeps_its_secrets(&answer);
    }
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn bytes_that_are_lost_are_a_fault_and_no_missing_file() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let content = format!("/v1/files/{id}/content");
    let fault = FaultEffect::FailBefore(BlobErrorKind::NotFound);
    tenant.fixture.faults.add_next(BlobOperation::Get, fault);
    let answer = tenant.client.get(&content).send().await;
    let problem = answer.problem(StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(problem.kind, "internal");
    assert_keeps_its_secrets(&answer);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_and_not_its_end() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let content = format!("/v1/files/{id}/content");
    let fault = FaultEffect::Cut {
        after_bytes: 4,
        kind: BlobErrorKind::Other,
    };
    tenant.fixture.faults.add_next(BlobOperation::Get, fault);
    let cut = tenant.client.get(&content).try_send().await;
    assert!(cut.is_err(), "{cut:?}");
    let whole = tenant.client.get(&content).try_send().await.unwrap();
    assert_eq!(whole.body, "some bytes");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_body_cut_off_however_it_is_sent() {
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
async fn a_form_that_ends_before_its_end_is_cut_off_too() {
    let tenant = Tenant::new().await;
    let call = tenant.client.post("/v1/files");
    let call = call.header("content-type", "multipart/form-data; boundary=b");
    let part: &[u8] = b"--b\r\nContent-Disposition: form-data; name=f; filename=a.txt\r\n\r\nsome";
    let answer = call.stream([Ok(part)].into_iter()).send().await;
    let problem = answer.problem(StatusCode::BAD_REQUEST);
    assert_eq!(problem.kind, "body-cut-off");
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn another_length_than_was_promised_is_length_mismatch() {
    let tenant = Tenant::new().await;
    let chunks: [(&str, &[u8]); 2] = [("11", b"some bytes"), ("9", b"some bytes")];
    for (promised, sent) in chunks {
        let call = upload(&tenant).header("content-length", promised);
        let answer = call.stream([Ok(sent)].into_iter()).send().await;
        let problem = answer.problem(StatusCode::BAD_REQUEST);
        assert_eq!(problem.kind, "length-mismatch");
    }
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn a_link_holds_until_it_expires() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    let link = tenant.client.post(&format!("/v1/files/{id}/links"));
    let link = link.json(&json!({ "expires_in": 60 })).send().await;
    let link = link.expect(StatusCode::CREATED).json();
    let url = link["url"].as_str().unwrap();
    let anyone = tenant.client.anonymous();

    tenant.fixture.clock.advance(Duration::from_secs(59));
    let answer = anyone.get(url).send().await.expect(StatusCode::OK);
    assert_eq!(answer.body, "some bytes");

    tenant.fixture.clock.advance(Duration::from_secs(2));
    let answer = anyone.get(url).send().await;
    let problem = answer.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.kind, "link-expired");

    // A link that says it lives longer is not one of ours.
    let longer = url.replacen("Expires=", "Expires=9", 1);
    assert_ne!(longer, url);
    let answer = anyone.get(&longer).send().await;
    let problem = answer.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.kind, "invalid-link");
}

#[tokio::test]
async fn a_method_that_a_route_lacks_is_405_and_no_operation() {
    let tenant = Tenant::new().await;
    let answer = tenant.client.call(Method::PUT, "/v1/files").send().await;
    let problem = answer.problem(StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(problem.kind, "method-not-allowed");
    assert_eq!(answer.header("allow"), "POST, GET, HEAD");
    assert_eq!(answer.operation, None);
}
