//! The HTTP API without a network: requests go into an [`HttpService`], and every response is held against
//! the service's own OpenAPI document.

use std::error::Error;

use attache_http::{
    Dialects, HttpConfig, HttpService, OperationName, OriginPattern, PublicUrl, ResponseBody,
};
use attache_model::FileId;
use bytes::Bytes;
use futures_util::stream;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::Value;
use tower::ServiceExt;

use crate::Fixture;
use crate::api_document::describe_api;

type BoxError = Box<dyn Error + Send + Sync>;
type ClientBody = UnsyncBoxBody<Bytes, BoxError>;

/// The base of the URLs that the service hands out.
pub const PUBLIC_URL: &str = "https://files.example.org";

/// Sends requests to a service in this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpClient {
    service: HttpService,
    token: Option<String>,
}

impl HttpClient {
    /// Serves a fixture at [`PUBLIC_URL`], for a client without a key.
    ///
    /// # Panics
    ///
    /// Panics on any failure that the test did not ask for, as do the other methods.
    pub fn new(fixture: &Fixture) -> Self {
        Self::with_origins(fixture, &[])
    }

    /// Serves a fixture to the pages of some origins.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn with_origins(fixture: &Fixture, origins: &[&str]) -> Self {
        Self::with_config(fixture, config().allowed_origins(parse_origins(origins)))
    }

    /// Serves a fixture whose files the pages of some origins may frame.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn with_frame_ancestors(fixture: &Fixture, origins: &[&str]) -> Self {
        Self::with_config(fixture, config().frame_ancestors(parse_origins(origins)))
    }

    /// Serves a fixture in some dialects only.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn with_dialects(fixture: &Fixture, dialects: Dialects) -> Self {
        Self::with_config(fixture, config().dialects(dialects))
    }

    fn with_config(fixture: &Fixture, config: HttpConfig) -> Self {
        let service = HttpService::new(fixture.service.clone(), config);
        Self {
            service,
            token: None,
        }
    }

    /// Returns a client of the same service with a key.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self {
            service: self.service.clone(),
            token: Some(token.into()),
        }
    }

    /// Returns a client of the same service without a key.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self {
            service: self.service.clone(),
            token: None,
        }
    }

    /// Returns the service.
    pub fn service(&self) -> &HttpService {
        &self.service
    }

    /// Begins a GET.
    pub fn get(&self, target: &str) -> HttpCall {
        self.call(Method::GET, target)
    }

    /// Begins a POST.
    pub fn post(&self, target: &str) -> HttpCall {
        self.call(Method::POST, target)
    }

    /// Begins a request. `target` is a path with its query, or a URL that the service handed out.
    pub fn call(&self, method: Method, target: &str) -> HttpCall {
        let target = target.strip_prefix(PUBLIC_URL).unwrap_or(target);
        let mut request = Request::builder().method(method).uri(target);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        HttpCall {
            service: self.service.clone(),
            request,
            body: whole(Bytes::new()),
        }
    }

    /// Stores one file and returns its ID.
    ///
    /// # Panics
    ///
    /// Panics if it was not stored.
    pub async fn upload(&self, filename: &str, bytes: &'static [u8]) -> FileId {
        let call = self.post(&format!("/v1/files?filename={filename}"));
        let answer = call.bytes(bytes).send().await.expect(StatusCode::CREATED);
        let id = answer.json()["files"][0]["id"].clone();
        id.as_str().expect("an id").parse().expect("a file's id")
    }
}

fn parse_origins(origins: &[&str]) -> Vec<OriginPattern> {
    let parsed = origins.iter().map(|text| text.parse());
    parsed.collect::<Result<_, _>>().expect("origins")
}

fn config() -> HttpConfig {
    HttpConfig::new(PublicUrl::parse(PUBLIC_URL).expect("a URL"))
}

/// A request being put together.
#[derive(Debug)]
pub struct HttpCall {
    service: HttpService,
    request: http::request::Builder,
    body: ClientBody,
}

impl HttpCall {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Sends JSON.
    #[must_use]
    pub fn json(mut self, value: &Value) -> Self {
        self.body = whole(value.to_string().into());
        self.header(CONTENT_TYPE.as_str(), "application/json")
    }

    /// Sends text.
    #[must_use]
    pub fn text(mut self, text: String) -> Self {
        self.body = whole(text.into());
        self
    }

    /// Sends bytes of a known length.
    #[must_use]
    pub fn bytes(mut self, bytes: &'static [u8]) -> Self {
        self.body = whole(Bytes::from_static(bytes));
        self.header(CONTENT_LENGTH.as_str(), &bytes.len().to_string())
    }

    /// Sends some bytes, then breaks the connection.
    #[must_use]
    pub fn broken_off(self, bytes: &'static [u8]) -> Self {
        let broken = || Err(BoxError::from("the connection was reset"));
        self.stream([Ok(bytes)].into_iter().chain(std::iter::once_with(broken)))
    }

