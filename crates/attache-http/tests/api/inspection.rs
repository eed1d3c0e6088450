//! The effects of an inspector's verdict on HTTP clients.

use async_trait::async_trait;
use attache_model::Context;
use attache_service::{Inspector, ServiceError, StagedFile, Verdict};
use http::StatusCode;
use serde_json::json;

use super::support::Tenant;

/// An inspector that judges by the name.
#[derive(Debug)]
struct ByName;

#[async_trait]
impl Inspector for ByName {
    async fn inspect(&self, _: &Context, file: &StagedFile) -> Result<Verdict, ServiceError> {
        match file.filename.as_str() {
            "bad.txt" => Ok(Verdict::Refuse("it is infected".to_owned())),
            "odd.txt" => Ok(Verdict::Hold),
            "unclear.txt" => Err(ServiceError::Unavailable("scanner 10.0.0.7 is down".into())),
            _ => Ok(Verdict::Accept),
        }
    }
}

#[tokio::test]
async fn refused_file_returns_422_and_is_not_stored() {
    let tenant = Tenant::inspected(ByName).await;
    let call = tenant.client.post("/v1/files?filename=bad.txt");
    let problem = call.bytes(b"some bytes").send().await;
    let problem = problem.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem.kind, "refused");
    assert!(problem.detail.contains("it is infected"), "{problem:?}");
    assert!(problem.detail.contains("bad.txt"), "{problem:?}");
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn refused_file_refuses_its_whole_form() {
    let tenant = Tenant::inspected(ByName).await;
    let call = tenant.client.post("/v1/files");
    let call = call.header("content-type", "multipart/form-data; boundary=b");
    let call = call.bytes(
        b"--b\r\nContent-Disposition: form-data; name=f; filename=good.txt\r\n\r\ngood\r\n\
          --b\r\nContent-Disposition: form-data; name=f; filename=bad.txt\r\n\r\nbad\r\n--b--\r\n",
    );
    let problem = call.send().await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem.kind, "refused");
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn held_file_has_a_record_and_no_bytes() {
    let tenant = Tenant::inspected(ByName).await;
    let id = tenant.client.upload("odd.txt", b"some bytes").await;
    let file = format!("/v1/files/{id}");
    tenant.client.get(&file).send().await.expect(StatusCode::OK);

    let response = tenant.client.get(&format!("{file}/content")).send().await;
    let problem = response.problem(StatusCode::CONFLICT);
    assert_eq!(problem.kind, "file-held");

    // The bearer of a link gets a 404.
    let link = tenant.client.post(&format!("{file}/links"));
    let link = link.json(&json!({})).send().await;
    if link.status == StatusCode::CREATED {
        let url = link.json()["url"].as_str().unwrap().to_owned();
        let response = tenant.client.anonymous().get(&url).send().await;
        let problem = response.problem(StatusCode::NOT_FOUND);
        assert_eq!(problem.kind, "not-found");
    } else {
        assert_eq!(link.problem(StatusCode::CONFLICT).kind, "file-held");
    }

    let cx = tenant.fixture.context("school-7").await;
    tenant.fixture.service.release_hold(&cx, id).await.unwrap();
    let response = tenant.client.get(&format!("{file}/content")).send().await;
    assert_eq!(response.expect(StatusCode::OK).body, "some bytes");
}

#[tokio::test]
async fn failed_inspection_stores_nothing() {
    let tenant = Tenant::inspected(ByName).await;
    let call = tenant.client.post("/v1/files?filename=unclear.txt");
    let response = call.bytes(b"some bytes").send().await;
    let problem = response.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem.kind, "unavailable");
    assert_eq!(response.header("retry-after"), "1");
    assert!(!problem.detail.contains("10.0.0.7"), "{problem:?}");
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn held_file_is_withheld_by_dialects() {
    let tenant = Tenant::inspected(ByName).await;
    let call = tenant
        .client
        .post("/v1/files?filename=odd.txt&person=abc12");
    let stored = call.bytes(b"some bytes").send().await.json()["files"][0].clone();
    let id = stored["id"].as_str().unwrap();
    for person in ["abc12", "another"] {
        let url = format!("/files/school-7/upload/{person}/odd~{id}.txt");
        let problem = tenant.client.get(&url).send().await;
        let problem = problem.problem(StatusCode::CONFLICT);
        assert_eq!(problem.kind, "file-held", "{person}");
    }
    let anybody = tenant.client.anonymous();
    let public = anybody.get(&format!("/files/{id}/download")).send().await;
    public.problem(StatusCode::NOT_FOUND);
}
