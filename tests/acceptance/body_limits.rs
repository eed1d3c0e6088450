//! Bodies over a limit: refused as early as possible, and nothing of them is stored.

use serde_json::json;

use crate::support::{Client, Form, Options, Response, Server, noise};

#[tokio::test]
async fn refusal_that_closes_connection_announces_it() {
    // Otherwise the client's next request goes to a connection that is about to close (RFC 9110, section
    // 10.1.1: a final response before the whole body was read).
    let options = Options::new()
        .argument("--max-upload-bytes")
        .argument("100000");
    let server = Server::start(options).await;
    let headers = "Content-Type: text/csv\r\nContent-Length: 200000000\r\n";
    let refused = response_to_head(&server, "/v1/files?filename=a.csv", headers).await;
    let refused = refused.expect(413);
    assert_eq!(
        refused.find_header("connection"),
        Some("close"),
        "{refused:?}"
    );

    // A body that was read to its end leaves the connection usable.
    let mut connection = server.connect().await;
    for _ in 0..3 {
        let (authority, key) = (server.authority(), server.key());
        let upload = format!(
            "POST /v1/files?filename=a.csv HTTP/1.1\r\nHost: {authority}\r\n\
             Authorization: Bearer {key}\r\nContent-Length: 3\r\n\r\na,b"
        );
        connection.send(upload).await;
        connection.response().await.expect(201);
        let list = format!(
            "GET /v1/files?colour=blue HTTP/1.1\r\nHost: {authority}\r\n\
             Authorization: Bearer {key}\r\n\r\n"
        );
        connection.send(list).await;
        connection.response().await.expect(400);
    }
}

/// Sends only the head of a request and returns the response.
async fn response_to_head(server: &Server, target: &str, headers: &str) -> Response {
    let mut connection = server.connect().await;
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{headers}\r\n",
        server.authority(),
        server.key(),
    );
    connection.send(head).await;
    connection.response().await
}

#[tokio::test]
async fn excessive_declared_length_is_refused_early() {
    let options = Options::new()
        .argument("--max-upload-bytes")
        .argument("100000");
    let server = Server::start(options).await;
    let raw = "/v1/files?filename=a.bin";
    let form = Form::content_type();
    for (target, kind) in [
        (raw, "application/octet-stream"),
        (raw, "text/csv"),
        ("/v1/files", form.as_str()),
        ("/v1/files", "application/json"),
    ] {
        for expectation in ["Expect: 100-continue\r\n", ""] {
            let headers =
                format!("Content-Type: {kind}\r\nContent-Length: 200000000\r\n{expectation}");
            let response = response_to_head(&server, target, &headers).await;
            response.problem(413, "too-large");
        }
    }
    // A body within the limit gets 100 Continue.
    let fits = "Content-Type: text/csv\r\nContent-Length: 10\r\nExpect: 100-continue\r\n";
    assert_eq!(response_to_head(&server, raw, fits).await.status, 100);
    // A request that is refused for another reason does not.
    let mut connection = server.connect().await;
    let head = format!(
        "POST /v1/files?filename=a.bin HTTP/1.1\r\nHost: {}\r\nContent-Length: 10\r\n\
         Expect: 100-continue\r\n\r\n",
        server.authority()
    );
    connection.send(head).await;
    connection.response().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn excessive_actual_length_stores_nothing() {
    let options = Options::new()
        .argument("--max-upload-bytes")
        .argument("100000");
    let server = Server::start(options).await;
    let client = server.client();
    let response = client.upload_raw("a.bin", "", &noise(1, 100_001)).await;
    response.problem(413, "too-large");
    let form = Form::new().file(
        "file",
        "a.bin",
        "application/octet-stream",
        &noise(1, 100_001),
    );
    client.upload_form(form).await.problem(413, "too-large");
    client
        .upload_json("a.bin", &noise(1, 100_001), json!({}))
        .await
        .problem(413, "too-large");

    let mut connection = server.connect().await;
    let head = format!(
        "POST /v1/files?filename=a.bin HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        server.authority(),
        server.key(),
    );
    connection.send(head).await;
    // 1 MB of an endless body: the response comes before its end.
    for _ in 0..100 {
        let chunk = format!("2710\r\n{}\r\n", "x".repeat(10_000));
        if connection.try_send(chunk).await.is_err() {
            break;
        }
    }
    connection.response().await.problem(413, "too-large");

    let form = Form::new().file(
        "file",
        "a.bin",
        "application/octet-stream",
        &noise(1, 100_000),
    );
    client.upload_form(form).await.expect(201);
    let fits = client
        .upload_raw("a.bin", "", &noise(1, 100_000))
        .await
        .expect(201)
        .only_file();
    assert_eq!(fits["size_bytes"], 100_000);
    server.wait_for_objects(1).await;
}

#[tokio::test]
async fn excessive_files_parts_and_fields_are_refused() {
    let server = Server::start(Options::new()).await;
    let client = server.client();
    let files = |count: usize| {
        (0..count).fold(Form::new(), |form, number| {
            form.file("file", &format!("{number}.txt"), "text/plain", b"x")
        })
    };
    client
        .upload_form(files(21))
        .await
        .problem_mentioning(413, "too-many-files", "20");
    let parts = (0..64).fold(files(1), |form, _| form.field("person", "p"));
    let response = client.upload_form(parts).await;
    assert!(matches!(response.status, 413 | 422), "{response:?}");
    let long = Form::new().field("description", &"d".repeat(17 << 10));
    let long = long.file("file", "a.txt", "text/plain", b"x");
    let response = client.upload_form(long).await;
    assert!(matches!(response.status, 413 | 422), "{response:?}");
    assert_no_files(&client).await;
    assert_eq!(
        client
            .upload_form(files(20))
            .await
            .expect(201)
            .files()
            .len(),
        20
    );
}

async fn assert_no_files(client: &Client) {
    let listed = client.list("state=any").await;
    assert!(listed.is_empty(), "{listed:#?}");
}
