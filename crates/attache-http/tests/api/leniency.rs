//! Things that are forgiven: slashes at the end, empty parameters, and a form's own fields on request.

use attache_testkit::{HttpCall, HttpResponse};
use http::{Method, StatusCode};

use super::support::Tenant;

/// Sends a form with these fields, and one file in the field `file`.
async fn send_form(call: HttpCall, fields: &[(&str, &str)]) -> HttpResponse {
    let texts = fields.iter().map(|(name, text)| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    });
    let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n\
                hello\r\n--b--\r\n";
    let form: Vec<String> = texts.chain([file.to_owned()]).collect();
    let call = call.header("content-type", "multipart/form-data; boundary=b");
    call.text(form.concat()).send().await
}

#[tokio::test]
async fn slash_at_the_end_is_forgiven() {
    let tenant = Tenant::new().await;
    let sent = send_form(tenant.client.post("/v1/files/"), &[]).await;
    let sent = sent.expect(StatusCode::CREATED).json();
    let id = sent["files"][0]["id"].as_str().unwrap();
    let get = async |target: String| tenant.client.get(&target).send().await;
    let listed = get("/v1/files/?limit=1".to_owned()).await;
    assert_eq!(listed.expect(StatusCode::OK).json()["files"][0]["id"], id);
    get(format!("/v1/files/{id}/")).await.expect(StatusCode::OK);
    let content = get(format!("/v1/files/{id}/content/")).await;
    assert_eq!(content.expect(StatusCode::OK).body, "hello");
    get("/livez/".to_owned()).await.expect(StatusCode::OK);
    get(format!("/v1/files/{id}//"))
        .await
        .problem(StatusCode::NOT_FOUND);
    let call = tenant.client.call(Method::DELETE, "/v1/files/");
    call.send().await.problem(StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn empty_order_and_page_count_as_absent() {
    let tenant = Tenant::new().await;
    let id = tenant.client.upload("a.txt", b"some bytes").await;
    for query in [
        "cursor=",
        "limit=&sort=&cursor=&after_seq=&state=",
        "cursor",
        "%63ursor=",
    ] {
        let listed = tenant
            .client
            .get(&format!("/v1/files?{query}"))
            .send()
            .await;
        let listed = listed.expect(StatusCode::OK).json();
        assert_eq!(listed["files"][0]["id"], id.to_string(), "{query}");
    }
    let target = format!("/v1/files/{id}/content?disposition=");
    tenant
        .client
        .get(&target)
        .send()
        .await
        .expect(StatusCode::OK);
    // An empty filter that was dropped would list other files.
    for filter in ["person", "category", "used", "sha256", "uploaded_after"] {
        let target = format!("/v1/files?{filter}=");
        let refused = tenant.client.get(&target).send().await;
        let problem = refused.problem(StatusCode::BAD_REQUEST);
        assert!(problem.detail.contains(filter), "{problem:?}");
    }
    for query in ["cursor=&cursor=", "limit=x", "curser="] {
        let refused = tenant
            .client
            .get(&format!("/v1/files?{query}"))
            .send()
            .await;
        refused.problem(StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn empty_fields_of_a_raw_upload_are_absent() {
    let tenant = Tenant::new().await;
    let target = "/v1/files?filename=a.txt&person=&category=&dedup=&accept=&name=";
    let stored = tenant.client.post(target).bytes(b"hello").send().await;
    let stored = stored.expect(StatusCode::CREATED).json();
    assert!(stored["files"][0]["person"].is_null(), "{stored}");
    let nameless = tenant.client.post("/v1/files?filename=");
    let nameless = nameless.bytes(b"hello").send().await;
    nameless.problem(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn unknown_form_fields_are_ignored_on_request() {
    let tenant = Tenant::new().await;
    let fields = [
        ("filepond", "{}"),
        ("relativePath", "null"),
        ("type", "text/plain"),
        ("submit", "Send"),
        ("submit", "Send"),
        ("person", "PT-1"),
    ];
    let post = |query: &str| tenant.client.post(&format!("/v1/files{query}"));
    let strict = send_form(post(""), &fields).await;
    let problem = strict.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        problem.detail.contains("unknown_fields=ignore"),
        "{problem:?}"
    );
    let strict = send_form(post("?unknown_fields=refuse"), &fields).await;
    strict.problem(StatusCode::UNPROCESSABLE_ENTITY);

    let stored = send_form(post("?unknown_fields=ignore"), &fields).await;
    let stored = stored.expect(StatusCode::CREATED).json();
    assert_eq!(stored["files"][0]["person"], "PT-1");
    // Known fields are as strict as ever, and a piece of a file is no file.
    for wrong in [("category", "a/b"), ("person", ".."), ("dzchunkindex", "0")] {
        let refused = send_form(post("?unknown_fields=ignore"), &[wrong]).await;
        let problem = refused.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert!(problem.detail.contains(wrong.0), "{problem:?}");
    }
}

#[tokio::test]
async fn unknown_fields_are_a_matter_of_forms() {
    let tenant = Tenant::new().await;
    let post = |query: &str| tenant.client.post(&format!("/v1/files?{query}"));
    for query in ["unknown_fields=maybe", "unknown_fields=ignore&person=PT-1"] {
        let refused = send_form(post(query), &[]).await;
        refused.problem(StatusCode::BAD_REQUEST);
    }
    let raw = post("filename=a.txt&unknown_fields=ignore").bytes(b"hello");
    let json = post("unknown_fields=ignore").json(&serde_json::json!({}));
    for call in [raw, json] {
        let problem = call.send().await.problem(StatusCode::BAD_REQUEST);
        assert!(problem.detail.contains("unknown_fields"), "{problem:?}");
    }
}
