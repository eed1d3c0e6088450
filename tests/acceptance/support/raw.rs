//! A bare socket, for requests that no proper client sends.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Response;

/// The time limit of a read or write, longer than any takes.
const TIMEOUT: Duration = Duration::from_secs(45);

/// A connection to the server.
#[derive(Debug)]
pub(crate) struct RawConnection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl RawConnection {
    /// `authority` is the server's `host:port`.
    pub(crate) async fn open(authority: &str) -> Self {
        Self {
            stream: TcpStream::connect(authority).await.unwrap(),
            received: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.unwrap();
    }

    /// Sends to a server that may have closed the connection already, because it refused the rest.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        timeout(TIMEOUT, self.stream.write_all(bytes.as_ref()))
            .await
            .expect("the server neither read nor closed")
    }

    /// Closes the sending side of the connection.
    pub(crate) async fn shutdown_write(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Reads one response by its `Content-Length`, or up to the end of the connection.
    pub(crate) async fn response(&mut self) -> Response {
        self.try_response()
            .await
            .expect("the connection ended without a response")
    }

    /// As [`response`](Self::response); `None` if the connection ended without one.
    pub(crate) async fn try_response(&mut self) -> Option<Response> {
        let head_end = loop {
            if let Some(at) = find(&self.received, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.receive().await {
                let received = String::from_utf8_lossy(&self.received);
                assert!(received.is_empty(), "half a response: {received}");
                return None;
            }
        };
        let head: Vec<u8> = self.received.drain(..head_end).collect();
        let (status, headers) = parse_head(&String::from_utf8(head).unwrap());
        let length: Option<usize> = headers
            .get("content-length")
            .map(|length| length.to_str().unwrap().parse().unwrap());
        // An interim response has no body.
        let wanted = if status < 200 {
            0
        } else {
            length.unwrap_or(usize::MAX)
        };
        while self.received.len() < wanted && self.receive().await {}
        let taken = wanted.min(self.received.len());
        let body: Vec<u8> = self.received.drain(..taken).collect();
        Some(Response {
            request: "a raw request".to_owned(),
            status,
            headers,
            body: body.into(),
        })
    }

    /// Waits until the server closes the connection; fails if it does not.
    pub(crate) async fn wait_for_close(&mut self) {
        let end = async { while self.receive().await {} };
        let end = timeout(TIMEOUT, end).await;
        end.expect("the server goes on responding and does not close");
    }

    /// Reads some more; returns `false` at the end of the connection.
    async fn receive(&mut self) -> bool {
        let read = timeout(TIMEOUT, self.stream.read_buf(&mut self.received)).await;
        let read = read.expect("the server neither responded nor closed");
        read.is_ok_and(|count| count > 0)
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}

fn parse_head(head: &str) -> (u16, HeaderMap) {
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap();
    let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        let name = HeaderName::try_from(name).unwrap();
        headers.append(name, HeaderValue::try_from(value.trim()).unwrap());
    }
    (status, headers)
}