    /// Sends the chunks of a body of unknown length, read one by one.
    #[must_use]
    pub fn stream<I>(mut self, chunks: I) -> Self
    where
        I: Iterator<Item = Result<&'static [u8], BoxError>> + Send + 'static,
    {
        let frames = chunks.map(|chunk| chunk.map(|bytes| Frame::data(Bytes::from_static(bytes))));
        self.body = StreamBody::new(stream::iter(frames)).boxed_unsync();
        self
    }

    /// Sends the request and reads the whole response.
    ///
    /// # Panics
    ///
    /// Panics as [`try_send`](Self::try_send), and if the body of the response fails.
    pub async fn send(self) -> HttpResponse {
        self.try_send().await.expect("a whole body")
    }

    /// Sends the request and reads the whole response.
    ///
    /// # Errors
    ///
    /// The error of the response's body.
    ///
    /// # Panics
    ///
    /// Panics if the request is invalid, or if the OpenAPI document does not describe such a response.
    pub async fn try_send(self) -> Result<HttpResponse, BoxError> {
        let request = self.request.body(self.body).expect("a request");
        let described = describe_api(&self.service).await;
        let (head, body) = answer_of(&self.service, request).await.into_parts();
        let answer = HttpResponse {
            status: head.status,
            operation: head.extensions.get::<OperationName>().map(|name| name.0),
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        };
        answer.check_described(&described);
        Ok(answer)
    }
}

/// A response, read to its end.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The endpoint that made the response, if one was found.
    pub operation: Option<&'static str>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A problem document, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpProblem {
    /// The kind, without `urn:attache:problem:`.
    pub kind: String,
    /// The fault in this case.
    pub detail: String,
    /// ID of the request.
    pub request_id: String,
}

impl HttpResponse {
    /// Returns the response, which must have this status.
    ///
    /// # Panics
    ///
    /// Panics if it has another.
    #[expect(
        clippy::return_self_not_must_use,
        reason = "a test may check the status alone"
    )]
    pub fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Returns a header; empty if there is none.
    ///
    /// # Panics
    ///
    /// Panics if it is not ASCII.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.transpose().expect("ASCII").unwrap_or_default()
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    ///
    /// Panics if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the problem that the response must be, with this status and in agreement with its headers.
    ///
    /// # Panics
    ///
    /// Panics if it is not such a problem.
    #[track_caller]
    pub fn problem(&self, status: StatusCode) -> HttpProblem {
        assert_eq!(self.status, status, "{self:?}");
        let content_type = self.header("content-type");
        assert_eq!(content_type, "application/problem+json", "{self:?}");
        let document = self.json();
        assert_eq!(document["status"], status.as_u16(), "{self:?}");
        let text = |member: &str| {
            let text = document[member].as_str();
            text.unwrap_or_else(|| panic!("no {member}: {self:?}"))
                .to_owned()
        };
        let kind = text("type");
        let kind = kind.strip_prefix("urn:attache:problem:");
        let problem = HttpProblem {
            kind: kind.expect("a problem type").to_owned(),
            detail: text("detail"),
            request_id: text("request_id"),
        };
        assert_eq!(problem.request_id, self.header("x-request-id"), "{self:?}");
        problem
    }

    /// Checks that the OpenAPI document describes this status, type and headers for the endpoint.
    fn check_described(&self, document: &Value) {
        let Some(name) = self.operation else {
            return;
        };
        let paths = document["paths"].as_object().expect("paths");
        let mut operations = paths
            .values()
            .flat_map(|item| item.as_object().expect("an item").values());
        let operation = operations.find(|operation| operation["operationId"] == name);
        let operation = operation.unwrap_or_else(|| panic!("{name} is not described"));
        let response = &operation["responses"][self.status.as_str()];
        assert!(
            response.is_object(),
            "{name} has no such response: {self:?}"
        );

        let described = response["content"].as_object();
        if !self.body.is_empty() {
            let content_type = self.header("content-type").split(';').next();
            let content_type = content_type.unwrap_or_default();
            let described = described.unwrap_or_else(|| panic!("{name} has no body: {self:?}"));
            let known = described.contains_key(content_type) || described.contains_key("*/*");
            assert!(known, "{name} has no such body: {self:?}");
        }
        let described = response["headers"].as_object();
        let described = described.into_iter().flat_map(|headers| headers.keys());
        let described: Vec<&str> = described.map(String::as_str).collect();
        for header in TELLING_HEADERS {
            let is_it = |known: &&str| known.eq_ignore_ascii_case(header);
            if self.headers.contains_key(header) {
                let known = described.iter().any(is_it);
                assert!(known, "{name} has no {header} there: {self:?}");
            }
        }
    }
}

/// The headers that clients rely on, and so must be described.
const TELLING_HEADERS: [&str; 9] = [
    "content-disposition",
    "content-range",
    "etag",
    "last-modified",
    "link",
    "location",
    "repr-digest",
    "retry-after",
    "www-authenticate",
];

async fn answer_of(
    service: &HttpService,
    request: Request<ClientBody>,
) -> http::Response<ResponseBody> {
    match service.clone().oneshot(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

fn whole(bytes: Bytes) -> ClientBody {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}
