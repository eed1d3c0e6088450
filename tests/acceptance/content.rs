//! Content: ranges, preconditions, and markup that is never rendered.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Client, HTML, Options, PDF, PNG, Response, SVG, Server, id_of, sha256_hex};

const BYTES: &[u8] = b"0123456789abcdefghij";

async fn get_content(client: &Client, id: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = client.request("GET", &format!("/v1/files/{id}/content"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send().await
}

#[tokio::test]
async fn whole_file_has_cache_and_security_headers() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.pdf", PDF).await);
    let response = client.content(&id).await.expect(200);
    assert_eq!(response.body, PDF);
    let digest = STANDARD.encode(Sha256::digest(PDF));
    let expected = [
        ("content-type", "application/pdf".to_owned()),
        ("content-length", PDF.len().to_string()),
        ("etag", format!("\"{}\"", sha256_hex(PDF))),
        ("accept-ranges", "bytes".to_owned()),
        ("repr-digest", format!("sha-256=:{digest}:")),
        ("x-content-type-options", "nosniff".to_owned()),
        ("cache-control", "private, no-store".to_owned()),
    ];
    for (name, value) in expected {
        assert_eq!(response.header(name), value, "{name}");
    }
    assert!(
        response
            .header("content-disposition")
            .starts_with("attachment"),
        "{response:?}"
    );
    assert!(
        response
            .header("content-security-policy")
            .contains("sandbox"),
        "{response:?}"
    );
}

#[tokio::test]
async fn head_returns_the_headers_of_get() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.pdf", PDF).await);
    let target = format!("/v1/files/{id}/content");
    let get = client.get(&target).await.expect(200);
    let head = client.head(&target).await.expect(200);
    assert!(head.body.is_empty());
    for name in get
        .headers
        .keys()
        .filter(|name| !matches!(name.as_str(), "date" | "x-request-id"))
    {
        assert_eq!(head.headers.get(name), get.headers.get(name), "{name}");
    }
    let tag = get.header("etag");
    let fresh = client
        .request("HEAD", &target)
        .header("if-none-match", tag)
        .send()
        .await;
    fresh.expect(304);
}

#[tokio::test]
async fn range_is_served_clamped_or_refused() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.txt", BYTES).await);
    let partial: [(&str, std::ops::Range<usize>); 8] = [
        ("bytes=0-0", 0..1),
        ("bytes=0-4", 0..5),
        ("bytes=5-", 5..20),
        ("bytes=19-", 19..20),
        ("bytes=-1", 19..20),
        ("bytes=-500", 0..20),
        ("bytes=10-500", 10..20),
        ("bytes=0-18446744073709551615", 0..20),
    ];
    for (range, expected) in partial {
        let response = get_content(&client, &id, &[("range", range)])
            .await
            .expect(206);
        let shown = format!("bytes {}-{}/20", expected.start, expected.end - 1);
        assert_eq!(response.header("content-range"), shown, "{range}");
        assert_eq!(
            response.header("content-length"),
            expected.len().to_string(),
            "{range}"
        );
        assert_eq!(response.body, BYTES[expected], "{range}");
    }
    for range in ["bytes=20-", "bytes=20-30", "bytes=-0", "bytes=99999999999-"] {
        let response = get_content(&client, &id, &[("range", range)]).await;
        assert_eq!(response.header("content-range"), "bytes */20", "{range}");
        response.problem(416, "range-not-satisfiable");
    }
    // Invalid ranges and other units are ignored (RFC 9110, section 14.2).
    for range in [
        "lines=0-1",
        "bytes=5-2",
        "bytes=",
        "bytes=a-b",
        "bytes 0-1",
        "0-1",
    ] {
        let response = get_content(&client, &id, &[("range", range)])
            .await
            .expect(200);
        assert_eq!(response.body, BYTES, "{range}");
        assert!(response.find_header("content-range").is_none(), "{range}");
    }
}

#[tokio::test]
async fn multiple_ranges_get_whole_file_or_multipart() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.txt", BYTES).await);
    let response = get_content(&client, &id, &[("range", "bytes=0-1,5-6")]).await;
    match response.status {
        200 => assert_eq!(response.body, BYTES),
        206 => assert!(
            response
                .header("content-type")
                .starts_with("multipart/byteranges")
        ),
        _ => panic!("{response:?}"),
    }
}

#[tokio::test]
async fn if_range_with_other_tag_returns_whole_file() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.txt", BYTES).await);
    let tag = client
        .content(&id)
        .await
        .expect(200)
        .header("etag")
        .to_owned();
    let range = ("range", "bytes=2-3");
    let same = get_content(&client, &id, &[range, ("if-range", &tag)])
        .await
        .expect(206);
    assert_eq!(same.body, BYTES[2..4]);
    let weak = format!("W/{tag}");
    for other in [
        "\"another\"",
        &weak,
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "nonsense",
    ] {
        let response = get_content(&client, &id, &[range, ("if-range", other)])
            .await
            .expect(200);
        assert_eq!(response.body, BYTES, "{other}");
    }
    let beyond = [("range", "bytes=99-"), ("if-range", "\"another\"")];
    get_content(&client, &id, &beyond).await.expect(200);
}

