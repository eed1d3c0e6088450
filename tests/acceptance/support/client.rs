//! A small HTTP/1.1 client with helpers for the calls that most stories begin with.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Form, Response, encode_segment};

/// The time limit of a request and its response, longer than any takes.
const TIMEOUT: Duration = Duration::from_mins(3);

/// More pages than any list of the tests has.
const MAX_PAGES: usize = 1000;

type Body = BoxBody<Bytes, std::io::Error>;

/// A client of one server, with a key or without.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: legacy::Client<HttpConnector, Body>,
    base: String,
    key: Option<String>,
}

impl Client {
    /// `base` is the server's URL without a slash at its end. Each request has a connection of its own:
    /// the server may close an idle one at any time, and a request sent just then is lost.
    pub(crate) fn new(base: &str, key: Option<&str>) -> Self {
        Self::with_idle_connections(base, key, 0)
    }

    /// As [`new`](Self::new), but each request reuses the connection of the last.
    pub(crate) fn with_keep_alive(base: &str, key: Option<&str>) -> Self {
        Self::with_idle_connections(base, key, 1)
    }

    fn with_idle_connections(base: &str, key: Option<&str>, max_idle: usize) -> Self {
        let mut http = legacy::Client::builder(TokioExecutor::new());
        Self {
            http: http.pool_max_idle_per_host(max_idle).build_http(),
            base: base.to_owned(),
            key: key.map(str::to_owned),
        }
    }

    /// The server's URL, without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..self.clone()
        }
    }

    pub(crate) fn without_key(&self) -> Self {
        Self {
            key: None,
            ..self.clone()
        }
    }

    /// `target` is a path with its query, or a whole URL.
    pub(crate) fn request(&self, method: &str, target: &str) -> Request {
        let url = if target.starts_with("http://") {
            target.to_owned()
        } else {
            format!("{}{target}", self.base)
        };
        let mut request = Request {
            client: self.clone(),
            method: method.to_owned(),
            url,
            headers: Vec::new(),
            body: empty(),
        };
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION.as_str(), &format!("Bearer {key}"));
        }
        request
    }

    pub(crate) async fn get(&self, target: &str) -> Response {
        self.request("GET", target).send().await
    }

    pub(crate) async fn head(&self, target: &str) -> Response {
        self.request("HEAD", target).send().await
    }

    pub(crate) async fn delete(&self, target: &str) -> Response {
        self.request("DELETE", target).send().await
    }

    pub(crate) async fn post(&self, target: &str) -> Response {
        self.request("POST", target).send().await
    }

    pub(crate) async fn post_json(&self, target: &str, body: &Value) -> Response {
        self.request("POST", target).json(body).send().await
    }

    pub(crate) async fn patch(&self, id: &str, body: &Value) -> Response {
        let request = self.request("PATCH", &format!("/v1/files/{id}"));
        request.json(body).send().await
    }

    pub(crate) async fn upload_form(&self, form: Form) -> Response {
        self.request("POST", "/v1/files").form(form).send().await
    }

    /// Uploads a raw body; `query` is what follows the filename, such as `&category=images`.
    pub(crate) async fn upload_raw(&self, filename: &str, query: &str, bytes: &[u8]) -> Response {
        let target = format!("/v1/files?filename={}{query}", encode_segment(filename));
        let request = self.request("POST", &target);
        request
            .body("application/octet-stream", bytes.to_vec())
            .send()
            .await
    }

    /// Uploads as JSON; `fields` go beside the filename and the content.
    pub(crate) async fn upload_json(
        &self,
        filename: &str,
        bytes: &[u8],
        fields: Value,
    ) -> Response {
        let mut body = json!({"filename": filename, "content": STANDARD.encode(bytes)});
        if let (Some(body), Value::Object(fields)) = (body.as_object_mut(), fields) {
            body.extend(fields);
        }
        self.post_json("/v1/files", &body).await
    }

    /// Uploads a file that has to be accepted; returns its record.
    pub(crate) async fn store(&self, filename: &str, bytes: &[u8]) -> Value {
        self.upload_raw(filename, "", bytes)
            .await
            .expect(201)
            .only_file()
    }

    /// As [`store`](Self::store), with fields.
    pub(crate) async fn store_with(&self, filename: &str, bytes: &[u8], fields: Value) -> Value {
        let response = self.upload_json(filename, bytes, fields).await;
        response.expect(201).only_file()
    }

    pub(crate) async fn record(&self, id: &str) -> Response {
        self.get(&format!("/v1/files/{id}")).await
    }

    pub(crate) async fn content(&self, id: &str) -> Response {
        self.get(&format!("/v1/files/{id}/content")).await
    }

    pub(crate) async fn claim(&self, id: &str, holder: &str) -> Response {
        let target = format!("/v1/files/{id}/claim");
        self.post_json(&target, &json!({"holder": holder})).await
    }

    pub(crate) async fn release(&self, id: &str, holder: &str) -> Response {
        let holder = encode_segment(holder);
        self.delete(&format!("/v1/files/{id}/claim?holder={holder}"))
            .await
    }

    /// Creates a link and returns its URL.
    pub(crate) async fn link(&self, id: &str, body: &Value) -> String {
        let response = self.post_json(&format!("/v1/files/{id}/links"), body).await;
        let link = response.expect(201).json();
        link["url"].as_str().unwrap().to_owned()
    }

    /// The first page of a list; `query` without its `?`.
    pub(crate) async fn list(&self, query: &str) -> Vec<Value> {
        self.get(&format!("/v1/files?{query}"))
            .await
            .expect(200)
            .files()
    }

    /// All pages of a list; `query` without its `?`.
    pub(crate) async fn list_all(&self, query: &str) -> Vec<Value> {
        let first = format!("/v1/files?{query}");
        let mut target = first.clone();
        let mut files = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = self.get(&target).await.expect(200);
            files.extend(page.files());
            match page.json()["next_cursor"].as_str() {
                Some(cursor) => target = format!("{first}&cursor={cursor}"),
                None => return files,
            }
        }
        panic!("the pages of {first} never end");
    }

    /// The filenames of a list's first page.
    pub(crate) async fn list_names(&self, query: &str) -> Vec<String> {
        let files = self.list(query).await;
        let names = files.iter().map(|file| file["filename"].as_str().unwrap());
        names.map(str::to_owned).collect()
    }
}

