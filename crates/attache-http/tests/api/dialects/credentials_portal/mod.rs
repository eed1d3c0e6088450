//! credentials-portal: files of a district, attached to people.

mod content;

use std::time::Duration;

use attache_testkit::{HttpCall, HttpClient, HttpResponse};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::support::Tenant;

const NOON_MILLIS: i64 = 1_769_860_800_000;

/// Returns a form with files, each with its name and text, followed by fields.
fn form(call: HttpCall, files: &[(&str, &str)], fields: &[(&str, &str)]) -> HttpCall {
    let files = files.iter().map(|(name, text)| {
        let disposition = format!("form-data; name=\"file\"; filename=\"{name}\"");
        let head = format!("--b\r\nContent-Disposition: {disposition}");
        format!("{head}\r\nContent-Type: application/pdf\r\n\r\n{text}\r\n")
    });
    let fields = fields.iter().map(|(name, text)| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    });
    let form = files.chain(fields).collect::<String>() + "--b--\r\n";
    call.text(form)
        .header("content-type", "multipart/form-data; boundary=b")
}

/// Returns an upload of one file about a person.
pub(super) fn upload(client: &HttpClient, person: &str, text: &str) -> HttpCall {
    let fields = [("personId", person)];
    form(client.post("/api/upload"), &[("a.pdf", text)], &fields)
}

/// Returns an upload of one file about the person in the path.
pub(super) fn upload_for(client: &HttpClient, person: &str, text: &str) -> HttpCall {
    let call = client.post(&format!("/api/people/{person}/uploads"));
    form(call, &[("a.pdf", text)], &[])
}

/// Uploads one file about a person and returns its representation.
pub(super) async fn stored(client: &HttpClient, person: &str, text: &str) -> Value {
    let response = upload(client, person, text).send().await;
    response.expect(StatusCode::CREATED).json()
}

async fn list(client: &HttpClient) -> Vec<Value> {
    let response = client.get("/api/files").send().await;
    let response = response.expect(StatusCode::OK).json();
    response.as_array().unwrap().clone()
}

fn text<'v>(file: &'v Value, field: &str) -> &'v str {
    file[field].as_str().unwrap()
}

async fn read(client: &HttpClient, file: &Value) -> HttpResponse {
    client.get(text(file, "url")).send().await
}

async fn patch(client: &HttpClient, file: &Value, body: Value) -> HttpResponse {
    let target = format!("/api/files/{}", text(file, "id"));
    let call = client.call(Method::PATCH, &target).json(&body);
    call.send().await
}

async fn delete(client: &HttpClient, person: &str, file: &Value) -> HttpResponse {
    let target = format!("/api/people/{person}/uploads/{}", text(file, "id"));
    client.call(Method::DELETE, &target).send().await
}

#[tokio::test]
async fn file_has_the_shape_of_the_page() {
    let tenant = Tenant::new().await;
    let call = tenant.client.post("/api/upload");
    let files = [("document.pdf", "%PDF-1.4")];
    let fields = [
        ("personId", "abc12"),
        ("name", "Background Check"),
        ("unknown", "1"),
    ];
    let response = form(call, &files, &fields).send().await;
    let uploaded = response.expect(StatusCode::CREATED).json();
    let id = text(&uploaded, "id");
    let expected = json!({
        "id": id,
        "district_id": "school-7",
        "person_id": "abc12",
        "name": "Background Check",
        "filename": "document.pdf",
        "content_type": "application/pdf",
        "size": 8,
        "url": format!("https://files.example.org/files/school-7/upload/abc12/document~{id}.pdf"),
        "created_at": NOON_MILLIS,
    });
    assert_eq!(uploaded, expected);
    assert_eq!(list(&tenant.client).await, [expected]);
    let bytes = read(&tenant.client, &uploaded).await;
    assert_eq!(bytes.expect(StatusCode::OK).body, "%PDF-1.4");
}

#[tokio::test]
async fn both_upload_routes_do_the_same() {
    let tenant = Tenant::new().await;
    let in_form = stored(&tenant.client, "a/b", "%PDF-1").await;
    let in_path = upload_for(&tenant.client, "a%2Fb", "%PDF-1").send().await;
    let in_path = in_path.expect(StatusCode::CREATED).json();
    for field in ["person_id", "name", "filename", "content_type", "size"] {
        assert_eq!(in_path[field], in_form[field], "{field}");
    }
    assert_eq!(in_path["person_id"], "a/b");
    assert_eq!(in_path["name"], "a.pdf");
    let call = tenant.client.post("/api/people/p/uploads");
    let files = [("a.pdf", "%PDF-2")];
    let both = form(call, &files, &[("personId", "p"), ("name", "N")]);
    assert_eq!(
        both.send().await.expect(StatusCode::CREATED).json()["name"],
        "N"
    );
}

