//! Values in the notations of clients in use: they mean the same on every way in.

use attache_testkit::{HttpCall, HttpClient, HttpResponse};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::support::Tenant;

/// The head of a part that is a file.
const FILE: &str = "Content-Disposition: form-data; name=file; filename=a.txt";

/// Returns a form with these parts, each a head and a content.
fn form(client: &HttpClient, parts: &[(&str, &str)]) -> HttpCall {
    let part = |(head, content): &(&str, &str)| format!("--XX\r\n{head}\r\n\r\n{content}\r\n");
    let body: String = parts.iter().map(part).collect();
    client
        .post("/v1/files")
        .header("content-type", "multipart/form-data; boundary=XX")
        .text(body + "--XX--\r\n")
}

/// Returns the records that a response created or found.
fn files(response: &HttpResponse) -> Value {
    assert!(response.status.is_success(), "{response:?}");
    response.json()["files"].clone()
}

#[tokio::test]
async fn text_part_is_read_by_its_type() {
    let tenant = Tenant::new().await;
    for (content_type, content, person) in [
        ("text/plain; charset=utf8", "é", "é"),
        ("text/plain; charset=ascii", "a", "a"),
        ("", "a", "a"),
        ("application/json", "\"PT-28\"", "PT-28"),
        ("application/json; charset=utf-8", "28", "28"),
        ("text/plain", "\"PT-28\"", "\"PT-28\""),
    ] {
        let field =
            format!("Content-Disposition: form-data; name=person\r\nContent-Type: {content_type}");
        let sent = form(&tenant.client, &[(&field, content), (FILE, "x")]);
        let stored = files(&sent.send().await);
        assert_eq!(stored[0]["person"], person, "{content_type}");
    }
    let field = "Content-Disposition: form-data; name=person\r\nContent-Type: application/json";
    let sent = form(&tenant.client, &[(field, "{\"id\":1}"), (FILE, "x")]);
    let problem = sent.send().await.problem(StatusCode::BAD_REQUEST);
    assert!(problem.detail.contains("array or object"), "{problem:?}");
}

#[tokio::test]
async fn extended_filename_wins_over_its_stand_in() {
    let tenant = Tenant::new().await;
    let head = "Content-Disposition: form-data; name=file; \
        filename=\"=?utf-8?B?w6kvYg==?=\"; filename*=utf-8''na%C3%AFve.txt";
    let stored = files(&form(&tenant.client, &[(head, "x")]).send().await);
    assert_eq!(stored[0]["filename"], "naïve.txt");
}

#[tokio::test]
async fn boolean_is_read_in_every_notation() {
    let tenant = Tenant::new().await;
    tenant.client.upload("a.txt", b"x").await;
    for (text, found) in [
        ("on", true),
        ("1", true),
        ("True", true),
        ("0", false),
        ("off", false),
    ] {
        let field = ("Content-Disposition: form-data; name=dedup", text);
        let stored = files(&form(&tenant.client, &[field, (FILE, "x")]).send().await);
        assert_eq!(stored[0]["deduplicated"], found, "form {text}");
        let target = format!("/v1/files?filename=a.txt&dedup={text}");
        let stored = files(&tenant.client.post(&target).bytes(b"x").send().await);
        assert_eq!(stored[0]["deduplicated"], found, "raw {text}");
        for filter in ["used", "has_person"] {
            let list = tenant.client.get(&format!("/v1/files?{filter}={text}"));
            let listed = files(&list.send().await);
            assert_eq!(
                listed.as_array().unwrap().is_empty(),
                found,
                "{filter}={text}"
            );
        }
    }
    for target in ["/v1/files?used=maybe", "/v1/files?has_person=2"] {
        let refused = tenant.client.get(target).send().await;
        let problem = refused.problem(StatusCode::BAD_REQUEST);
        assert!(
            problem.detail.contains("must be `true` or `false`"),
            "{problem:?}"
        );
    }
}

#[tokio::test]
async fn whole_number_may_have_a_fraction_of_zero() {
    let tenant = Tenant::new().await;
    let body = json!({
        "filename": "a.txt", "content_type": "text/plain", "size_bytes": 5.0, "expires_in": 6e2,
    });
    let begun = tenant.client.post("/v1/uploads").json(&body).send().await;
    let begun = begun.expect(StatusCode::CREATED).json();
    assert_eq!(begun["expires_at"], "2026-01-31T12:10:00.000Z");
    let id = tenant.client.upload("a.txt", b"x").await;
    let link = |expires_in: Value| {
        let call = tenant.client.post(&format!("/v1/files/{id}/links"));
        call.json(&json!({ "expires_in": expires_in })).send()
    };
    link(json!(900.0)).await.expect(StatusCode::CREATED);
    for wrong in [json!(900.5), json!("900"), json!(-1), json!(1e300)] {
        let problem = link(wrong).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.kind, "invalid-field");
        assert!(problem.detail.contains("expires_in"), "{problem:?}");
    }
}

#[tokio::test]
async fn base64_and_json_are_read_as_encoders_write_them() {
    let tenant = Tenant::new().await;
    let body = json!({ "filename": "a.txt", "content": "aGVs\r\nbG8=\r\n" });
    let body = format!("\u{feff}{body}");
    for target in ["/v1/files", "/v1/files/json"] {
        let call = tenant.client.post(target).text(body.clone());
        let stored = call.header("content-type", "application/json").send().await;
        assert_eq!(files(&stored)[0]["size_bytes"], 5);
    }
}

