//! What an inspector's verdict means to those who ask over HTTP.

use async_trait::async_trait;
use attache_model::Context;
use attache_service::{Inspector, ServiceError, StagedFile, Verdict};
use http::StatusCode;
use serde_json::json;

use super::support::Tenant;

/// Judges by the name.
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
async fn a_refused_file_is_422_with_the_reason_and_is_not_stored() {
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
async fn one_refused_file_refuses_the_whole_form() {
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
async fn a_held_file_has_a_record_and_no_bytes_for_anybody() {
    let tenant = Tenant::inspected(ByName).await;
    let id = tenant.client.upload("odd.txt", b"some bytes").await;
    let file = format!("/v1/files/{id}");
    tenant.client.get(&file).send().await.expect(StatusCode::OK);

    let answer = tenant.client.get(&format!("{file}/content")).send().await;
    let problem = answer.problem(StatusCode::CONFLICT);
    assert_eq!(problem.kind, "file-held");

    // To the bearer of a link it is not there.
    let link = tenant.client.post(&format!("{file}/links"));
    let link = link.json(&json!({})).send().await;
    if link.status == StatusCode::CREATED {
        let url = link.json()["url"].as_str().unwrap().to_owned();
        let answer = tenant.client.anonymous().get(&url).send().await;
        let problem = answer.problem(StatusCode::NOT_FOUND);
        assert_eq!(problem.kind, "not-found");
    } else {
        assert_eq!(link.problem(StatusCode::CONFLICT).kind, "file-held");
    }

    let cx = tenant.fixture.context("school-7").await;
    tenant.fixture.service.release_hold(&cx, id).await.unwrap();
    let answer = tenant.client.get(&format!("{file}/content")).send().await;
    assert_eq!(answer.expect(StatusCode::OK).body, "some bytes");
}

#[tokio::test]
async fn what_cannot_be_inspected_is_not_stored() {
    let tenant = Tenant::inspected(ByName).await;
    let call = tenant.client.post("/v1/files?filename=unclear.txt");
    let answer = call.bytes(b"some bytes").send().await;
    let problem = answer.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem.kind, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!problem.detail.contains("10.0.0.7"), "{problem:?}");
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn a_held_file_is_withheld_at_its_urls_in_dialects() {
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
