//! Uploads in the three request formats, and their refusals.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Form, Options, PDF, PNG, Server, UNKNOWN_ID, id_of, noise, sha256_hex};

fn assert_described(record: &Value, bytes: &[u8]) {
    assert_eq!(record["person"], "participant-9", "{record:#}");
    assert!(record["person_id"].is_string(), "{record:#}");
    assert_eq!(record["category"], "medical", "{record:#}");
    assert_eq!(record["name"], "A name", "{record:#}");
    assert_eq!(record["description"], "Some words", "{record:#}");
    assert_eq!(record["visibility"], "private", "{record:#}");
    assert_eq!(record["size_bytes"], bytes.len(), "{record:#}");
    assert_eq!(record["sha256"], sha256_hex(bytes), "{record:#}");
    assert_eq!(record["state"], "active", "{record:#}");
    assert_eq!(record["used_at"], Value::Null, "{record:#}");
    assert_eq!(record["archived_at"], Value::Null, "{record:#}");
    assert!(
        record["seq"].is_i64() && record["uploaded_by"].is_i64(),
        "{record:#}"
    );
}

#[tokio::test]
async fn multipart_accepts_fields_around_the_file() {
    let server = Server::start(Options::new()).await;
    let form = Form::new()
        .field("person", "participant-9")
        .field("category", "medical")
        .file("whatever[]", "report.pdf", "application/pdf", PDF)
        .field("name", "A name")
        .field("description", "Some words");
    let response = server.client().upload_form(form).await.expect(201);

    let record = response.only_file();
    assert_described(&record, PDF);
    assert_eq!(record["filename"], "report.pdf");
    assert_eq!(record["content_type"], "application/pdf");
    assert_eq!(record["deduplicated"], false);
    let id = id_of(&record);
    assert_eq!(
        response.header("location"),
        format!("{}/v1/files/{id}", server.url())
    );
    let content = server
        .client()
        .get(response.header("location"))
        .await
        .expect(200);
    assert_eq!(content.json()["id"], record["id"]);
    assert_eq!(server.client().content(&id).await.expect(200).body, PDF);
}

