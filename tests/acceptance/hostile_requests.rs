//! Hostile requests: refused at their limits, and the next request is served.

use crate::support::{Form, Options, Response, Server};

/// Sends raw bytes; returns the response, or `None` if the server just closed the connection.
async fn exchange(server: &Server, bytes: &[u8]) -> Option<Response> {
    let mut connection = server.connect().await;
    // The server may refuse before it has read everything.
    let _ = connection.try_send(bytes).await;
    connection.try_response().await
}

fn request(server: &Server, line: &str, headers: &str) -> String {
    let (authority, key) = (server.authority(), server.key());
    format!("{line} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {key}\r\n{headers}\r\n")
}

async fn assert_works(server: &Server, after: &str) {
    server.anonymous().get("/livez").await.expect(200);
    let stored = server
        .client()
        .upload_raw("normal.txt", "", b"normal")
        .await;
    assert_eq!(stored.status, 201, "after {after}: {stored:?}");
}

#[tokio::test]
async fn malformed_request_heads_are_refused() {
    let server = Server::start(Options::new()).await;
    let list = "GET /v1/files";
    let many = "X-Many: x\r\n".repeat(100);
    let huge = format!("X-Huge: {}\r\n", "x".repeat(500_000));
    let long_target = format!("GET /v1/files?person={}", "x".repeat(100_000));
    let cases = [
        ("two hosts", request(&server, list, "Host: elsewhere\r\n")),
        (
            "no host",
            format!(
                "{list} HTTP/1.1\r\nAuthorization: Bearer {}\r\n\r\n",
                server.key()
            ),
        ),
        ("a header of 500 kB", request(&server, list, &huge)),
        ("100 headers", request(&server, list, &many)),
        ("a target of 100 kB", request(&server, &long_target, "")),
        ("a space in a name", request(&server, list, "X Y: z\r\n")),
        (
            "a folded header",
            request(&server, list, "X-A: b\r\n c\r\n"),
        ),
        (
            "no HTTP at all",
            "\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n".to_owned(),
        ),
        (
            "an unknown version",
            "GET /livez HTTP/9.9\r\n\r\n".to_owned(),
        ),
        ("NUL in a header", request(&server, list, "X-A: a\0b\r\n")),
        (
            "NUL in the target",
            request(&server, "GET /v1/files/\0", ""),
        ),
        (
            "two lengths",
            request(
                &server,
                "POST /v1/files?filename=a",
                "Content-Length: 1\r\nContent-Length: 2\r\n",
            ),
        ),
        (
            "a negative length",
            request(
                &server,
                "POST /v1/files?filename=a",
                "Content-Length: -1\r\n",
            ),
        ),
        (
            "two keys",
            request(&server, list, "Authorization: Bearer other\r\n"),
        ),
    ];
    let mut not_refused = Vec::new();
    for (what, bytes) in cases {
        let response = exchange(&server, bytes.as_bytes()).await;
        // A 4xx, or a closed connection.
        if let Some(response) = response.filter(|response| !(400..500).contains(&response.status)) {
            not_refused.push(format!("{what}: {}", response.status));
        }
        assert_works(&server, what).await;
    }
    assert!(not_refused.is_empty(), "not refused: {not_refused:#?}");
}

#[tokio::test]
async fn header_count_is_limited_to_64() {
    let server = Server::start(Options::new()).await;
    for (more, status) in [(62, 200), (63, 431)] {
        let headers = "X-Many: x\r\n".repeat(more);
        let bytes = request(&server, "GET /v1/files", &headers);
        let response = exchange(&server, bytes.as_bytes()).await.unwrap();
        assert_eq!(response.status, status, "{response:?}");
    }
}

#[tokio::test]
async fn request_smuggling_by_two_lengths_fails() {
    let server = Server::start(Options::new()).await;
    let smuggled = request(&server, "DELETE /v1/files/x", "");
    let body = format!("0\r\n\r\n{smuggled}");
    let headers = format!(
        "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n",
        body.len()
    );
    let head = request(&server, "POST /v1/files?filename=a.txt", &headers);
    let mut connection = server.connect().await;
    connection.send(format!("{head}{body}")).await;
    let first = connection.try_response().await;
    if let Some(first) = first.filter(|response| response.status < 400) {
        // The chunks counted. Then the rest of the declared length must not become a request.
        assert_eq!(first.status, 201, "{first:?}");
        let second = connection.try_response().await;
        assert!(
            second.is_none(),
            "response to the smuggled request: {second:?}"
        );
    }
    assert_works(&server, "two lengths").await;
}

