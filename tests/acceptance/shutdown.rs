//! SIGTERM drains requests: exit code 0, and an upload in flight is stored completely or refused.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Options, Server, eventually, noise, sha256_hex};

#[tokio::test]
async fn sigterm_exits_idle_server_with_0() {
    let mut server = Server::start(Options::new()).await;
    server.client().store("a.txt", b"a").await;
    server.terminate();
    let status = server.wait_for_exit().await;
    assert_eq!(status.code(), Some(0), "{}", server.log());
}

#[tokio::test]
async fn stopping_server_accepts_for_the_delay() {
    let options = Options::new().environment("ATTACHE_SHUTDOWN_DELAY", "5s");
    let mut server = Server::start(options).await;
    server.terminate();
    let anyone = server.anonymous();
    eventually(
        "the server is not ready",
        Duration::from_secs(4),
        async || anyone.get("/readyz").await.status,
        |status| *status == 503,
    )
    .await;
    // On a connection of its own.
    let mut connection = server.connect().await;
    let head = format!(
        "GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.authority()
    );
    connection.send(head).await;
    assert_eq!(connection.response().await.status, 200);
    let status = server.wait_for_exit().await;
    assert_eq!(status.code(), Some(0), "{}", server.log());
}

#[tokio::test]
async fn other_signals_do_not_end_the_server() {
    let mut server = Server::start(Options::new()).await;
    for signal in [Signal::USR1, Signal::USR2] {
        server.send_signal(signal);
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.anonymous().get("/livez").await.expect(200);
    }
    server.terminate();
    let status = server.wait_for_exit().await;
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert!(server.log().contains("SIGUSR1"), "{}", server.log());
}

#[tokio::test]
async fn sigterm_finishes_or_refuses_upload_in_flight() {
    let mut server = Server::start(Options::new()).await;
    // Enough that a store that writes whole parts has one.
    let bytes = noise(7, 24_000_000);
    let head = format!(
        "POST /v1/files?filename=late.bin HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
        server.authority(),
        server.key(),
        bytes.len()
    );
    let mut connection = server.connect().await;
    connection.send(head).await;
    connection.send(&bytes[..18_000_000]).await;
    eventually(
        "the upload begins",
        Duration::from_secs(20),
        async || server.is_storing(),
        |is_storing| *is_storing,
    )
    .await;

    server.terminate();
    // Time for the server to notice; either order is correct.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let sent = connection.try_send(&bytes[18_000_000..]).await;
    let response = connection.try_response().await;
    assert_eq!(
        server.wait_for_exit().await.code(),
        Some(0),
        "{}",
        server.log()
    );

    let acknowledged = response
        .as_ref()
        .is_some_and(|response| response.status == 201);
    println!("sent: {sent:?}, acknowledged: {acknowledged}");
    let server = server.start_again().await;
    let listed = server.client().list("").await;
    if acknowledged {
        assert_eq!(listed.len(), 1, "{listed:#?}");
        assert_eq!(listed[0]["sha256"], sha256_hex(&bytes));
    } else {
        assert!(listed.is_empty(), "{response:?} and yet {listed:#?}");
    }
}
