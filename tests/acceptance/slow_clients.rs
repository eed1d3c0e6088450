//! Clients that never finish a request are disconnected.

use std::time::{Duration, Instant};

use crate::support::{Options, Server};

#[tokio::test]
async fn trickling_request_head_is_cut_off() {
    let server = Server::start(Options::new()).await;
    let mut connection = server.connect().await;
    connection
        .send("GET /v1/files HTTP/1.1\r\nHost: x\r\n")
        .await;
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(40) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        if connection.try_send("X-Slow: y\r\n").await.is_err() {
            break;
        }
    }
    assert!(started.elapsed() < Duration::from_secs(40), "still open");
    server.client().store("a.txt", b"a").await;
}

#[tokio::test]
async fn silent_connection_is_closed() {
    let server = Server::start(Options::new()).await;
    let mut connection = server.connect().await;
    connection.wait_for_close().await;
    server.client().store("a.txt", b"a").await;
}