#[tokio::test]
async fn invalid_upload_stores_nothing() {
    let tenant = Tenant::new().await;
    let one = [("a.pdf", "%PDF-1")];
    let two = [("a.pdf", "%PDF-1"), ("b.pdf", "%PDF-2")];
    let long = "x".repeat(300);
    let send = |target: &str, files: &[(&str, &str)], fields: &[(&str, &str)]| {
        form(tenant.client.post(target), files, fields).send()
    };
    let refused = [
        (send("/api/upload", &one, &[]).await, 422, "personId"),
        (
            send("/api/upload", &one, &[("personId", "")]).await,
            422,
            "personId",
        ),
        (
            send("/api/upload", &one, &[("personId", "..")]).await,
            422,
            "personId",
        ),
        (
            send("/api/upload", &one, &[("personId", &long)]).await,
            422,
            "personId",
        ),
        (
            send("/api/upload", &one, &[("personId", "a"), ("personId", "b")]).await,
            422,
            "personId",
        ),
        (
            send("/api/people/a/uploads", &one, &[("personId", "b")]).await,
            422,
            "personId",
        ),
        (
            send("/api/people/%2E%2E/uploads", &one, &[]).await,
            422,
            "personId",
        ),
        (
            send("/api/upload", &two, &[("personId", "a")]).await,
            413,
            "one file",
        ),
        (
            send("/api/upload", &[], &[("personId", "a")]).await,
            422,
            "no file",
        ),
    ];
    for (response, status, said) in refused {
        let problem = response.problem(StatusCode::from_u16(status).unwrap());
        assert!(problem.detail.contains(said), "{problem:?}");
    }
    let json = tenant.client.post("/api/upload").json(&json!({}));
    let problem = json
        .send()
        .await
        .problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(problem.kind, "unsupported-media-type");
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn list_has_every_file_with_a_person() {
    let tenant = Tenant::new().await;
    assert_eq!(list(&tenant.client).await, [] as [Value; 0]);
    tenant.client.upload("unassigned.pdf", b"%PDF-0").await;
    let mut created = Vec::new();
    // More than one page of the repository.
    for number in 0..520 {
        let file = stored(&tenant.client, "p", &format!("%PDF-{number}")).await;
        created.push(file["id"].clone());
        tenant.fixture.clock.advance(Duration::from_millis(1));
    }
    let listed = list(&tenant.client).await;
    let ids: Vec<_> = listed.iter().map(|file| file["id"].clone()).collect();
    created.reverse();
    assert_eq!(ids, created, "newest first");

    let last = listed.last().unwrap();
    let archive = format!("/v1/files/{}/archive", text(last, "id"));
    let archive = tenant.client.post(&archive).send().await;
    archive.expect(StatusCode::OK);
    assert_eq!(list(&tenant.client).await.len(), 519);
    read(&tenant.client, last)
        .await
        .problem(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn file_is_renamed_and_reassigned() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let file = stored(client, "abc12", "%PDF-1").await;
    let mut expected = file.clone();
    for body in [
        json!({}),
        json!({ "name": null, "person_id": null, "size": 9 }),
    ] {
        let response = patch(client, &file, body).await.expect(StatusCode::OK);
        assert_eq!(response.json(), expected);
    }
    expected["name"] = "Diploma".into();
    let response = patch(client, &file, json!({ "name": "Diploma" })).await;
    assert_eq!(response.expect(StatusCode::OK).json(), expected);

    expected["person_id"] = "def34".into();
    expected["url"] = text(&file, "url").replace("/abc12/", "/def34/").into();
    let response = patch(client, &file, json!({ "person_id": "def34" })).await;
    assert_eq!(response.expect(StatusCode::OK).json(), expected);
    assert_eq!(list(client).await, [expected.clone()]);
    read(client, &file).await.problem(StatusCode::NOT_FOUND);
    assert_eq!(read(client, &expected).await.body, "%PDF-1");

    for (field, value) in [
        ("name", json!("")),
        ("name", json!(7)),
        ("person_id", json!("")),
        ("person_id", json!("..")),
    ] {
        let response = patch(client, &file, json!({ field: value })).await;
        response.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let unassigned = client.upload("a.pdf", b"%PDF-2").await;
    let unassigned = json!({ "id": unassigned.to_string() });
    let response = patch(client, &unassigned, json!({ "person_id": "abc12" })).await;
    response.problem(StatusCode::NOT_FOUND);
    let native = format!("/v1/files/{}", text(&unassigned, "id"));
    assert_eq!(
        client.get(&native).send().await.json()["person"],
        Value::Null
    );
}

#[tokio::test]
async fn file_is_deleted_only_through_its_person() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let file = stored(client, "abc12", "%PDF-1").await;
    stored(client, "def34", "%PDF-2").await;
    for person in ["def34", "nobody", "..", "%20"] {
        let response = delete(client, person, &file).await;
        assert_eq!(response.problem(StatusCode::NOT_FOUND).kind, "not-found");
    }
    let claim = format!("/v1/files/{}/claim", text(&file, "id"));
    let claimed = client.post(&claim).json(&json!({ "holder": "h" }));
    claimed.send().await.expect(StatusCode::OK);
    let problem = delete(client, "abc12", &file).await;
    assert_eq!(problem.problem(StatusCode::CONFLICT).kind, "file-claimed");
    let release = client.call(Method::DELETE, &format!("{claim}?holder=h"));
    release.send().await.expect(StatusCode::OK);

    let deleted = delete(client, "abc12", &file).await;
    assert_eq!(deleted.expect(StatusCode::OK).body, r#"{"ok":true}"#);
    delete(client, "abc12", &file)
        .await
        .problem(StatusCode::NOT_FOUND);
    assert_eq!(list(client).await.len(), 1);
    tenant.fixture.service.finish_tasks().await;
    tenant.fixture.clock.advance(Duration::from_secs(1));
    tenant.fixture.service.reap_once().await.unwrap();
    assert_eq!(tenant.fixture.blob_count().await, 1);
}
