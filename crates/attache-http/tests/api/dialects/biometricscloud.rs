//! biometricscloud: medical records with a file each.

use std::time::Duration;

use attache_model::Scopes;
use attache_testkit::{HttpCall, HttpClient};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::support::Tenant;

const NOON: &str = "2026-01-31T12:00:00.000Z";

/// A record to be created, with these fields besides what it must have.
pub(super) fn create(client: &HttpClient, fields: &Value) -> HttpCall {
    let mut body = json!({ "upload_content": "eHl6", "upload_filename": "lalal.png" });
    let fields = fields.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    client.post("/api/v1/files").json(&body)
}

/// Stores a record and answers its number.
pub(super) async fn stored(client: &HttpClient) -> String {
    let answer = create(client, &json!({})).send().await;
    answer.expect(StatusCode::OK).json()["id"].to_string()
}

/// Stores records with the numbers from 1 on.
async fn stored_several(client: &HttpClient, count: i64) {
    for number in 1..=count {
        let fields = json!({ "upload_filename": format!("{number}.png") });
        let record = create(client, &fields).send().await.json();
        assert_eq!(record["id"], number);
    }
}

/// An answer without its `file_url`, which must be a link that holds for 15 minutes.
async fn without_file_url(tenant: &Tenant, mut answer: Value) -> Value {
    let url = answer.as_object_mut().unwrap().remove("file_url").unwrap();
    let url = url.as_str().unwrap();
    let opened = tenant.client.anonymous().get(url).send().await;
    assert_eq!(opened.expect(StatusCode::OK).body, "xyz");
    let noon_seconds = 1_769_860_800;
    let expires = format!("Expires={}", noon_seconds + 900);
    assert!(url.contains(&expires), "{url}");
    answer
}

