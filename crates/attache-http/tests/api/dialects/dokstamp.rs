//! dokstamp: PDF documents, each attached to one certificate.

use std::time::Duration;

use attache_model::Scopes;
use attache_testkit::{HttpCall, HttpClient, HttpResponse};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::credentials_portal;
use crate::api::support::Tenant;

const NOON: &str = "2026-01-31T12:00:00.000Z";

/// Returns an upload of files as `files[]`, with their names and texts.
pub(super) fn upload(client: &HttpClient, files: &[(&str, &str)]) -> HttpCall {
    upload_as(client, "application/pdf", files)
}

fn upload_as(client: &HttpClient, content_type: &str, files: &[(&str, &str)]) -> HttpCall {
    let mut form = String::new();
    for (name, text) in files {
        form += "--b\r\nContent-Disposition: form-data; name=\"files[]\"; filename=\"";
        form += name;
        form += "\"\r\nContent-Type: ";
        form += content_type;
        form += "\r\n\r\n";
        form += text;
        form += "\r\n";
    }
    form += "--b--\r\n";
    let call = client.post("/files").text(form);
    call.header("content-type", "multipart/form-data; boundary=b")
}

/// Uploads one file and returns its id.
pub(super) async fn stored(client: &HttpClient, text: &str) -> String {
    let response = upload(client, &[("a.pdf", text)]).send().await;
    let response = response.expect(StatusCode::CREATED).json();
    response["data"][0]["uuid"].as_str().unwrap().to_owned()
}

fn uuids(response: &HttpResponse) -> Vec<Value> {
    let data = response.json()["data"].clone();
    let files = data.as_array().unwrap();
    files.iter().map(|file| file["uuid"].clone()).collect()
}

async fn claim(client: &HttpClient, id: &str) {
    let claim = client.post(&format!("/v1/files/{id}/claim"));
    let claim = claim.json(&json!({ "holder": "certificate:42" }));
    claim.send().await.expect(StatusCode::OK);
}

#[tokio::test]
async fn file_has_the_shape_of_the_page() {
    let tenant = Tenant::new().await;
    let name = "diploma-maria-silva.pdf";
    let response = upload(&tenant.client, &[(name, "%PDF-1.4")]).send().await;
    let response = response.expect(StatusCode::CREATED).json();
    let id = response["data"][0]["uuid"].as_str().unwrap();
    let url = format!("https://files.example.org/files/{id}/download");
    let mut file = json!({
        "uuid": id,
        "original_name": name,
        "mime_type": "application/pdf",
        "extension": "pdf",
        "size": 8,
        "used_at": null,
        "file": url,
    });
    assert_eq!(response, json!({ "data": [file] }));
    let one = || tenant.client.get(&format!("/files/{id}")).send();
    assert_eq!(one().await.json(), json!({ "data": file }));
    let bytes = tenant.client.anonymous().get(&url).send().await;
    assert_eq!(bytes.expect(StatusCode::OK).body, "%PDF-1.4");

    claim(&tenant.client, id).await;
    file["used_at"] = NOON.into();
    assert_eq!(one().await.json(), json!({ "data": file }));
}

