//! The tower service: request in, response out, for any server and any framework.

use std::convert::Infallible;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use attache_model::{FileId, RequestId};
use attache_service::FileService;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body::Body;
use tower::{Layer, Service};
use tower_http::cors::Cors;
use tracing::Instrument as _;

use crate::app::{App, HttpConfig};
use crate::call::{Call, RequestBody, RequestHead};
use crate::cors;
use crate::problem::{Problem, ProblemKind};
use crate::response::{BoxError, ResponseBody};
use crate::served::find_operation;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The name of the operation a response answers, in its extensions; absent where no operation was
/// asked for. For logs and metrics, which must not hold paths: those carry file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationName(pub &'static str);

/// The HTTP API as a [`tower::Service`], generic over the request's body. Cheap to clone.
#[derive(Clone)]
pub struct HttpService {
    app: Arc<App>,
    stack: Cors<Core>,
}

impl HttpService {
    /// Serves a [`FileService`].
    pub fn new(service: FileService, config: HttpConfig) -> Self {
        let app = Arc::new(App::new(service, &config));
        let stack = cors::layer(config.allowed_origins, app.served.clone())
            .layer(Core { app: app.clone() });
        Self { app, stack }
    }

    /// Says whether `/readyz` is to answer that the service can be used. Ready at first; a server
    /// that is about to stop says so here before it stops.
    pub fn set_ready(&self, ready: bool) {
        self.app.ready.store(ready, Ordering::Relaxed);
    }

    /// The request's own id, where it brought one that can be used, else a new one.
    fn request_id<B>(&self, request: &Request<B>) -> RequestId {
        let brought = request
            .headers()
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok());
        brought
            .and_then(|text| RequestId::parse(text).ok())
            .unwrap_or_else(|| {
                let service = &self.app.service;
                let id = FileId::generate(service.clock().now(), service.entropy()).to_string();
                RequestId::parse(&id).unwrap_or_else(|_| unreachable!("a UUID is visible ASCII"))
            })
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for HttpService
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let request_id = self.request_id(&request);
        let mut request = request.map(RequestBody::new);
        request.extensions_mut().insert(request_id.clone());
        let is_head = request.method() == Method::HEAD;
        let answer = self.stack.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            if is_head {
                response = without_body(response);
            }
            if let Ok(value) = HeaderValue::try_from(request_id.as_str()) {
                response.headers_mut().insert(X_REQUEST_ID, value);
            }
            Ok(response)
        })
    }
}

/// The answer to HEAD: what GET would be answered with, length and all, but for the bytes.
fn without_body(response: Response<ResponseBody>) -> Response<ResponseBody> {
    let (mut parts, body) = response.into_parts();
    if let Some(size_bytes) = body.size_hint().exact() {
        let length = parts.headers.entry(CONTENT_LENGTH);
        length.or_insert_with(|| HeaderValue::from(size_bytes));
    }
    Response::from_parts(parts, ResponseBody::default())
}

/// What lies within the layers: routing, the endpoints, and errors made into problems.
#[derive(Clone)]
pub(crate) struct Core {
    app: Arc<App>,
}

impl Service<Request<RequestBody>> for Core {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let app = self.app.clone();
        Box::pin(async move { Ok(answer(&app, request).await) })
    }
}

async fn answer(app: &App, request: Request<RequestBody>) -> Response<ResponseBody> {
    let (mut parts, body) = request.into_parts();
    let request_id = parts.extensions.remove::<RequestId>();
    let request_id =
        request_id.unwrap_or_else(|| unreachable!("set by the service around this one"));

    let asked = match find_operation(&app.served, parts.uri.path(), &parts.method) {
        Ok(asked) => asked,
        Err(problem) => return problem.into_response(&request_id),
    };

    let head = RequestHead {
        parts,
        request_id: request_id.clone(),
    };
    let call = Call { head, body };
    let operation = asked.name;
    // Whatever is logged on the way names the request.
    let span = tracing::error_span!("request", %request_id, operation);
    let answer = asked.answer(app, call);
    let mut response = async {
        let outcome = AssertUnwindSafe(answer)
            .catch_unwind()
            .await
            .unwrap_or_else(|_| {
                tracing::error!("a request panicked");
                Err(Problem::new(ProblemKind::Internal, "an internal fault"))
            });
        outcome.unwrap_or_else(|problem| problem.into_response(&request_id))
    }
    .instrument(span)
    .await;
    response.extensions_mut().insert(OperationName(operation));
    response
}