#[tokio::test]
async fn files_of_one_request_keep_their_order() {
    let server = Server::start(Options::new()).await;
    let form = Form::new()
        .file("a", "one.pdf", "application/pdf", PDF)
        .field("person", "p")
        .file("b", "two.png", "image/png", PNG)
        .file("a", "three.txt", "text/plain", b"three");
    let response = server.client().upload_form(form).await.expect(201);

    let files = response.files();
    let names: Vec<_> = files
        .iter()
        .map(|file| file["filename"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["one.pdf", "two.png", "three.txt"]);
    assert!(files.iter().all(|file| file["person"] == "p"), "{files:#?}");
    assert!(
        response.find_header("location").is_none(),
        "one Location cannot name three files"
    );
    let expected: [&[u8]; 3] = [PDF, PNG, b"three"];
    for (file, bytes) in files.iter().zip(expected) {
        assert_eq!(
            server.client().content(&id_of(file)).await.expect(200).body,
            bytes
        );
    }
}

#[tokio::test]
async fn json_upload_has_content_in_base64() {
    let server = Server::start(Options::new()).await;
    let fields = json!({
        "person": "participant-9", "category": "medical", "name": "A name",
        "description": "Some words", "content_type": "image/png",
    });
    let response = server
        .client()
        .upload_json("scan.png", PNG, fields)
        .await
        .expect(201);
    let record = response.only_file();
    assert_described(&record, PNG);
    assert_eq!(record["content_type"], "image/png");
    assert!(response.header("location").ends_with(&id_of(&record)));

    let large = noise(3, 3_000_000);
    let record = server
        .client()
        .store_with("large.bin", &large, json!({}))
        .await;
    assert_eq!(
        server
            .client()
            .content(&id_of(&record))
            .await
            .expect(200)
            .body,
        large
    );
}

#[tokio::test]
async fn raw_upload_has_name_and_fields_in_query() {
    let server = Server::start(Options::new()).await;
    let query = "filename=data.bin&person=participant-9&category=medical&name=A%20name\
                 &description=Some+words";
    let bytes = noise(1, 100_000);
    let request = server
        .client()
        .request("POST", &format!("/v1/files?{query}"));
    let response = request
        .body("application/x-something", bytes.clone())
        .send()
        .await
        .expect(201);
    let record = response.only_file();
    assert_described(&record, &bytes);
    assert_eq!(record["filename"], "data.bin");
    assert_eq!(
        server
            .client()
            .content(&id_of(&record))
            .await
            .expect(200)
            .body,
        bytes
    );
}

#[tokio::test]
async fn name_defaults_to_last_path_segment() {
    let server = Server::start(Options::new()).await;
    let record = server.client().store("C:\\scans/2026/x-ray.png", PNG).await;
    assert_eq!(record["filename"], "x-ray.png");
    assert_eq!(record["name"], "x-ray.png");
    assert_eq!(record["person"], Value::Null);
    assert_eq!(record["category"], Value::Null);
}

#[tokio::test]
async fn signature_in_bytes_decides_the_type() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let declared = |name: &str, content_type: &str, bytes: &[u8]| {
        Form::new().file("file", name, content_type, bytes)
    };
    let cases: [(Form, &str); 5] = [
        (
            declared("a.pdf", "application/pdf", b"no signature"),
            "application/octet-stream",
        ),
        (declared("a.txt", "text/plain", PNG), "image/png"),
        (declared("a.csv", "text/csv", b"a,b\n1,2\n"), "text/csv"),
        (
            declared("a.json", "application/json", b"{\"a\":1}"),
            "application/json",
        ),
        (
            declared(
                "a.docx",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                b"PK\x03\x04 anything",
            ),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
    ];
    for (form, expected) in cases {
        let record = client.upload_form(form).await.expect(201).only_file();
        assert_eq!(record["content_type"], expected, "{record:#}");
    }
}

#[tokio::test]
async fn accept_field_applies_in_any_position() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let file = |form: Form| form.file("file", "a.png", "image/png", PNG);
    let accept = |form: Form| form.field("accept", "application/pdf,image/jpeg");
    for form in [file(accept(Form::new())), accept(file(Form::new()))] {
        let response = client.upload_form(form).await;
        response.problem_mentioning(422, "type-not-accepted", "image/png");
    }
    let raw = client
        .upload_raw("a.png", "&accept=application/pdf", PNG)
        .await;
    raw.problem(422, "type-not-accepted");
    assert!(client.list("").await.is_empty());
    server.wait_for_objects(0).await;

    let form = file(Form::new().field("accept", "application/pdf, image/png"));
    client.upload_form(form).await.expect(201);
}

#[tokio::test]
async fn declared_digest_is_verified() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let right = sha256_hex(PDF);
    let wrong = sha256_hex(PNG);
    let file = |form: Form| form.file("file", "a.pdf", "application/pdf", PDF);

    let response = client
        .upload_raw("a.pdf", &format!("&sha256={wrong}"), PDF)
        .await;
    response.problem_mentioning(422, "digest-mismatch", &right);
    let response = client
        .upload_form(file(Form::new().field("sha256", &wrong)))
        .await;
    response.problem(422, "digest-mismatch");
    let response = client
        .upload_form(file(Form::new()).field("sha256", &wrong))
        .await;
    response.problem(422, "digest-mismatch");
    let response = client
        .upload_json("a.pdf", PDF, json!({"sha256": wrong}))
        .await;
    response.problem(422, "digest-mismatch");
    assert!(client.list("").await.is_empty());
    server.wait_for_objects(0).await;

    client
        .upload_raw("a.pdf", &format!("&sha256={right}"), PDF)
        .await
        .expect(201);
    client
        .upload_json("b.pdf", PDF, json!({"sha256": right}))
        .await
        .expect(201);
}

