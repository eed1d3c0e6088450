//! A keep-alive HTTP/1.1 connection that presents one API key.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A connection whose requests all send a body of type `B`.
pub(crate) struct Connection<B> {
    requests: SendRequest<B>,
    authority: String,
    key: String,
}

impl<B> Connection<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Connects to `host:port`.
    pub(crate) async fn open(authority: &str, key: &str) -> Result<Self> {
        let stream = TcpStream::connect(authority).await;
        let stream = stream.with_context(|| format!("cannot connect to {authority}"))?;
        stream.set_nodelay(true)?;
        let (requests, connection) = handshake(TokioIo::new(stream)).await?;
        // An error of the connection reaches the request that waits for its response.
        tokio::spawn(connection);
        Ok(Self {
            requests,
            authority: authority.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Sends a request and returns the response, whose body is still to be read.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        target: &str,
        body: B,
    ) -> Result<Response<Incoming>> {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(body)?;
        self.requests.ready().await?;
        Ok(self.requests.send_request(request).await?)
    }

    /// Uploads a file as a raw body and returns its id.
    pub(crate) async fn upload(&mut self, filename: &str, body: B) -> Result<String> {
        let target = format!("/v1/files?filename={filename}");
        let response = self.send(Method::POST, &target, body).await?;
        let status = response.status();
        let text = response.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&text);
        ensure!(
            status == StatusCode::CREATED,
            "the upload returned {status}: {text}"
        );
        file_id(&text)
    }
}

fn file_id(body: &str) -> Result<String> {
    let document: serde_json::Value =
        serde_json::from_str(body).context("the response is not JSON")?;
    let id = document["files"][0]["id"].as_str();
    id.map(str::to_owned)
        .with_context(|| format!("the response names no file: {body}"))
}

#[cfg(test)]
mod tests {
    use super::file_id;

    #[test]
    fn file_id_is_that_of_the_first_file() {
        assert_eq!(
            file_id(r#"{"files":[{"id":"a-1","size_bytes":3}]}"#).expect("an id"),
            "a-1"
        );
        assert!(file_id(r#"{"files":[]}"#).is_err());
        assert!(file_id("<html>").is_err());
    }
}