#[tokio::test]
async fn files_of_one_request_are_stored_atomically() {
    let tenant = Tenant::new().await;
    let files = [
        ("1.pdf", "%PDF-1"),
        ("2.pdf", "%PDF-2"),
        ("3.pdf", "%PDF-3"),
    ];
    let response = upload(&tenant.client, &files).send().await;
    let response = response.expect(StatusCode::CREATED).json();
    for (at, (name, _)) in files.iter().enumerate() {
        assert_eq!(response["data"][at]["original_name"], *name);
    }

    // The part may have any name.
    let form = "--b\r\nContent-Disposition: form-data; name=\"anything\"; filename=\"4.pdf\"\r\n\r\n\
                %PDF-4\r\n--b--\r\n";
    let other = tenant.client.post("/files").text(form.to_owned());
    let other = other.header("content-type", "multipart/form-data; boundary=b");
    let other = other.send().await.expect(StatusCode::CREATED).json();
    assert_eq!(other["data"][0]["original_name"], "4.pdf");

    let tenant = Tenant::new().await;
    for (files, kind) in [
        (
            &[("1.pdf", "%PDF-1"), ("2.pdf", "no pdf")][..],
            "type-not-accepted",
        ),
        (
            &[("1.png", "\u{89}PNG\r\n\u{1a}\n")][..],
            "type-not-accepted",
        ),
        (&[][..], "no-file"),
    ] {
        let response = upload(&tenant.client, files).send().await;
        assert_eq!(
            response.problem(StatusCode::UNPROCESSABLE_ENTITY).kind,
            kind
        );
    }
    let problem = upload(&tenant.client, &[("a.pdf", "%PDF-1"); 21])
        .send()
        .await;
    let problem = problem.problem(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem.kind, "too-many-files");
    let json = tenant.client.post("/files").json(&json!({})).send().await;
    json.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    tenant.assert_nothing_left().await;
}

#[tokio::test]
async fn pdf_is_accepted_under_any_declared_type() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    for (content_type, text) in [
        ("application/x-pdf", "%PDF-1"),
        ("application/pdf; charset=utf-8", "%PDF-2"),
        ("text/html", "%PDF-3"),
        ("octet-stream", "%PDF-4"),
    ] {
        let response = upload_as(client, content_type, &[("a.pdf", text)]).send();
        let response = response.await.expect(StatusCode::CREATED).json();
        let mime_type = &response["data"][0]["mime_type"];
        assert_eq!(mime_type, "application/pdf", "{content_type}");
        let refused = upload_as(client, content_type, &[("a.pdf", "no pdf")]).send();
        let problem = refused.await.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.kind, "type-not-accepted", "{content_type}");
    }
}

#[tokio::test]
async fn known_bytes_return_their_unused_record() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let first = upload(client, &[("first.pdf", "%PDF-1")]).send().await;
    let again = upload(client, &[("again.pdf", "%PDF-1")]).send().await;
    assert_eq!(again.clone().expect(StatusCode::CREATED).body, first.body);
    claim(client, uuids(&first)[0].as_str().unwrap()).await;
    let later = upload(client, &[("later.pdf", "%PDF-1")]).send().await;
    assert_ne!(uuids(&later), uuids(&first));
    assert_eq!(later.json()["data"][0]["used_at"], Value::Null);
    // The same within one request.
    let twins = [("left.pdf", "%PDF-3"), ("right.pdf", "%PDF-3")];
    let twins = uuids(&upload(client, &twins).send().await);
    assert_eq!(twins[0], twins[1]);
    // Records that were assigned to a person, put into a category, made private or archived.
    for change in [
        json!({ "category": "diplomas" }),
        json!({ "person": "abc12" }),
        json!({ "visibility": "private" }),
        Value::Null,
    ] {
        let text = format!("%PDF-{change}");
        let id = stored(client, &text).await;
        let file = format!("/v1/files/{id}");
        let call = match change {
            Value::Null => client.post(&format!("{file}/archive")),
            _ => client.call(Method::PATCH, &file).json(&change),
        };
        call.send().await.expect(StatusCode::OK);
        assert_ne!(stored(client, &text).await, id, "{change}");
    }
    // A private file with the same bytes is not returned.
    client.upload("private.pdf", b"%PDF-2").await;
    let public = upload(client, &[("public.pdf", "%PDF-2")]).send().await;
    assert_eq!(public.json()["data"][0]["original_name"], "public.pdf");
}

