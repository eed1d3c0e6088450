//! biometricscloud: medical records with a file each.

mod changes;
mod list;

use attache_model::Scopes;
use attache_testkit::{HttpCall, HttpClient};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::support::Tenant;

const NOON: &str = "2026-01-31T12:00:00.000Z";

/// Returns a request to create a record with these fields besides the required ones.
pub(super) fn create(client: &HttpClient, fields: &Value) -> HttpCall {
    let mut body = json!({ "upload_content": "eHl6", "upload_filename": "lalal.png" });
    let fields = fields.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    client.post("/api/v1/files").json(&body)
}

/// Creates a record and returns its number.
pub(super) async fn stored(client: &HttpClient) -> String {
    let response = create(client, &json!({})).send().await;
    response.expect(StatusCode::OK).json()["id"].to_string()
}

/// Creates records with the numbers from 1 on.
async fn store_several(client: &HttpClient, count: i64) {
    for number in 1..=count {
        let fields = json!({ "upload_filename": format!("{number}.png") });
        let record = create(client, &fields).send().await.json();
        assert_eq!(record["id"], number);
    }
}

/// Returns a response without its `file_url`, which must be a link of 15 minutes.
async fn without_file_url(tenant: &Tenant, mut response: Value) -> Value {
    let url = response
        .as_object_mut()
        .unwrap()
        .remove("file_url")
        .unwrap();
    let url = url.as_str().unwrap();
    let opened = tenant.client.anonymous().get(url).send().await;
    assert_eq!(opened.expect(StatusCode::OK).body, "xyz");
    let noon_seconds = 1_769_860_800;
    let expires = format!("Expires={}", noon_seconds + 900);
    assert!(url.contains(&expires), "{url}");
    response
}

#[tokio::test]
async fn record_has_the_shape_of_the_page() {
    let tenant = Tenant::new().await;
    let fields = json!({ "description": "This is a sample record", "type": 1 });
    let created = create(&tenant.client, &fields).send().await;
    let created = created.expect(StatusCode::OK).json();
    let record = json!({
        "id": 1,
        "uuid": created["uuid"],
        "tenant_id": 1,
        "user_id": 1,
        "description": "This is a sample record",
        "type": 1,
        "state": 1,
        "created_time": NOON,
        "file_name": "lalal.png",
    });
    assert_eq!(without_file_url(&tenant, created).await, record);
    let read = tenant.client.get("/api/v1/file/1").send().await;
    assert_eq!(without_file_url(&tenant, read.json()).await, record);
    let list = tenant.client.get("/api/v1/files").send().await.json();
    let expected = json!({ "next_id": 1, "count": 1, "results": [record] });
    assert_eq!(list, expected);
    let uuid = record["uuid"].as_str().unwrap();
    let native = tenant.client.get(&format!("/v1/files/{uuid}")).send().await;
    assert_eq!(native.json()["category"], "medical");
}

#[tokio::test]
async fn types_map_to_categories() {
    let tenant = Tenant::new().await;
    let categories = [
        "medical",
        "dental",
        "hospital-specialist",
        "pharmacy",
        "other",
    ];
    for (number, category) in (1..).zip(categories) {
        let response = create(&tenant.client, &json!({ "type": number }))
            .send()
            .await;
        let response = response.expect(StatusCode::OK).json();
        assert_eq!(response["type"], number);
        let native = format!("/v1/files/{}", response["uuid"].as_str().unwrap());
        let native = tenant.client.get(&native).send().await.json();
        assert_eq!(native["category"], category);
    }
    let call = tenant
        .client
        .post("/v1/files?filename=a.txt&category=images");
    let stored = call.bytes(b"x").send().await.json()["files"][0]["seq"].clone();
    let response = tenant
        .client
        .get(&format!("/api/v1/file/{stored}"))
        .send()
        .await;
    assert_eq!(response.json()["type"], 5);
    let untyped = create(&tenant.client, &json!({})).send().await.json();
    assert_eq!(
        (&untyped["type"], &untyped["description"]),
        (&json!(5), &json!(""))
    );
    for wrong in [
        json!(0),
        json!(6),
        json!(-1),
        json!(i64::MIN),
        json!("1"),
        json!(1.5),
    ] {
        let response = create(&tenant.client, &json!({ "type": wrong }))
            .send()
            .await;
        let problem = response.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert!(problem.detail.contains("type"), "{problem:?}");
    }
}