/// A request under construction.
#[derive(Debug)]
pub(crate) struct Request {
    client: Client,
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Body,
}

impl Request {
    /// Sets a header; replaces an earlier one of that name.
    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub(crate) fn body(self, content_type: &str, bytes: impl Into<Bytes>) -> Self {
        let mut request = self.header(CONTENT_TYPE.as_str(), content_type);
        request.body = Full::new(bytes.into())
            .map_err(|never| match never {})
            .boxed();
        request
    }

    #[must_use]
    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    #[must_use]
    pub(crate) fn form(self, form: Form) -> Self {
        self.body(&Form::content_type(), form.finish())
    }

    /// Sets a streamed body of unknown length.
    #[must_use]
    pub(crate) fn streamed(mut self, content_type: &str, body: Body) -> Self {
        self = self.header(CONTENT_TYPE.as_str(), content_type);
        self.body = body;
        self
    }

    /// Sends the request and reads the whole response.
    pub(crate) async fn send(self) -> Response {
        let context = format!("{} {}", self.method, self.url);
        self.try_send()
            .await
            .unwrap_or_else(|error| panic!("{context}: {error:?}"))
    }

    /// As [`send`](Self::send), for a server that may exit before it responds.
    pub(crate) async fn try_send(
        self,
    ) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
        let request = format!("{} {}", self.method, self.url);
        let mut message = http::Request::builder()
            .method(self.method.as_str())
            .uri(&self.url)
            .body(self.body)?;
        for (name, value) in self.headers {
            let value = HeaderValue::try_from(value)?;
            message
                .headers_mut()
                .append(HeaderName::try_from(name)?, value);
        }
        let exchange = async {
            let (head, body) = self.client.http.request(message).await?.into_parts();
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((head, body.collect().await?))
        };
        let (head, body) = timeout(TIMEOUT, exchange)
            .await
            .unwrap_or_else(|_| panic!("{request}: no complete response after {TIMEOUT:?}"))?;
        let body = body.to_bytes();
        Ok(Response {
            request,
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }
}

fn empty() -> Body {
    Full::new(Bytes::new())
        .map_err(|never| match never {})
        .boxed()
}