#[tokio::test]
async fn decomposed_name_finds_the_composed_one() {
    let tenant = Tenant::new().await;
    let (sent, kept) = ("e%CC%81t%C3%A9.txt", "été.txt");
    let target = format!("/v1/files?filename={sent}&name=e%CC%81t%C3%A9&person=Rene%CC%81");
    let stored = files(&tenant.client.post(&target).bytes(b"x").send().await);
    assert_eq!(stored[0]["filename"], kept);
    assert_eq!(stored[0]["person"], "René");
    for filter in [
        "name=e%CC%81t".to_owned(),
        "name=%C3%A9t".to_owned(),
        format!("filename={sent}"),
        "person=Rene%CC%81".to_owned(),
        "person=Ren%C3%A9".to_owned(),
    ] {
        let list = tenant.client.get(&format!("/v1/files?{filter}"));
        assert_eq!(
            files(&list.send().await).as_array().unwrap().len(),
            1,
            "{filter}"
        );
    }
    // A link is valid under its name, in either form.
    let id = stored[0]["id"].as_str().unwrap();
    let link = tenant.client.post(&format!("/v1/files/{id}/links"));
    let link = link.json(&json!({})).send().await.json();
    let url = link["url"].as_str().unwrap().replace("%C3%A9t", "e%CC%81t");
    assert_ne!(url, link["url"].as_str().unwrap());
    tenant
        .client
        .anonymous()
        .get(&url)
        .send()
        .await
        .expect(StatusCode::OK);
    // The holder of a claim, too.
    let claim = tenant.client.post(&format!("/v1/files/{id}/claim"));
    claim
        .json(&json!({ "holder": "Zertifikat e\u{301}" }))
        .send()
        .await
        .expect(StatusCode::OK);
    let release = format!("/v1/files/{id}/claim?holder=Zertifikat%20%C3%A9");
    let released = tenant.client.call(Method::DELETE, &release).send().await;
    released.expect(StatusCode::OK);
}

#[tokio::test]
async fn times_are_read_in_every_notation() {
    let tenant = Tenant::new().await;
    tenant.client.upload("a.txt", b"x").await;
    for time in [
        "2026-01-31T13:59:59%2B0200",
        "2026-01-31T13:59:59+0200",
        "2026-01-31T11:59Z",
        "2026-01-31T13:59:59%2B02",
        "2026-01-31T13:59:59+02:00",
    ] {
        let list = tenant
            .client
            .get(&format!("/v1/files?uploaded_after={time}"));
        assert_eq!(
            files(&list.send().await).as_array().unwrap().len(),
            1,
            "{time}"
        );
    }
}

#[tokio::test]
async fn broken_form_is_never_stored_as_a_file() {
    let tenant = Tenant::new().await;
    let upload = json!({ "filename": "a", "content_type": "application/octet-stream" });
    let begun = tenant.client.post("/v1/uploads").json(&upload).send().await;
    let url = begun.json()["url"].as_str().unwrap().to_owned();
    for content_type in [
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data",
        "Multipart/Form-Data; boundary=\"x",
        "multipart/form-data boundary=x",
        "multipart/form-data, text/plain",
    ] {
        for (method, target) in [
            (Method::POST, "/v1/files?filename=x"),
            (Method::POST, "/v1/files"),
            (Method::POST, "/v1/files/raw?filename=x"),
            (Method::PUT, url.as_str()),
        ] {
            let call = tenant.client.call(method, target).bytes(b"--x\r\n\r\n");
            let refused = call.header("content-type", content_type).send().await;
            let status = refused.status.as_u16();
            assert!(
                status == 400 || status == 415,
                "{content_type} {target}: {refused:?}"
            );
        }
    }
    let call = tenant.client.post("/v1/files?filename=x").bytes(b"--x");
    let call = call.header("content-type", "text/plain");
    let twice = call
        .header("content-type", "multipart/form-data; boundary=x")
        .send()
        .await;
    twice.problem(StatusCode::BAD_REQUEST);
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn default_type_of_a_client_says_nothing() {
    let tenant = Tenant::new().await;
    let default = "application/x-www-form-urlencoded";
    let upload = json!({ "filename": "a", "content_type": "application/octet-stream" });
    let begun = tenant.client.post("/v1/uploads").json(&upload).send().await;
    let url = begun.json()["url"].as_str().unwrap().to_owned();
    let sent = tenant
        .client
        .anonymous()
        .call(Method::PUT, &url)
        .bytes(b"%PDF-1.7\n");
    let sent = sent.header("content-type", default).send().await;
    assert_eq!(
        sent.expect(StatusCode::CREATED).json()["content_type"],
        "application/pdf"
    );
    let raw = tenant
        .client
        .post("/v1/files?filename=a")
        .bytes(b"%PDF-1.7\n");
    let stored = files(&raw.header("content-type", default).send().await);
    assert_eq!(stored[0]["content_type"], "application/pdf");
}

#[tokio::test]
async fn misplaced_field_is_told_its_place() {
    let tenant = Tenant::new().await;
    let body = json!({ "filename": "a.txt", "content": "aGVsbG8" });
    let sent = tenant.client.post("/v1/files?person=PT-1").json(&body);
    let problem = sent.send().await.problem(StatusCode::BAD_REQUEST);
    assert!(
        problem.detail.contains("belongs in the JSON body"),
        "{problem:?}"
    );
    let sent = tenant
        .client
        .post("/v1/files?person=PT-1")
        .bytes(b"x")
        .send()
        .await;
    let problem = sent.problem(StatusCode::BAD_REQUEST);
    assert!(
        problem.detail.contains("needs the parameter `filename`"),
        "{problem:?}"
    );
    let sent = tenant.client.post("/v1/files?person=PT-1").bytes(b"--x");
    let sent = sent.header("content-type", "multipart/form-data; boundary=x");
    let problem = sent.send().await.problem(StatusCode::BAD_REQUEST);
    assert!(
        problem.detail.contains("belongs in the form"),
        "{problem:?}"
    );
}