#[tokio::test]
async fn preconditions_return_304_or_412() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("a.txt", BYTES).await);
    let tag = client
        .content(&id)
        .await
        .expect(200)
        .header("etag")
        .to_owned();
    let weak = format!("W/{tag}");
    let list = format!("\"x\", {tag}");
    for unchanged in [tag.as_str(), &weak, &list, "*"] {
        let response = get_content(&client, &id, &[("if-none-match", unchanged)])
            .await
            .expect(304);
        assert!(response.body.is_empty(), "{unchanged}");
        assert_eq!(response.header("etag"), tag, "{unchanged}");
    }
    get_content(&client, &id, &[("if-none-match", "\"x\"")])
        .await
        .expect(200);
    let both = [("if-none-match", tag.as_str()), ("range", "bytes=0-1")];
    get_content(&client, &id, &both).await.expect(304);

    get_content(&client, &id, &[("if-match", &tag)])
        .await
        .expect(200);
    get_content(&client, &id, &[("if-match", "*")])
        .await
        .expect(200);
    get_content(&client, &id, &[("if-match", "\"x\"")])
        .await
        .problem(412, "precondition-failed");
}

#[tokio::test]
async fn empty_file_has_no_range() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let id = id_of(&client.store("empty.txt", b"").await);
    let whole = client.content(&id).await.expect(200);
    assert_eq!((whole.header("content-length"), whole.body.len()), ("0", 0));
    for range in ["bytes=0-", "bytes=0-0"] {
        let response = get_content(&client, &id, &[("range", range)]).await;
        assert_eq!(response.header("content-range"), "bytes */0", "{range}");
        response.problem(416, "range-not-satisfiable");
    }
    let tag = whole.header("etag").to_owned();
    get_content(&client, &id, &[("if-none-match", &tag)])
        .await
        .expect(304);
}

/// Every URL that serves the bytes of a file.
async fn content_urls(client: &Client, record: &Value) -> Vec<String> {
    let id = id_of(record);
    let content = format!("/v1/files/{id}/content");
    let name = record["filename"].as_str().unwrap();
    vec![
        content.clone(),
        format!("{content}?disposition=inline"),
        format!("{content}?disposition=attachment"),
        format!("/v1/public/{id}/{name}"),
        format!("/v1/public/{id}/{name}?disposition=inline"),
        client.link(&id, &json!({"action": "view"})).await,
        client.link(&id, &json!({"action": "download"})).await,
    ]
}

#[tokio::test]
async fn markup_is_always_an_attachment() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let cases: [(&str, &str, &[u8]); 7] = [
        ("page.html", "text/html", HTML),
        ("page.png", "image/png", HTML),
        ("page.pdf", "application/pdf", HTML),
        ("drawing.svg", "image/svg+xml", SVG),
        (
            "page.xhtml",
            "application/xhtml+xml",
            b"<html xmlns='http://www.w3.org/1999/xhtml'/>",
        ),
        (
            "feed.xml",
            "text/xml",
            b"<?xml version='1.0'?><?xml-stylesheet href='x'?><a/>",
        ),
        ("script.js", "text/javascript", b"alert(1)"),
    ];
    for (filename, content_type, bytes) in cases {
        let fields = json!({"visibility": "public", "content_type": content_type});
        let record = client.store_with(filename, bytes, fields).await;
        for url in content_urls(&client, &record).await {
            let response = client.get(&url).await.expect(200);
            assert_eq!(response.body, bytes, "{url}");
            let disposition = response.header("content-disposition");
            assert!(
                disposition.starts_with("attachment;"),
                "{filename} {url}: {disposition}"
            );
            assert_eq!(
                response.header("x-content-type-options"),
                "nosniff",
                "{url}"
            );
            assert!(
                response
                    .header("content-security-policy")
                    .contains("sandbox"),
                "{url}"
            );
        }
    }
}

#[tokio::test]
async fn safe_types_are_inline_on_request() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    for (filename, bytes) in [("a.pdf", PDF), ("a.png", PNG)] {
        let id = id_of(&client.store(filename, bytes).await);
        let inline = client
            .get(&format!("/v1/files/{id}/content?disposition=inline"))
            .await;
        let inline = inline.expect(200);
        assert!(
            inline.header("content-disposition").starts_with("inline"),
            "{inline:?}"
        );
        assert_eq!(inline.header("x-content-type-options"), "nosniff");
        assert!(
            inline.header("content-security-policy").contains("sandbox"),
            "{inline:?}"
        );
        let plain = client.content(&id).await.expect(200);
        assert!(
            plain
                .header("content-disposition")
                .starts_with("attachment"),
            "{plain:?}"
        );
    }
    let id = id_of(&client.store("b.pdf", PDF).await);
    let wrong = client
        .get(&format!("/v1/files/{id}/content?disposition=maybe"))
        .await;
    wrong.problem_mentioning(400, "invalid-parameter", "disposition");
    let unknown = client
        .get(&format!("/v1/files/{id}/content?download=1"))
        .await;
    unknown.problem_mentioning(400, "invalid-parameter", "download");
}
