//! A panic ends only its own request, with a response.

use async_trait::async_trait;
use attache_model::Context;
use attache_service::{Inspector, ServiceError, StagedFile, Verdict};
use attache_testkit::HttpResponse;
use http::StatusCode;

use super::support::Tenant;

/// An inspector that panics on one name.
#[derive(Debug)]
struct Nervous;

#[async_trait]
impl Inspector for Nervous {
    async fn inspect(&self, _: &Context, file: &StagedFile) -> Result<Verdict, ServiceError> {
        assert_ne!(file.filename.as_str(), "boo.txt", "a secret of the heap");
        Ok(Verdict::Accept)
    }
}

fn assert_is_internal(response: &HttpResponse) {
    let problem = response.problem(StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(problem.kind, "internal");
    assert_eq!(problem.request_id, "nervous-1");
    assert_eq!(response.operation, Some("upload_files"));
    let body = String::from_utf8_lossy(&response.body);
    assert!(
        !body.contains("secret") && !body.contains("panic"),
        "{body}"
    );
}

#[tokio::test]
async fn panicking_inspector_fails_only_its_upload() {
    let tenant = Tenant::inspected(Nervous).await;
    let call = tenant.client.post("/v1/files?filename=boo.txt");
    let call = call
        .header("x-request-id", "nervous-1")
        .bytes(b"some bytes");
    assert_is_internal(&call.send().await);
    tenant.assert_nothing_left().await;

    let id = tenant.client.upload("calm.txt", b"some bytes").await;
    let content = tenant.client.get(&format!("/v1/files/{id}/content"));
    assert_eq!(content.send().await.body, "some bytes");
}

#[tokio::test]
async fn panic_within_the_request_returns_500() {
    let tenant = Tenant::new().await;
    let call = tenant.client.post("/v1/files?filename=a.txt");
    let call = call.header("x-request-id", "nervous-1");
    let chunks = [b"some" as &[u8], b"boo"].into_iter().map(|chunk| {
        assert_ne!(chunk, b"boo", "a secret of the heap");
        Ok(chunk)
    });
    assert_is_internal(&call.stream(chunks).send().await);
    tenant.assert_nothing_left().await;
    tenant.client.upload("calm.txt", b"some bytes").await;
}
