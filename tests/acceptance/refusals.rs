//! Requests that are refused in a loop: few log lines, and no harm to those with a key.

use std::time::Duration;

use crate::support::{Options, Server, eventually};

/// Far more than get a line: a hundred, and ten in each second of a slow machine.
const REQUESTS: usize = 6_000;

/// Sends requests of one kind without an end on one connection, and reads what comes back.
async fn flood(server: &Server, request: &str) {
    let mut connection = server.connect().await;
    let batch = request.repeat(50);
    for _ in 0..REQUESTS / 50 {
        connection.send(&batch).await;
        for _ in 0..50 {
            let status = connection.response().await.status;
            assert!(matches!(status, 200 | 401 | 404 | 405), "{status}");
        }
    }
}

#[tokio::test]
async fn refused_requests_in_a_loop_leave_few_lines() {
    let options = Options::new().environment("ATTACHE_LOG_FORMAT", "json");
    let mut server = Server::start(options).await;
    let bad_key = format!("Authorization: Bearer {}x\r\n", server.key());
    for (head, fields) in [
        ("GET /v1/files", ""),
        ("GET /v1/files", bad_key.as_str()),
        ("GET /nowhere", ""),
        ("BREW /v1/files", ""),
        ("GET /livez", ""),
    ] {
        flood(
            &server,
            &format!("{head} HTTP/1.1\r\nHost: x\r\n{fields}\r\n"),
        )
        .await;
    }
    // The lines of a key are all there.
    let client = server.client();
    for _ in 0..30 {
        client.get("/v1/files").await.expect(200);
        client
            .get("/v1/files/0199d9a5-0000-7000-8000-000000000000")
            .await
            .expect(404);
    }
    let summary = async || server.log().contains("have no line of their own");
    eventually("summarised", Duration::from_secs(30), summary, |is| *is).await;
    server.terminate();
    server.wait_for_exit().await;
    let log = server.log();
    let lines = log.lines().count();
    assert!(lines < REQUESTS, "{lines} lines");
    let of_key = log.lines().filter(|line| line.contains("\"key_id\""));
    assert_eq!(of_key.count(), 60);
}
