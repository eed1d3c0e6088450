//! The service of one connection: limits the request, and records it until its response ends.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::Body;
use hyper::body::Incoming;
use tower::ServiceExt as _;

use super::activity::Activity;
use super::head;
use super::record::RequestRecord;
use super::request_body::RequestBody;
use super::response_body::ResponseBody;
use super::streams::StreamPool;
use crate::metrics;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A service on one connection.
#[derive(Debug, Clone)]
pub(super) struct ConnectionService<S> {
    inner: S,
    activity: Arc<Activity>,
    streams: StreamPool,
}

/// A service that the server serves.
pub(super) trait Service:
    tower::Service<
        Request<RequestBody<Incoming>>,
        Response = Response<<Self as Service>::Body>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
    /// The body of its responses.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static;
}

impl<S, B> Service for S
where
    S: tower::Service<
            Request<RequestBody<Incoming>>,
            Response = Response<B>,
            Error = Infallible,
            Future: Send,
        > + Clone
        + Send
        + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static,
{
    type Body = B;
}

impl<S> ConnectionService<S> {
    pub(super) fn new(inner: S, activity: Arc<Activity>, streams: StreamPool) -> Self {
        Self {
            inner,
            activity,
            streams,
        }
    }
}

impl<S: Service> hyper::service::Service<Request<Incoming>> for ConnectionService<S> {
    type Response = Response<ResponseBody<S::Body>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let is_http1 = request.version() <= Version::HTTP_11;
        let is_unambiguous = head::is_unambiguous(&request);
        let active = self.activity.start_request();
        let needs_place = !is_http1 && !active.is_only() && !is_health_check(request.uri().path());
        let place = needs_place
            .then(|| self.streams.try_enter(self.activity.stream_places()))
            .flatten();
        let is_admitted = !needs_place || place.is_some();
        let mut record = RequestRecord::start(request.method(), active, place);
        let request = request
            .map(|body| RequestBody::new(body, self.activity.clone(), record.received_bytes()));
        let response = self.inner.clone().oneshot(request);
        let activity = self.activity.clone();
        Box::pin(async move {
            record.watch_stream();
            let mut response = if !is_unambiguous {
                drop(response);
                bad_request()
            } else if is_admitted {
                response.await?.map(Some)
            } else {
                drop(response);
                metrics::record_refused_stream();
                too_many_streams()
            };
            if is_http1 && activity.has_unread_body() {
                // The rest of the body would be parsed as the next request.
                close_after(&mut response);
            }
            record.note_response(&response);
            record.note_response_waiting();
            Ok(response.map(|inner| ResponseBody::new(inner, record)))
        })
    }
}

/// Returns `true` for the health checks: what is asked of a busy server must not count as load.
fn is_health_check(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz")
}

/// Returns the response to a malformed head, the same as hyper's own.
fn bad_request<B>() -> Response<Option<B>> {
    let mut response = Response::new(None);
    *response.status_mut() = StatusCode::BAD_REQUEST;
    close_after(&mut response);
    response
}

/// Returns the response to a further request of a connection while the server is busy.
fn too_many_streams<B>() -> Response<Option<B>> {
    let mut response = Response::new(None);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let retry_after = HeaderValue::from_static("1");
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, retry_after);
    response
}

fn close_after<B>(response: &mut Response<B>) {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
}
