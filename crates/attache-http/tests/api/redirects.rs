//! Downloads that redirect to the store: only if that is configured, possible and safe.

use attache_service::Downloads;
use attache_testkit::{Fixture, FixtureOptions, HttpClient, STORE_URL};
use http::{Method, StatusCode};
use serde_json::json;

use super::support::Tenant;

async fn tenant(presigns: bool) -> Tenant {
    Tenant::with(FixtureOptions {
        presigns,
        downloads: Downloads::Redirect,
        ..FixtureOptions::default()
    })
    .await
}

/// Returns the three URLs of a file's content: with a key, public, and by a link.
async fn urls(client: &HttpClient, filename: &str, bytes: &'static [u8]) -> [String; 3] {
    let id = client.upload(filename, bytes).await;
    let publish = client.call(Method::PATCH, &format!("/v1/files/{id}"));
    let publish = publish.json(&json!({ "visibility": "public" }));
    publish.send().await.expect(StatusCode::OK);
    let link = client.post(&format!("/v1/files/{id}/links"));
    let link = link.json(&json!({ "action": "view" })).send().await.json();
    [
        format!("/v1/files/{id}/content"),
        format!("/v1/public/{id}/a"),
        link["url"].as_str().unwrap().to_owned(),
    ]
}

#[tokio::test]
async fn download_redirects_to_the_store_for_a_minute() {
    let tenant = tenant(true).await;
    let client = &tenant.client;
    // Not a type that may be inline: the link to view it is a download, too.
    for url in urls(client, "na%C3%AFve%20a.csv", b"a,b").await {
        for range in [None, Some("bytes=1-"), Some("bytes=99-")] {
            let call = client.get(&url);
            let call = match range {
                Some(range) => call.header("range", range),
                None => call,
            };
            let response = call
                .header("origin", "https://app.example.org")
                .send()
                .await;
            let response = response.expect(StatusCode::TEMPORARY_REDIRECT);
            assert!(response.body.is_empty());
            assert_eq!(response.header("cache-control"), "no-store");
            assert_eq!(response.header("etag"), "");
            assert_eq!(response.header("referrer-policy"), "no-referrer");
            assert_eq!(response.header("x-content-type-options"), "nosniff");
            let location = response.header("location");
            assert!(location.starts_with(STORE_URL), "{location}");
            assert!(
                location.contains("expires=60&type=text%2Fcsv"),
                "{location}"
            );
            let disposition = "disposition=attachment%3B%20filename%3D%22na%5Fve%20a%2Ecsv%22";
            assert!(location.contains(disposition), "{location}");
        }
    }
}

#[tokio::test]
async fn conditions_and_head_are_not_redirected() {
    let tenant = tenant(true).await;
    let client = &tenant.client;
    for url in urls(client, "a.csv", b"a,b").await {
        let head = client.call(Method::HEAD, &url).send().await;
        let head = head.expect(StatusCode::OK);
        assert_eq!(head.header("content-length"), "3");
        let tag = head.header("etag");
        let known = client.get(&url).header("if-none-match", tag).send().await;
        known.expect(StatusCode::NOT_MODIFIED);
        let changed = client
            .get(&url)
            .header("if-match", "\"other\"")
            .send()
            .await;
        let problem = changed.problem(StatusCode::PRECONDITION_FAILED);
        assert_eq!(problem.kind, "precondition-failed");
    }
}

#[tokio::test]
async fn inline_content_is_not_redirected() {
    let tenant = tenant(true).await;
    let [content, public, view] = urls(&tenant.client, "a.txt", b"text").await;
    for url in [
        format!("{content}?disposition=inline"),
        format!("{public}?disposition=inline"),
        view,
    ] {
        let response = tenant.client.get(&url).send().await;
        let response = response.expect(StatusCode::OK);
        assert_eq!(response.body, "text");
        assert!(
            response
                .header("content-security-policy")
                .contains("sandbox")
        );
    }
}

#[tokio::test]
async fn redirect_hides_types_of_scripts() {
    let tenant = tenant(true).await;
    let [content, public, link] = urls(&tenant.client, "a.js", b"alert(1)").await;
    for (url, content_type) in [
        (content, "type=text%2Fjavascript"),
        (public, "type=application%2Foctet%2Dstream"),
        (link, "type=application%2Foctet%2Dstream"),
    ] {
        let response = tenant.client.get(&url).send().await;
        let response = response.expect(StatusCode::TEMPORARY_REDIRECT);
        let location = response.header("location");
        assert!(location.contains(content_type), "{location}");
    }
}

#[tokio::test]
async fn store_without_presigning_is_streamed() {
    let tenant = tenant(false).await;
    for url in urls(&tenant.client, "a.csv", b"a,b").await {
        let response = tenant.client.get(&url).send().await;
        assert_eq!(response.expect(StatusCode::OK).body, "a,b");
    }
}

#[tokio::test]
async fn downloads_are_not_redirected_by_default() {
    let fixture = Fixture::with(FixtureOptions {
        presigns: true,
        ..FixtureOptions::default()
    })
    .await;
    let token = fixture.token("a", attache_model::Scopes::all()).await;
    let client = HttpClient::new(&fixture).with_token(token);
    let id = client.upload("a.csv", b"a,b").await;
    let response = client.get(&format!("/v1/files/{id}/content")).send().await;
    assert_eq!(response.expect(StatusCode::OK).body, "a,b");
}
