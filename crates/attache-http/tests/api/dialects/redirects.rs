//! Downloads of the dialects always come from the service, even if native ones redirect: their pages
//! show no redirect, and `curl` without `-L` follows none.

use attache_service::Downloads;
use attache_testkit::{FixtureOptions, HttpClient};
use http::StatusCode;
use serde_json::{Value, json};

use super::{biometricscloud, credentials_portal, dokstamp, participant_files};
use crate::api::support::Tenant;

const PDF: &str = "%PDF-1.4";

fn url(response: &Value, field: &str) -> String {
    response[field].as_str().unwrap().to_owned()
}

/// Returns every URL of a file's content that a dialect returns or its page shows.
async fn urls(client: &HttpClient) -> Vec<String> {
    let portals = credentials_portal::stored(client, "abc12", PDF).await;
    let documents = dokstamp::stored(client, "%PDF-1.4 public").await;
    let document = client.get(&format!("/files/{documents}")).send().await;
    let participants = participant_files::stored(client, "&person=def34").await;
    let download = format!(
        "/api/v1/administration/projects/school-7/files/download?key={}",
        url(&participants, "key")
    );
    let download = client.get(&download).send().await.json();
    // Not an inline type, which would never be redirected.
    let text = json!({ "upload_filename": "a.csv" });
    let record = biometricscloud::create(client, &text).send().await.json();
    let mut urls = vec![
        url(&portals, "url"),
        "/files/school-7/upload/abc12/a.pdf".to_owned(),
        format!("/files/{documents}/download"),
        url(&document.json()["data"], "file"),
        url(&download, "preSignedUrl"),
        url(&record, "file_url"),
    ];
    for action in ["view", "download"] {
        let body = json!({ "action": action, "fileId": record["uuid"] });
        let response = client.post("/v1/files/url").json(&body).send().await;
        urls.push(url(&response.json(), "url"));
    }
    urls
}

#[tokio::test]
async fn dialect_downloads_are_never_redirected() {
    let tenant = Tenant::with(FixtureOptions {
        presigns: true,
        downloads: Downloads::Redirect,
        ..FixtureOptions::default()
    })
    .await;
    let client = &tenant.client;
    for url in urls(client).await {
        let response = client.get(&url).send().await;
        assert_eq!(response.status, StatusCode::OK, "{url}");
        assert!(!response.body.is_empty(), "{url}");
        let part = client.get(&url).header("range", "bytes=1-2").send().await;
        let part = part.expect(StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.body, response.body.slice(1..3), "{url}");
    }
    // The native API redirects the same link.
    let id = client.upload("a.csv", b"a,b").await;
    let link = client.post(&format!("/v1/files/{id}/links"));
    let link = link.json(&json!({})).send().await.json();
    let native = url(&link, "url");
    let response = client.get(&native).send().await;
    response.expect(StatusCode::TEMPORARY_REDIRECT);
    let streamed = native.replace("/v1/links/", "/v1/streams/");
    let response = client.get(&streamed).send().await;
    assert_eq!(response.expect(StatusCode::OK).body, "a,b");
}
