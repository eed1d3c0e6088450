//! Changing and deleting records.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{create, stored, without_file_url};
use crate::api::support::Tenant;

#[tokio::test]
async fn record_is_changed_field_by_field() {
    let tenant = Tenant::new().await;
    let fields = json!({ "description": "before", "type": 1 });
    create(&tenant.client, &fields)
        .send()
        .await
        .expect(StatusCode::OK);
    let put = |body: Value| {
        let call = tenant.client.call(Method::PUT, "/api/v1/file/1");
        call.json(&body).send()
    };
    let shown = |response: &Value| {
        let fields = ["description", "type", "file_name"];
        fields.map(|field| response[field].clone())
    };
    for (body, expected) in [
        (json!({}), [json!("before"), json!(1), json!("lalal.png")]),
        (
            json!({ "type": 4 }),
            [json!("before"), json!(4), json!("lalal.png")],
        ),
        (
            json!({ "description": "", "type": null, "upload_filename": "b.png" }),
            [json!(""), json!(4), json!("b.png")],
        ),
    ] {
        let response = put(body).await.expect(StatusCode::OK).json();
        assert_eq!(shown(&response), expected);
        without_file_url(&tenant, response).await;
    }
    for wrong in [
        json!({ "type": 9 }),
        json!({ "upload_content": "eHl6" }),
        // About the size of an image.
        json!({ "upload_content": "QUJD".repeat(1 << 20) }),
    ] {
        let problem = put(wrong).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.kind, "invalid-field");
    }
    let text = tenant.client.call(Method::PUT, "/api/v1/file/1");
    let text = text.bytes(b"{}").send().await;
    text.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn unchanged_values_keep_the_revision() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    for query in [
        "&category=images&name=Thorax&description=Before",
        "&category=other&name=Thorax",
        "&category=dental&name=Thorax",
        "&name=Thorax",
    ] {
        let call = client.post(&format!("/v1/files?filename=a.png{query}"));
        let stored = call.bytes(b"x").send().await.json()["files"][0].clone();
        let native = format!("/v1/files/{}", stored["id"].as_str().unwrap());
        let record = format!("/api/v1/file/{}", stored["seq"]);
        let put = |body: &Value| client.call(Method::PUT, &record).json(body).send();
        let before = client.get(&native).send().await.json();
        tenant.fixture.clock.advance(Duration::from_secs(1));
        let mut read = client.get(&record).send().await.json();
        read["upload_filename"] = read["file_name"].clone();
        put(&read).await.expect(StatusCode::OK);
        // Not even its revision.
        assert_eq!(client.get(&native).send().await.json(), before, "{query}");

        put(&json!({ "upload_filename": "b.png", "type": 4 }))
            .await
            .expect(StatusCode::OK);
        let changed = client.get(&native).send().await.json();
        let shown = ["name", "filename", "category"].map(|field| changed[field].clone());
        assert_eq!(shown, ["b.png", "b.png", "pharmacy"].map(Value::from));
    }
}

#[tokio::test]
async fn delete_archives_the_record() {
    let tenant = Tenant::new().await;
    let record = create(&tenant.client, &json!({})).send().await.json();
    for _ in 0..2 {
        let delete = tenant
            .client
            .call(Method::DELETE, "/api/v1/file/1")
            .send()
            .await;
        assert_eq!(delete.expect(StatusCode::NO_CONTENT).body, "");
    }
    let list = tenant.client.get("/api/v1/files").send().await.json();
    assert_eq!(list, json!({ "next_id": null, "count": 0, "results": [] }));
    let read = tenant.client.get("/api/v1/file/1").send().await.json();
    assert_eq!((&read["state"], &read["file_url"]), (&json!(2), &json!("")));
    let url = record["file_url"].as_str().unwrap();
    let gone = tenant.client.anonymous().get(url).send().await;
    gone.problem(StatusCode::NOT_FOUND);
    let restore = format!("/v1/files/{}/restore", record["uuid"].as_str().unwrap());
    tenant
        .client
        .post(&restore)
        .send()
        .await
        .expect(StatusCode::OK);
    let read = tenant.client.get("/api/v1/file/1").send().await.json();
    assert_eq!(read["state"], 1);
    without_file_url(&tenant, read).await;
}

#[tokio::test]
async fn record_of_a_claimed_file_is_not_archived() {
    let tenant = Tenant::new().await;
    let record = create(&tenant.client, &json!({})).send().await.json();
    let claim = format!("/v1/files/{}/claim", record["uuid"].as_str().unwrap());
    let claim = tenant.client.post(&claim).json(&json!({ "holder": "h" }));
    claim.send().await.expect(StatusCode::OK);
    let delete = tenant.client.call(Method::DELETE, "/api/v1/file/1");
    let problem = delete.send().await.problem(StatusCode::CONFLICT);
    assert_eq!(problem.kind, "file-claimed");
    let read = tenant.client.get("/api/v1/file/1").send().await.json();
    assert_eq!(read["state"], 1);
}

#[tokio::test]
async fn archived_record_can_be_changed() {
    let tenant = Tenant::new().await;
    let id = stored(&tenant.client).await;
    let record = format!("/api/v1/file/{id}");
    let delete = tenant.client.call(Method::DELETE, &record).send().await;
    delete.expect(StatusCode::NO_CONTENT);
    let put = tenant.client.call(Method::PUT, &record);
    let put = put.json(&json!({ "type": 2 })).send().await;
    let put = put.expect(StatusCode::OK).json();
    let shown = ["type", "state", "file_url"].map(|field| put[field].clone());
    assert_eq!(shown, [json!(2), json!(2), json!("")]);
}