#[tokio::test]
async fn files_are_listed_unpaginated_by_use() {
    let tenant = Tenant::new().await;
    let list = |query: &str| tenant.client.get(&format!("/files{query}")).send();
    assert_eq!(list("").await.body, r#"{"data":[]}"#);
    let used = stored(&tenant.client, "%PDF-0").await;
    claim(&tenant.client, &used).await;
    // More than one page of the repository. The newest come first.
    let mut free = Vec::new();
    for batch in 0..35 {
        let names: Vec<_> = (0..20).map(|at| format!("%PDF-{batch}-{at}")).collect();
        let files: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), name.as_str()))
            .collect();
        free.extend(uuids(&upload(&tenant.client, &files).send().await));
        tenant.fixture.clock.advance(Duration::from_millis(1));
    }
    free.reverse();
    for query in ["?where[used_at]=null", "?where%5Bused_at%5D=null&page=2"] {
        let listed = uuids(&list(query).await.expect(StatusCode::OK));
        assert_eq!(listed, free, "{query}");
    }
    assert_eq!(
        uuids(&list("?where[used_at]=not_null").await),
        [used.as_str()]
    );
    assert_eq!(uuids(&list("").await).len(), free.len() + 1);
    let refused = list("?where[used_at]=yesterday").await;
    let problem = refused.problem(StatusCode::BAD_REQUEST);
    assert!(problem.detail.contains("where[used_at]"), "{problem:?}");
}

#[tokio::test]
async fn extension_is_the_end_of_the_name() {
    let tenant = Tenant::new().await;
    for (name, extension) in [
        ("a.PDF", "PDF"),
        ("a.tar.gz", "gz"),
        ("README", ""),
        ("ends.", ""),
        (".profile", ""),
    ] {
        let response = upload(&tenant.client, &[(name, &format!("%PDF-{name}"))]);
        let response = response.send().await.expect(StatusCode::CREATED).json();
        assert_eq!(response["data"][0]["extension"], extension, "{name}");
    }
}

#[tokio::test]
async fn list_has_files_of_other_apis_and_none_archived() {
    let tenant = Tenant::new().await;
    let client = &tenant.client;
    let get = |target: String| async move { client.get(&target).send().await };
    let native = client.upload("a.txt", b"no pdf").await.to_string();
    tenant.fixture.clock.advance(Duration::from_millis(1));
    let portals = credentials_portal::stored(client, "abc12", "%PDF-1").await;
    let list = || async { uuids(&client.get("/files").send().await) };
    assert_eq!(list().await, [portals["id"].clone(), native.clone().into()]);
    let read = get(format!("/files/{native}")).await.json();
    assert_eq!(read["data"]["mime_type"], "text/plain");

    let id = stored(client, "%PDF-2").await;
    let archive = client.post(&format!("/v1/files/{id}/archive")).send().await;
    archive.expect(StatusCode::OK);
    assert_eq!(list().await.len(), 2);
    get(format!("/files/{id}")).await.expect(StatusCode::OK);
    let download = get(format!("/files/{id}/download")).await;
    assert_eq!(download.problem(StatusCode::NOT_FOUND).kind, "not-found");
}

#[tokio::test]
async fn rename_changes_nothing_else() {
    let tenant = Tenant::new().await;
    let id = stored(&tenant.client, "%PDF-1").await;
    let file = format!("/files/{id}");
    let mut before = tenant.client.get(&file).send().await.json();
    for (method, name) in [(Method::PATCH, "one.pdf"), (Method::PUT, "two.PDF")] {
        // A client may send back the whole representation: only the name is used.
        before["data"]["original_name"] = name.into();
        let call = tenant
            .client
            .call(method.clone(), &file)
            .json(&before["data"]);
        let response = call.send().await.expect(StatusCode::OK).json();
        assert_eq!(response["data"]["original_name"], name);
        assert_eq!(response["data"]["size"], 6);
        assert_eq!(tenant.client.get(&file).send().await.json(), response);
        let native = tenant.client.get(&format!("/v1/files/{id}")).send().await;
        assert_eq!(native.json()["name"], name);
        let download = tenant.client.get(&format!("{file}/download")).send().await;
        let disposition = download.header("content-disposition");
        assert!(disposition.contains(name), "{disposition}");
        for wrong in [
            json!({}),
            json!({ "name": "x.pdf" }),
            json!({ "original_name": ".." }),
        ] {
            let call = tenant.client.call(method.clone(), &file).json(&wrong);
            let response = call.send().await;
            response.problem(StatusCode::UNPROCESSABLE_ENTITY);
        }
    }
}

