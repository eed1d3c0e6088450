//! The tower service: a request in, a response out, for any server and any framework.

use std::convert::Infallible;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use attache_model::{FileId, Limits, RequestId};
use attache_service::FileService;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{ALLOW, CONTENT_LENGTH, VARY};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use tower::{Layer, Service};
use tower_http::cors::Cors;
use tracing::Instrument as _;

use crate::answer::{Answer, empty};
use crate::call::{Call, RequestBody, RequestHead};
use crate::config::HttpConfig;
use crate::endpoint::{Access, EndpointInfo, Handler, authorise_all};
use crate::json_budget::JsonBudget;
use crate::link_notice;
use crate::page_policy::PagePolicy;
use crate::problem::{Problem, ProblemKind};
use crate::readiness::Readiness;
use crate::router::{Route, Router};
use crate::state::{App, LazyDocument};
use crate::subject::RequestSubject;
use crate::wire::response_body::{BoxError, ResponseBody};
use crate::{cors, openapi};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The name of the endpoint that made a response, in its extensions; absent if no endpoint was found.
/// For logs and metrics, which must not hold paths: those carry file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationName(pub &'static str);

/// The HTTP API as a [`tower::Service`], generic over the request's body. Cheap to clone.
#[derive(Clone)]
pub struct HttpService {
    core: Core,
    /// The same behind the layer that lets pages of other origins call.
    stack: Cors<Core>,
}

impl HttpService {
    /// Serves a [`FileService`].
    pub fn new(service: FileService, config: HttpConfig) -> Self {
        let router = Arc::new(Router::new(&config.dialects));
        let app = Arc::new(App {
            openapi: document(&config, service.limits().clone(), router.clone()),
            service,
            public_url: config.public_url,
            ready: AtomicBool::new(true),
            readiness: Readiness::default(),
            json_budget: JsonBudget::new(config.json_budget_bytes),
            page_policy: PagePolicy::new(&config.frame_ancestors),
        });
        let is_open = {
            let router = router.clone();
            move |path: &str| router.is_open_to_all_origins(path)
        };
        let core = Core { app, router };
        let stack = cors::layer(config.allowed_origins, is_open).layer(core.clone());
        Self { core, stack }
    }

    /// Returns every endpoint that is served: those of the native API, then those of each dialect.
    pub fn endpoints(&self) -> impl Iterator<Item = EndpointInfo> {
        self.core.router.routes().iter().map(|route| route.info)
    }

    /// Sets whether `/readyz` says that the service can be used. Ready at first; a server that is about
    /// to stop sets this to false before it stops.
    pub fn set_ready(&self, ready: bool) {
        self.core.app.ready.store(ready, Ordering::Relaxed);
    }

    /// Replaces a refusal by the response to a client that has caused too many of them. The ID of the
    /// request stays, and so do the headers that let a page of another origin read the response.
    ///
    /// For a server that limits refused requests.
    pub fn rate_limited(refusal: Response<ResponseBody>) -> Response<ResponseBody> {
        let (parts, body) = refusal.into_parts();
        let request_id = parts.headers.get(X_REQUEST_ID);
        let request_id = request_id.and_then(|id| RequestId::parse(id.to_str().ok()?).ok());
        let Some(request_id) = request_id else {
            return Response::from_parts(parts, body);
        };
        let detail = "too many requests from this address were refused: send valid credentials";
        let problem = Problem::new(ProblemKind::RateLimited, detail).retry_soon();
        let mut response = problem.into_response(&request_id);
        let kept = parts.headers.into_iter().filter_map(|(name, value)| {
            let name = name?;
            let is_kept = name == X_REQUEST_ID
                || name == VARY
                || name.as_str().starts_with("access-control-");
            is_kept.then_some((name, value))
        });
        response.headers_mut().extend(kept);
        *response.extensions_mut() = parts.extensions;
        // The refusal of a request for the head alone.
        if body.is_end_stream() {
            response = without_body(response);
        }
        response
    }

    /// Returns the ID that the request brought, if it can be used, else a new one.
    fn request_id<B>(&self, request: &Request<B>) -> RequestId {
        let brought = request
            .headers()
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok());
        brought
            .and_then(|text| RequestId::parse(text).ok())
            .unwrap_or_else(|| {
                let service = &self.core.app.service;
                let id = FileId::generate(service.clock().now(), service.entropy()).to_string();
                RequestId::parse(&id).unwrap_or_else(|_| unreachable!("a UUID is visible ASCII"))
            })
    }
}