#[tokio::test]
async fn first_write_registers_the_person() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    assert!(client.list("person=new%40example.org").await.is_empty());
    let first = client
        .store_with("a.txt", b"a", json!({"person": "new@example.org"}))
        .await;
    let person_id = first["person_id"].as_str().unwrap();
    let second = client
        .store_with("b.txt", b"b", json!({"person_id": person_id}))
        .await;
    assert_eq!(second["person"], "new@example.org");
    assert_eq!(client.list("person=new%40example.org").await.len(), 2);
    assert_eq!(
        client.list(&format!("person_id={person_id}")).await.len(),
        2
    );

    let unknown = json!({"person_id": UNKNOWN_ID});
    client
        .upload_json("c.txt", b"c", unknown)
        .await
        .problem(422, "unknown-person");
}

#[tokio::test]
async fn empty_file_is_stored() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let raw = client.store("raw.txt", b"").await;
    let inline = client.store_with("json.txt", b"", json!({})).await;
    let form = Form::new().file("file", "form.txt", "text/plain", b"");
    let form = client.upload_form(form).await.expect(201).only_file();
    for record in [raw, inline, form] {
        assert_eq!(record["size_bytes"], 0);
        assert_eq!(record["sha256"], sha256_hex(b""));
        let content = client.content(&id_of(&record)).await.expect(200);
        assert_eq!(content.header("content-length"), "0");
        assert!(content.body.is_empty());
    }
}

#[tokio::test]
async fn standard_base64_is_accepted() {
    let server = Server::start(Options::new()).await;
    let body = json!({"filename": "a.bin", "content": STANDARD.encode([0xfb, 0xff, 0xfe])});
    let record = server
        .client()
        .post_json("/v1/files", &body)
        .await
        .expect(201)
        .only_file();
    assert_eq!(record["size_bytes"], 3);
}

#[tokio::test]
async fn empty_file_input_is_ignored() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let left_empty = "Content-Disposition: form-data; name=\"second\"; filename=\"\"\r\n\
                      Content-Type: application/octet-stream";
    let form = Form::new().file("first", "a.pdf", "application/pdf", PDF);
    let response = client.upload_form(form.part(left_empty, b"")).await;
    assert_eq!(response.expect(201).files().len(), 1);
    let nameless = Form::new().part(left_empty, b"bytes");
    client
        .upload_form(nameless)
        .await
        .problem_mentioning(422, "invalid-field", "filename");
}

#[tokio::test]
async fn multipart_form_with_query_is_refused() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let form = Form::new().file("file", "a.pdf", "application/pdf", PDF);
    let request = client.request("POST", "/v1/files?filename=a.pdf");
    let response = request
        .body(&Form::content_type(), form.finish())
        .send()
        .await;
    response.problem_mentioning(400, "invalid-parameter", "filename");
    assert!(client.get("/v1/files").await.expect(200).files().is_empty());
}

#[tokio::test]
async fn default_type_of_curl_is_ignored() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let request = client.request("POST", "/v1/files?filename=note.txt");
    let body = request.body("application/x-www-form-urlencoded", b"a text".to_vec());
    let file = &body.send().await.expect(201).files()[0];
    assert_eq!(file["content_type"], "text/plain");
}

#[tokio::test]
async fn unsupported_content_headers_are_refused() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    for (name, value, status, slug) in [
        ("content-range", "bytes 0-4/10", 400, "malformed-body"),
        ("content-encoding", "gzip", 415, "unsupported-media-type"),
        ("content-digest", "sha-256=:AAAA:", 400, "malformed-body"),
    ] {
        let request = client.request("POST", "/v1/files?filename=a.txt");
        let request = request
            .header(name, value)
            .body("text/plain", b"hello".to_vec());
        request.send().await.problem(status, slug);
    }
    assert!(client.get("/v1/files").await.expect(200).files().is_empty());
}
