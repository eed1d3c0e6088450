//! A panic on the way ends its request, with an answer, and nothing else.

use async_trait::async_trait;
use attache_model::Context;
use attache_service::{Inspector, ServiceError, StagedFile, Verdict};
use attache_testkit::HttpAnswer;
use http::StatusCode;

use super::support::Tenant;

/// Cannot bear one name.
#[derive(Debug)]
struct Nervous;

#[async_trait]
impl Inspector for Nervous {
    async fn inspect(&self, _: &Context, file: &StagedFile) -> Result<Verdict, ServiceError> {
        assert_ne!(file.filename.as_str(), "boo.txt", "a secret of the heap");
        Ok(Verdict::Accept)
    }
}

fn assert_is_internal(answer: &HttpAnswer) {
    let problem = answer.problem(StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(problem.kind, "internal");
    assert_eq!(problem.request_id, "nervous-1");
    assert_eq!(answer.operation, Some("upload_files"));
    let body = String::from_utf8_lossy(&answer.body);
    assert!(
        !body.contains("secret") && !body.contains("panic"),
        "{body}"
    );
}

#[tokio::test]
async fn an_inspector_that_panics_fails_its_upload_and_no_other() {
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
async fn a_panic_within_the_request_itself_is_an_answer_too() {
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