fn document(config: &HttpConfig, limits: Limits, router: Arc<Router>) -> LazyDocument {
    let public_url = config.public_url.clone();
    LazyLock::new(Box::new(move || {
        openapi::document(&public_url, &limits, router.routes())
    }))
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
        // The layer would respond to all other requests for options, too.
        let is_own = request.method() == Method::OPTIONS
            && !(cors::is_preflight(&request) && self.core.has_path(request.uri().path()));
        let response = if is_own {
            self.core.call(request)
        } else {
            self.stack.call(request).boxed()
        };
        Box::pin(async move {
            let mut response = response.await?;
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

/// Turns the response to GET into that to HEAD: the same headers, length included, without the bytes.
fn without_body(response: Response<ResponseBody>) -> Response<ResponseBody> {
    let (mut parts, body) = response.into_parts();
    if let Some(size_bytes) = body.size_hint().exact() {
        let length = parts.headers.entry(CONTENT_LENGTH);
        length.or_insert_with(|| HeaderValue::from(size_bytes));
    }
    Response::from_parts(parts, ResponseBody::default())
}

/// The service within the layers: routing, admission, the endpoints, and errors turned into problems.
#[derive(Clone)]
pub(crate) struct Core {
    app: Arc<App>,
    router: Arc<Router>,
}

impl Service<Request<RequestBody>> for Core {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let core = self.clone();
        Box::pin(async move { Ok(core.respond(request).await) })
    }
}

impl Core {
    fn has_path(&self, path: &str) -> bool {
        self.router.allowed_methods(path).is_some()
    }

    /// Responds to a request for the methods of a path.
    fn options(&self, path: &str) -> Answer {
        let allowed = self.router.allowed_methods(path);
        let allowed = allowed.ok_or_else(Problem::no_route)?;
        let mut response = empty(StatusCode::NO_CONTENT);
        response
            .headers_mut()
            .extend(HeaderValue::try_from(allowed).map(|value| (ALLOW, value)));
        Ok(response)
    }

    async fn respond(&self, request: Request<RequestBody>) -> Response<ResponseBody> {
        let (mut parts, body) = request.into_parts();
        let request_id = parts.extensions.remove::<RequestId>();
        let request_id =
            request_id.unwrap_or_else(|| unreachable!("set by the service around this one"));

        if parts.method == Method::OPTIONS {
            let options = self.options(parts.uri.path());
            return options.unwrap_or_else(|problem| problem.into_response(&request_id));
        }
        let (route, params) = match self.router.find(&parts.method, parts.uri.path()) {
            Ok(found) => found,
            Err(problem) => return problem.into_response(&request_id),
        };
        let head = RequestHead {
            parts,
            params,
            request_id: request_id.clone(),
        };
        let form = link_notice::form(route.info.access, &head.parts);
        let operation = route.info.name;
        // Every log event on the way names the request.
        let span = tracing::error_span!("request", %request_id, operation);
        let mut subject = RequestSubject {
            file: head.file_id(),
            ..RequestSubject::default()
        };
        let call = Call { head, body };
        let handled = AssertUnwindSafe(self.handle(route, call, &mut subject));
        let mut response = async {
            let answer = handled.catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!("a request panicked");
                Err(Problem::new(ProblemKind::Internal, "an internal error"))
            });
            answer.unwrap_or_else(|problem| {
                link_notice::respond(problem, form, &request_id, &self.app.page_policy)
            })
        }
        .instrument(span)
        .await;
        response.extensions_mut().insert(OperationName(operation));
        response.extensions_mut().insert(subject);
        response
    }

    /// Authenticates and authorises as the endpoint's row says, and calls the handler.
    async fn handle(&self, route: &Route, call: Call, subject: &mut RequestSubject) -> Answer {
        let app = &self.app;
        match route.endpoint.handler {
            Handler::Keyless(handle) => handle(app, call).await,
            Handler::Keyed(handle) => {
                let cx = call.head.authenticate(&app.service).await?;
                // Only now is the id one of a key.
                subject.note(&cx, call.head.key_id());
                if let Some(dialect) = route.dialect {
                    dialect.check_tenant(&cx, &call.head)?;
                }
                let access = route.info.access;
                if !matches!(access, Access::KeyForSome(_)) {
                    authorise_all(&app.service, &cx, access.actions())?;
                }
                handle(app, cx, call).await
            }
        }
    }
}