/// A body that is chunked twice, or coded in a way that the server does not undo.
#[tokio::test]
async fn ambiguous_transfer_coding_is_refused() {
    let server = Server::start(Options::new()).await;
    let send = async |lines: &[&str]| {
        let lines = lines
            .iter()
            .map(|line| format!("Transfer-Encoding: {line}\r\n"));
        let headers = lines.collect::<Vec<_>>().concat();
        let head = request(&server, "POST /v1/files?filename=a.txt", &headers);
        let next = request(&server, "GET /livez", "");
        let mut connection = server.connect().await;
        let sent = format!("{head}5\r\nhello\r\n0\r\n\r\n{next}");
        connection.send(sent).await;
        let first = connection.try_response().await.expect("a response");
        (first, connection.try_response().await)
    };
    for line in ["chunked", "Chunked", "CHUNKED"] {
        let (first, second) = send(&[line]).await;
        assert_eq!(first.status, 201, "{line}: {first:?}");
        assert_eq!(second.map(|second| second.status), Some(200), "{line}");
    }
    for lines in [
        &["chunked", "chunked"][..],
        &["chunked, chunked"],
        &["gzip, chunked"],
        &["identity", "chunked"],
        &["chunked", "identity"],
        &["identity"],
        &[",chunked"],
        &["chunked;a=b"],
    ] {
        let (first, second) = send(lines).await;
        assert_eq!(first.status, 400, "{lines:?}: {first:?}");
        assert!(second.is_none(), "{lines:?}: {second:?}");
    }
    let stored = server.client().list("").await;
    assert_eq!(stored.len(), 3, "{stored:?}");
    assert_works(&server, "transfer codings").await;
}

#[tokio::test]
async fn path_traversal_finds_nothing() {
    let server = Server::start(Options::new()).await;
    for target in [
        "/v1/files/..",
        "/v1/files/../..",
        "/v1/files/../../../../etc/passwd",
        "/v1/files/%2e%2e/%2e%2e/etc/passwd",
        "/v1/files/..%2f..%2f..%2fetc%2fpasswd",
        "/v1/files/%2e%2e%5c%2e%2e",
        "/v1/files/%00",
        "/v1/public/../../attache.db",
        "/v1/public/%2e%2e/attache.db",
        "/v1/public/0190163d-8694-739b-aea5-966c26f8ad91/..%2f..%2fattache.db",
        "/v1/links/%2e%2e/signing-keys",
        "//v1/files",
        "/v1//files",
        "/v1/files/%",
        "/v1/files/%zz",
        "/v1/files/%ff%fe",
    ] {
        let bytes = request(&server, &format!("GET {target}"), "");
        let response = exchange(&server, bytes.as_bytes()).await.unwrap();
        assert!(
            (400..=404).contains(&response.status),
            "{target}: {response:?}"
        );
        assert!(!response.text().contains("root:"), "{target}");
    }
    assert_works(&server, "path traversal").await;
}

#[tokio::test]
async fn endless_part_head_is_refused_at_its_limit() {
    let server = Server::start(Options::new()).await;
    let kind = Form::content_type();
    let boundary = kind.split_once('=').unwrap().1;
    let headers = format!("Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n");
    for start in [
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\""),
        format!("--{boundary}\r\nX-Endless: "),
        // An endless preamble.
        "preamble ".to_owned(),
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"person\"\r\n\r\n"),
    ] {
        let mut connection = server.connect().await;
        connection
            .send(request(&server, "POST /v1/files", &headers))
            .await;
        let first = format!("{:x}\r\n{start}\r\n", start.len());
        connection.send(first).await;
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        for _ in 0..64 {
            if connection.try_send(&chunk).await.is_err() {
                break;
            }
        }
        // The body has no end, so a response means that a limit was reached.
        if let Some(response) = connection.try_response().await {
            assert!(
                matches!(response.status, 400 | 413 | 422),
                "{start}: {response:?}"
            );
        }
        assert_works(&server, &start).await;
    }
}

#[tokio::test]
async fn hostile_multipart_stores_nothing() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let file = |form: Form| form.file("file", "hostile.txt", "text/plain", b"x");
    let many_parts = (0..65).fold(Form::new(), |form, at| form.field(&format!("f{at}"), "x"));
    let many_files = (0..21).fold(Form::new(), |form, _| file(form));
    let many_headers = "X-Many: x\r\n".repeat(200);
    let disposition = "Content-Disposition: form-data; name=\"file\"; filename";
    let cases = [
        ("65 parts", file(many_parts)),
        ("21 files", many_files),
        (
            "200 headers in a part",
            Form::new().part(&format!("{many_headers}{disposition}=\"a\""), b"x"),
        ),
        (
            "NUL in a filename",
            Form::new().part(&format!("{disposition}=\"a\0b\""), b"x"),
        ),
        (
            "an empty filename",
            Form::new().part(&format!("{disposition}=\"\""), b"x"),
        ),
        (
            "two dots as a filename",
            Form::new().part(&format!("{disposition}=\"..\""), b"x"),
        ),
        (
            "a broken filename*",
            Form::new().part(&format!("{disposition}*=UTF-8''%ff"), b"x"),
        ),
        (
            "an unknown transfer encoding",
            Form::new().part(
                &format!("{disposition}=\"a\"\r\nContent-Transfer-Encoding: base64"),
                b"eA==",
            ),
        ),
    ];
    for (what, form) in cases {
        let response = client.upload_form(form).await;
        assert!(
            (400..500).contains(&response.status),
            "{what}: {response:?}"
        );
        assert!(
            client.list("state=any&name=hostile").await.is_empty(),
            "{what}"
        );
        assert_works(&server, what).await;
    }
}
