//! Incomplete bodies: refused, and nothing of them is stored.

use crate::support::{Form, Options, RawConnection, Server, assert_nothing_left, noise};

async fn send_head(server: &Server, target: &str, headers: &str) -> RawConnection {
    let mut connection = server.connect().await;
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n{headers}\r\n",
        server.authority(),
        server.key(),
    );
    connection.send(head).await;
    connection
}

/// Ends the request early; the server refuses it, or has closed the connection.
async fn assert_refused(mut connection: RawConnection) {
    connection.shutdown_write().await;
    if let Some(response) = connection.try_response().await {
        assert_eq!(response.status, 400, "{response:?}");
        response.problem(400, "body-cut-off");
    }
}

#[tokio::test]
async fn body_shorter_than_declared_stores_nothing() {
    let server = Server::start(Options::new()).await;
    let headers = "Content-Type: application/octet-stream\r\nContent-Length: 5000000\r\n";
    let mut connection = send_head(&server, "/v1/files?filename=a.bin", headers).await;
    connection.send(noise(1, 2_000_000)).await;
    assert_refused(connection).await;
    assert_nothing_left(&server).await;

    let file = Form::new().file(
        "file",
        "a.bin",
        "application/octet-stream",
        &noise(2, 1_000_000),
    );
    let headers = format!(
        "Content-Type: {}\r\nContent-Length: 5000000\r\n",
        Form::content_type()
    );
    let mut connection = send_head(&server, "/v1/files", &headers).await;
    connection.send(file.finish()).await;
    assert_refused(connection).await;
    assert_nothing_left(&server).await;

    let headers = "Content-Type: application/json\r\nContent-Length: 1000\r\n";
    let mut connection = send_head(&server, "/v1/files", headers).await;
    connection
        .send("{\"filename\":\"a.txt\",\"content\":\"YQ==\"}")
        .await;
    assert_refused(connection).await;
    assert_nothing_left(&server).await;
}

#[tokio::test]
async fn unterminated_chunked_body_stores_nothing() {
    let server = Server::start(Options::new()).await;
    let headers = "Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n";
    let target = "/v1/files?filename=a.bin";
    for broken in [
        "5\r\nhello\r\n",
        "5\r\nhel",
        "5\r\nhello\r\nzz\r\n",
        "5\r\nhello!!\r\n0\r\n\r\n",
    ] {
        let mut connection = send_head(&server, target, headers).await;
        connection.send(broken).await;
        assert_refused(connection).await;
        assert_nothing_left(&server).await;
    }
    let mut connection = send_head(&server, target, headers).await;
    connection.send("5\r\nhello\r\n0\r\n\r\n").await;
    assert_eq!(
        connection.response().await.expect(201).only_file()["size_bytes"],
        5
    );
}

#[tokio::test]
async fn disconnected_client_stores_nothing() {
    let server = Server::start(Options::new()).await;
    let headers = "Content-Type: application/octet-stream\r\nContent-Length: 5000000\r\n";
    for _ in 0..5 {
        let mut connection = send_head(&server, "/v1/files?filename=a.bin", headers).await;
        connection.send(noise(1, 1_000_000)).await;
        drop(connection);
    }
    assert_nothing_left(&server).await;
    server.client().store("b.bin", b"b").await;
}