#[tokio::test]
async fn download_is_public_and_honours_range_and_head() {
    let tenant = Tenant::new().await;
    let id = stored(&tenant.client, "%PDF-1.4").await;
    let anyone = tenant.client.anonymous();
    let target = format!("/files/{id}/download");
    let response = anyone.get(&target).send().await.expect(StatusCode::OK);
    assert_eq!(response.body, "%PDF-1.4");
    assert_eq!(response.header("content-type"), "application/pdf");
    let disposition = response.header("content-disposition");
    assert!(disposition.contains("filename=\"a.pdf\""), "{disposition}");
    let tag = response.header("etag").to_owned();
    let part = anyone
        .get(&target)
        .header("range", "bytes=1-3")
        .send()
        .await;
    assert_eq!(part.expect(StatusCode::PARTIAL_CONTENT).body, "PDF");
    let known = anyone.get(&target).header("if-none-match", &tag);
    known.send().await.expect(StatusCode::NOT_MODIFIED);
    let page = anyone
        .get(&target)
        .header("origin", "https://other.example");
    let allowed = page.send().await;
    let allowed = allowed.header("access-control-allow-origin").to_owned();
    assert_eq!(allowed, "https://other.example");

    let private = tenant.client.upload("a.pdf", b"%PDF-2").await;
    let target = format!("/files/{private}/download");
    anyone
        .get(&target)
        .send()
        .await
        .problem(StatusCode::NOT_FOUND);
    let record = tenant.client.get(&format!("/files/{private}")).send().await;
    let url = record.json()["data"]["file"].as_str().unwrap().to_owned();
    let response = tenant.client.get(&url).send().await;
    assert_eq!(response.expect(StatusCode::OK).body, "%PDF-2");
}

#[tokio::test]
async fn used_file_is_not_deleted() {
    let tenant = Tenant::new().await;
    let id = stored(&tenant.client, "%PDF-1").await;
    claim(&tenant.client, &id).await;
    let delete = || {
        tenant
            .client
            .call(Method::DELETE, &format!("/files/{id}"))
            .send()
    };
    let problem = delete().await.problem(StatusCode::CONFLICT);
    assert_eq!(problem.kind, "file-claimed");
    let release = format!("/v1/files/{id}/claim?holder=certificate:42");
    let release = tenant.client.call(Method::DELETE, &release).send().await;
    release.expect(StatusCode::OK);
    let free = tenant.client.get("/files?where[used_at]=null").send().await;
    assert_eq!(uuids(&free), [id.as_str()]);
    assert_eq!(delete().await.expect(StatusCode::NO_CONTENT).body, "");
    delete().await.problem(StatusCode::NOT_FOUND);
    let file = tenant.client.get("/files/h8i9j0k1-l2m3-4567").send().await;
    file.problem(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn tenant_header_must_match_the_key() {
    let tenant = Tenant::new().await;
    tenant.fixture.token("school-8", Scopes::all()).await;
    let fetch = |value: &str| tenant.client.get("/files").header("x-tenant", value).send();
    fetch("school-7").await.expect(StatusCode::OK);
    for other in ["school-8", "unassigned", "SCHOOL-7", ""] {
        let problem = fetch(other).await.problem(StatusCode::FORBIDDEN);
        assert_eq!(problem.kind, "other-tenant", "{other}");
    }
    let twice = tenant.client.get("/files").header("x-tenant", "school-7");
    let twice = twice.header("x-tenant", "school-8").send().await;
    twice.problem(StatusCode::FORBIDDEN);
}
