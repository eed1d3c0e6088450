//! Downloads that the store answers: only where that was chosen, can be done and is safe.

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

/// The three URLs of a file's bytes: with a key, public, and by a link.
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
async fn a_download_is_sent_to_the_store_for_a_minute() {
    let tenant = tenant(true).await;
    let client = &tenant.client;
    // No type that may be shown in place: the link to view it is a download, too.
    for url in urls(client, "na%C3%AFve%20a.csv", b"a,b").await {
        for range in [None, Some("bytes=1-"), Some("bytes=99-")] {
            let call = client.get(&url);
            let call = match range {
                Some(range) => call.header("range", range),
                None => call,
            };
            let answer = call
                .header("origin", "https://app.example.org")
                .send()
                .await;
            let answer = answer.expect(StatusCode::TEMPORARY_REDIRECT);
            assert!(answer.body.is_empty());
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("etag"), "");
            assert_eq!(answer.header("referrer-policy"), "no-referrer");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            let location = answer.header("location");
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
async fn conditions_and_head_are_answered_at_once() {
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
async fn what_a_browser_shows_in_place_comes_through_the_service() {
    let tenant = tenant(true).await;
    let [content, public, view] = urls(&tenant.client, "a.txt", b"text").await;
    for url in [
        format!("{content}?disposition=inline"),
        format!("{public}?disposition=inline"),
        view,
    ] {
        let answer = tenant.client.get(&url).send().await;
        let answer = answer.expect(StatusCode::OK);
        assert_eq!(answer.body, "text");
        assert!(answer.header("content-security-policy").contains("sandbox"));
    }
}

#[tokio::test]
async fn scripts_are_not_named_so_by_the_store_either() {
    let tenant = tenant(true).await;
    let [content, public, link] = urls(&tenant.client, "a.js", b"alert(1)").await;
    for (url, content_type) in [
        (content, "type=text%2Fjavascript"),
        (public, "type=application%2Foctet%2Dstream"),
        (link, "type=application%2Foctet%2Dstream"),
    ] {
        let answer = tenant.client.get(&url).send().await;
        let answer = answer.expect(StatusCode::TEMPORARY_REDIRECT);
        let location = answer.header("location");
        assert!(location.contains(content_type), "{location}");
    }
}

#[tokio::test]
async fn a_store_that_signs_nothing_is_streamed_from() {
    let tenant = tenant(false).await;
    for url in urls(&tenant.client, "a.csv", b"a,b").await {
        let answer = tenant.client.get(&url).send().await;
        assert_eq!(answer.expect(StatusCode::OK).body, "a,b");
    }
}

#[tokio::test]
async fn nothing_is_redirected_by_default() {
    let fixture = Fixture::with(FixtureOptions {
        presigns: true,
        ..FixtureOptions::default()
    })
    .await;
    let token = fixture.token("a", attache_model::Scopes::all()).await;
    let client = HttpClient::new(&fixture).with_token(token);
    let id = client.upload("a.csv", b"a,b").await;
    let answer = client.get(&format!("/v1/files/{id}/content")).send().await;
    assert_eq!(answer.expect(StatusCode::OK).body, "a,b");
}
