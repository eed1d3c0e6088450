//! A client that takes all it can get, beside one that only wants to be served.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture};
use http::Request;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Options, RawConnection, Server};

/// Much longer than a request takes on a busy machine, and much shorter than the time limits that end
/// the connections and streams of the attacker.
const PATIENCE: Duration = Duration::from_secs(15);

/// Stores and reads a file on a new connection for each request.
async fn assert_served(server: &Server) {
    let client = server.client();
    let requests = timeout(PATIENCE, async {
        assert_eq!(client.get("/livez").await.status, 200);
        let id = client.store("normal.txt", b"normal").await["id"].clone();
        client.content(id.as_str().unwrap()).await
    });
    let content = requests.await.expect("the client waits for the attacker");
    assert_eq!(content.body, &b"normal"[..]);
}

/// Opens an HTTP/2 connection whose streams get no response bytes, and sends 32 requests.
async fn stall_streams(server: &Server, path: &str) -> Vec<ResponseFuture> {
    let stream = TcpStream::connect(server.authority()).await.unwrap();
    let builder = Builder::new().initial_window_size(0).clone();
    let handshake = builder.handshake::<_, Bytes>(stream).await;
    let (mut requests, connection) = handshake.unwrap();
    tokio::spawn(connection);
    let mut responses = Vec::new();
    for _ in 0..32 {
        let request = Request::get(format!("{}{path}", server.url()));
        requests = requests.ready().await.unwrap();
        let sent = requests.send_request(request.body(()).unwrap(), true);
        responses.push(sent.unwrap().0);
    }
    responses
}

#[tokio::test]
async fn stalled_streams_delay_no_other_client() {
    let server = Server::start(Options::new().argument("--max-connections=64")).await;
    let client = server.client();
    let file = client.store("public.txt", b"for all").await;
    let link = client.link(file["id"].as_str().unwrap(), &json!({})).await;
    let link = link.strip_prefix(server.url()).unwrap();
    let mut held = Vec::new();
    for path in ["/livez", "/openapi.json", link] {
        for _ in 0..16 {
            held.push(stall_streams(&server, path).await);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_served(&server).await;
    }
    drop(held);
}

#[tokio::test]
async fn idle_connections_make_room_for_others() {
    let server = Server::start(Options::new().argument("--max-connections=16")).await;
    let mut idle = Vec::new();
    for _ in 0..16 {
        let mut connection: RawConnection = server.connect().await;
        connection
            .send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            .await;
        assert_eq!(connection.response().await.status, 200);
        idle.push(connection);
    }
    assert_served(&server).await;
    drop(idle);
}
