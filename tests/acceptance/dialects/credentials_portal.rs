//! credentials-portal, tested with the commands of its page.

use serde_json::{Value, json};

use crate::support::{Form, Options, PDF, PageReader, Server, assert_shape, has_program};

const GET_LIST: &str = r#"
curl https://app.credentialsportal.com/api/files \
  -H "Authorization: Bearer ck_your_api_key"
"#;

const LIST: &str = r#"
[
  {
    "id": "upl01",
    "district_id": "xyz99",
    "person_id": "abc12",
    "name": "Background Check",
    "filename": "background-check.pdf",
    "content_type": "application/pdf",
    "size": 204800,
    "url": "https://app.credentialsportal.com/files/xyz99/upload/abc12/background-check.pdf",
    "created_at": 1739577600000
  }
]
"#;

const UPLOAD: &str = r#"
curl -X POST https://app.credentialsportal.com/api/upload \
  -H "Authorization: Bearer ck_your_api_key" \
  -F "file=@/path/to/document.pdf" \
  -F "personId=abc12" \
  -F "name=Background Check"
"#;

const UPLOADED: &str = r#"
{
  "id": "upl02",
  "person_id": "abc12",
  "name": "Background Check",
  "filename": "document.pdf",
  "content_type": "application/pdf",
  "size": 204800,
  "url": "https://app.credentialsportal.com/files/xyz99/upload/abc12/document.pdf",
  "created_at": 1741564800000
}
"#;

const DELETE: &str = r#"
curl -X DELETE https://app.credentialsportal.com/api/people/abc12/uploads/upl02 \
  -H "Authorization: Bearer ck_your_api_key"
"#;

const DELETED: &str = r#"{ "ok": true }"#;

const ID: &str = "upl02";

async fn start_with_page() -> (Server, PageReader) {
    let server = Server::start(Options::new()).await;
    let mut page = PageReader::new(&[
        ("https://app.credentialsportal.com", server.url()),
        ("ck_your_api_key", server.key()),
    ]);
    let path = page.write("document.pdf", PDF);
    page.replace("/path/to/document.pdf", path.to_str().unwrap());
    (server, page)
}

fn text<'v>(file: &'v Value, field: &str) -> &'v str {
    file[field].as_str().unwrap()
}

#[tokio::test]
async fn printed_commands_work() {
    if !has_program("curl", "credentials_portal") {
        return;
    }
    let (server, mut page) = start_with_page().await;
    let uploaded = page.curl(UPLOAD).json(201);
    assert_shape(UPLOADED, &uploaded);
    for (field, value) in [
        ("person_id", json!("abc12")),
        ("name", json!("Background Check")),
        ("filename", json!("document.pdf")),
        ("content_type", json!("application/pdf")),
        ("size", json!(PDF.len())),
    ] {
        assert_eq!(uploaded[field], value, "{field}");
    }
    let listed = page.curl(GET_LIST).json(200);
    assert_shape(LIST, &listed);
    assert_eq!(listed, json!([uploaded]));
    assert_eq!(listed[0]["district_id"], "default");
    let native = server.client().record(text(&uploaded, "id")).await.json();
    let millis = uploaded["created_at"].as_i64().unwrap();
    let stored = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    let format = &time::format_description::well_known::Rfc3339;
    let created = time::OffsetDateTime::parse(text(&native, "created_at"), format);
    assert_eq!(stored.unwrap(), created.unwrap());

    page.replace(ID, text(&uploaded, "id"));
    let deleted = page.curl(DELETE).json(200);
    assert_shape(DELETED, &deleted);
    assert_eq!(deleted, json!({ "ok": true }));
    assert_eq!(page.curl(GET_LIST).json(200), json!([]));
    assert_eq!(page.curl(DELETE).status, 404);
}

#[tokio::test]
async fn file_url_needs_a_key_and_serves_one_file() {
    if !has_program("curl", "credentials_portal") {
        return;
    }
    let (server, page) = start_with_page().await;
    let client = server.client();
    let first = page.curl(UPLOAD).json(201);
    let bare = "/files/default/upload/abc12/document.pdf";
    assert_eq!(client.get(bare).await.expect(200).body, PDF);
    let other = [PDF, b"% another"].concat();
    page.write("document.pdf", &other);
    let second = page.curl(UPLOAD).json(201);
    for (file, bytes) in [(&first, PDF), (&second, &other)] {
        let url = text(file, "url");
        let response = client.get(url).await.expect(200);
        assert_eq!(response.body, bytes, "{url}");
        assert_eq!(response.header("x-content-type-options"), "nosniff");
        let part = client.request("GET", url).header("Range", "bytes=0-3");
        assert_eq!(part.send().await.expect(206).body, &bytes[..4]);
        server
            .anonymous()
            .get(url)
            .await
            .problem(401, "unauthenticated");
    }
    client.get(bare).await.problem(404, "not-found");
    let stranger = server.other_tenant("north");
    let url = text(&first, "url");
    stranger.get(url).await.problem(403, "other-tenant");
    let own = url.replace("/default/", "/north/");
    stranger.get(&own).await.problem(404, "not-found");
}

#[tokio::test]
async fn file_is_renamed_and_assigned_to_another_person() {
    if !has_program("curl", "credentials_portal") {
        return;
    }
    let (server, page) = start_with_page().await;
    let client = server.client();
    let form = Form::new().file("file", "a.pdf", "application/pdf", PDF);
    let request = client.request("POST", "/api/people/def%2F34/uploads");
    let file = request.form(form).send().await.expect(201).json();
    assert_shape(UPLOADED, &file);
    assert_eq!(file["person_id"], "def/34");
    let target = format!("/api/files/{}", text(&file, "id"));
    let patch = async |body: Value| {
        let request = client.request("PATCH", &target).json(&body);
        request.send().await.expect(200).json()
    };
    let changed = patch(json!({ "name": "Diploma", "person_id": "abc12" })).await;
    assert_shape(UPLOADED, &changed);
    assert_eq!(
        (&changed["name"], &changed["person_id"]),
        (&json!("Diploma"), &json!("abc12"))
    );
    assert_eq!(page.curl(GET_LIST).json(200), json!([changed]));
    client
        .get(text(&file, "url"))
        .await
        .problem(404, "not-found");
    assert_eq!(
        client.get(text(&changed, "url")).await.expect(200).body,
        PDF
    );
    let id = text(&file, "id");
    let wrong = format!("/api/people/def%2F34/uploads/{id}");
    client.delete(&wrong).await.problem(404, "not-found");
    client
        .delete(&format!("/api/people/abc12/uploads/{id}"))
        .await
        .expect(200);
}