#[tokio::test]
async fn content_is_base64_with_or_without_padding() {
    let tenant = Tenant::new().await;
    for (text, bytes) in [
        ("", ""),
        ("Zg==", "f"),
        ("Zg", "f"),
        ("Zm9v", "foo"),
        // The page's own example has spare bits at its end.
        ("xyz", "\u{c7}"),
    ] {
        let response = create(&tenant.client, &json!({ "upload_content": text }))
            .send()
            .await;
        let response = response.expect(StatusCode::OK).json();
        let url = response["file_url"].as_str().unwrap();
        let content = tenant.client.get(url).send().await.body;
        let expected = if text == "xyz" {
            &b"\xc7\x2c"[..]
        } else {
            bytes.as_bytes()
        };
        assert_eq!(content, expected, "{text}");
    }
    for wrong in [
        "Zm9v\u{b}Zm9v",
        "-_-_",
        "data:image/png;base64,Zg==",
        "Z",
        "Zg=",
        "Zg==Zg==",
    ] {
        let call = create(&tenant.client, &json!({ "upload_content": wrong }));
        let problem = call.send().await.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert!(problem.detail.contains("upload_content"), "{wrong}");
    }
    for (long, status) in [(4096, 200), (4097, 422)] {
        let call = create(&tenant.client, &json!({ "description": "x".repeat(long) }));
        assert_eq!(call.send().await.status, status, "{long}");
    }
    for missing in [
        json!({ "upload_content": "Zg" }),
        json!({ "upload_filename": "a" }),
    ] {
        let call = tenant.client.post("/api/v1/files").json(&missing);
        call.send().await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let form = tenant.client.post("/api/v1/files").bytes(b"a=b");
    form.send()
        .await
        .problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn content_of_several_mebibytes_is_accepted() {
    let tenant = Tenant::new().await;
    let fields = json!({ "upload_content": "QUJD".repeat(2 << 20) });
    let response = create(&tenant.client, &fields).send().await;
    let url = response.expect(StatusCode::OK).json()["file_url"].clone();
    let content = tenant.client.get(url.as_str().unwrap()).send().await.body;
    assert_eq!(content.len(), 6 << 20);
}

#[tokio::test]
async fn keys_and_tenants_have_distinct_numbers() {
    let tenant = Tenant::new().await;
    let token = tenant.fixture.token("school-8", Scopes::all()).await;
    let other = tenant.client.with_token(token);
    let second = tenant.client_with(Scopes::all()).await;
    for (client, expected) in [
        (&tenant.client, [1, 1]),
        (&second, [1, 3]),
        (&other, [2, 2]),
    ] {
        let record = create(client, &json!({})).send().await.json();
        let numbers = ["tenant_id", "user_id"].map(|field| record[field].clone());
        assert_eq!(numbers, expected.map(Value::from));
    }
}

#[tokio::test]
async fn unknown_number_is_not_found() {
    let tenant = Tenant::new().await;
    stored(&tenant.client).await;
    for id in ["0", "2", "-1", "x", "1x", "01", "99999999999999999999"] {
        let target = format!("/api/v1/file/{id}");
        let calls = [
            tenant.client.get(&target),
            tenant.client.call(Method::DELETE, &target),
            tenant.client.call(Method::PUT, &target).json(&json!({})),
        ];
        for call in calls {
            let problem = call.send().await.problem(StatusCode::NOT_FOUND);
            assert_eq!(problem.kind, "not-found", "{id}");
        }
    }
}