#[tokio::test]
async fn a_record_is_written_as_the_page_prints_it() {
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
async fn types_are_categories() {
    let tenant = Tenant::new().await;
    let categories = [
        "medical",
        "dental",
        "hospital-specialist",
        "pharmacy",
        "other",
    ];
    for (number, category) in (1..).zip(categories) {
        let answer = create(&tenant.client, &json!({ "type": number }))
            .send()
            .await;
        let answer = answer.expect(StatusCode::OK).json();
        assert_eq!(answer["type"], number);
        let native = format!("/v1/files/{}", answer["uuid"].as_str().unwrap());
        let native = tenant.client.get(&native).send().await.json();
        assert_eq!(native["category"], category);
    }
    let call = tenant
        .client
        .post("/v1/files?filename=a.txt&category=images");
    let stored = call.bytes(b"x").send().await.json()["files"][0]["seq"].clone();
    let answer = tenant
        .client
        .get(&format!("/api/v1/file/{stored}"))
        .send()
        .await;
    assert_eq!(answer.json()["type"], 5);
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
        let answer = create(&tenant.client, &json!({ "type": wrong }))
            .send()
            .await;
        let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
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
        // What the page's own example has: bits at the end that belong to no byte.
        ("xyz", "\u{c7}"),
    ] {
        let answer = create(&tenant.client, &json!({ "upload_content": text }))
            .send()
            .await;
        let answer = answer.expect(StatusCode::OK).json();
        let url = answer["file_url"].as_str().unwrap();
        let content = tenant.client.get(url).send().await.body;
        let expected = if text == "xyz" {
            &b"\xc7\x2c"[..]
        } else {
            bytes.as_bytes()
        };
        assert_eq!(content, expected, "{text}");
    }
    for wrong in [
        "Zm9v\nZm9v",
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
async fn several_mebibytes_are_taken() {
    let tenant = Tenant::new().await;
    let fields = json!({ "upload_content": "QUJD".repeat(2 << 20) });
    let answer = create(&tenant.client, &fields).send().await;
    let url = answer.expect(StatusCode::OK).json()["file_url"].clone();
    let content = tenant.client.get(url.as_str().unwrap()).send().await.body;
    assert_eq!(content.len(), 6 << 20);
}

/// The numbers of all records, in the order of their uuids.
async fn by_uuid(client: &HttpClient) -> Vec<i64> {
    let list = client.get("/api/v1/files").send().await.json();
    let results = list["results"].as_array().unwrap().iter();
    let key = |record: &Value| (record["uuid"].to_string(), record["id"].as_i64().unwrap());
    let sorted: std::collections::BTreeMap<_, _> = results.map(key).collect();
    sorted.into_values().collect()
}

/// The numbers of all pages, and the pages' sizes.
async fn pages(client: &HttpClient, query: &str) -> (Vec<i64>, Vec<usize>) {
    let (mut ids, mut sizes) = (Vec::new(), Vec::new());
    let mut offset = json!(0);
    while !offset.is_null() {
        let target = format!("/api/v1/files?{query}&offset={offset}");
        let page = client
            .get(&target)
            .send()
            .await
            .expect(StatusCode::OK)
            .json();
        let results = page["results"].as_array().unwrap();
        assert_eq!(page["count"], results.len());
        ids.extend(results.iter().map(|record| record["id"].as_i64().unwrap()));
        sizes.push(results.len());
        assert!(sizes.len() < 100, "the list does not end");
        offset = page["next_id"].clone();
        assert_eq!(
            offset.as_i64(),
            results.last().map(|_| *ids.last().unwrap())
        );
    }
    (ids, sizes)
}

#[tokio::test]
async fn the_list_goes_on_behind_a_record_in_either_order() {
    let tenant = Tenant::new().await;
    stored_several(&tenant.client, 7).await;
    let down: Vec<i64> = (1..=7).rev().collect();
    let up: Vec<i64> = (1..=7).collect();
    for (query, expected) in [
        ("limit=3", &down),
        ("limit=3&sort_field=id", &down),
        ("limit=3&sort_field=id&sort_order=desc", &down),
        ("limit=3&sort_order=asc", &up),
        ("limit=3&unknown=1", &down),
    ] {
        let (ids, sizes) = pages(&tenant.client, query).await;
        assert_eq!((&ids, &sizes[..]), (expected, &[3, 3, 1, 0][..]), "{query}");
    }
    // All were made in the same moment: there the order is that of their ids, up or down.
    for order in ["asc", "desc"] {
        let query = format!("limit=2&sort_field=created_time&sort_order={order}");
        let (ids, _) = pages(&tenant.client, &query).await;
        let mut expected = by_uuid(&tenant.client).await;
        if order == "desc" {
            expected.reverse();
        }
        assert_eq!(ids, expected, "{query}");
    }
    // Later ones come first, or last.
    tenant.fixture.clock.advance(Duration::from_secs(1));
    stored(&tenant.client).await;
    for (order, at) in [("asc", 7), ("desc", 0)] {
        let query = format!("limit=2&sort_field=created_time&sort_order={order}");
        let (ids, _) = pages(&tenant.client, &query).await;
        assert_eq!(ids[at], 8, "{query}");
    }
    for wrong in [
        "limit=0",
        "limit=1001",
        "offset=-1",
        "offset=x",
        "sort_order=up",
        "sort_field=type",
    ] {
        let answer = tenant
            .client
            .get(&format!("/api/v1/files?{wrong}"))
            .send()
            .await;
        let name = wrong.split('=').next().unwrap();
        let problem = answer.problem(StatusCode::BAD_REQUEST);
        assert!(problem.detail.contains(name), "{problem:?}");
    }
}

#[tokio::test]
async fn the_list_goes_on_behind_a_record_that_has_gone() {
    let tenant = Tenant::new().await;
    stored_several(&tenant.client, 3).await;
    let archive = tenant.client.call(Method::DELETE, "/api/v1/file/2");
    archive.send().await.expect(StatusCode::NO_CONTENT);
    let by_time = "/api/v1/files?sort_field=created_time&offset=2";
    let list = |target: &str| tenant.client.get(target).send();
    list(by_time).await.expect(StatusCode::OK);
    let record = list("/api/v1/file/2").await.json();
    let uuid = record["uuid"].as_str().unwrap();
    let delete = tenant
        .client
        .call(Method::DELETE, &format!("/v1/files/{uuid}"));
    delete.send().await.expect(StatusCode::NO_CONTENT);
    let page = list("/api/v1/files?offset=2").await.json();
    assert_eq!(page["results"][0]["id"], 1);
    let problem = list(by_time).await.problem(StatusCode::BAD_REQUEST);
    assert!(problem.detail.contains("offset"), "{problem:?}");
}

#[tokio::test]
async fn a_record_is_changed_field_by_field() {
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
    let shown = |answer: &Value| {
        let fields = ["description", "type", "file_name"];
        fields.map(|field| answer[field].clone())
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
        let answer = put(body).await.expect(StatusCode::OK).json();
        assert_eq!(shown(&answer), expected);
        without_file_url(&tenant, answer).await;
    }
    for wrong in [
        json!({ "type": 9 }),
        json!({ "upload_content": "eHl6" }),
        // As large as an image is.
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
async fn what_shows_already_what_is_sent_stays_as_it_is() {
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
async fn to_delete_a_record_is_to_archive_it() {
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
async fn a_record_whose_file_is_claimed_is_not_archived() {
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
async fn an_archived_record_can_be_changed() {
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

#[tokio::test]
async fn keys_and_tenants_have_numbers_of_their_own() {
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
async fn a_number_that_no_record_has_is_not_found() {
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
