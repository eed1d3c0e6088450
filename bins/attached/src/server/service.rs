//! The service of one connection: limits the request, and records it until its response ends.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::Body;
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use super::activity::Activity;
use super::head;
use super::record::RequestRecord;
use super::request_body::RequestBody;
use super::response_body::ResponseBody;

/// A service on one connection.
#[derive(Debug, Clone)]
pub(super) struct ConnectionService<S> {
    inner: S,
    activity: Arc<Activity>,
    /// The requests in flight on the whole server: each may hold a file open.
    requests: Arc<Semaphore>,
}

impl<S> ConnectionService<S> {
    pub(super) fn new(inner: S, activity: Arc<Activity>, requests: Arc<Semaphore>) -> Self {
        Self {
            inner,
            activity,
            requests,
        }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for ConnectionService<S>
where
    S: tower::Service<Request<RequestBody<Incoming>>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Unpin + Send + 'static,
{
    type Response = Response<ResponseBody<B>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let is_http1 = request.version() <= Version::HTTP_11;
        let is_unambiguous = head::is_unambiguous(&request);
        let mut record = RequestRecord::start(request.method(), self.activity.start_request());
        let request = request
            .map(|body| RequestBody::new(body, self.activity.clone(), record.received_bytes()));
        let response = self.inner.clone().oneshot(request);
        let (activity, requests) = (self.activity.clone(), self.requests.clone());
        Box::pin(async move {
            // Never closed. One stream per connection always gets a permit; more may wait.
            record.hold(requests.acquire_owned().await.ok());
            let mut response = if is_unambiguous {
                response.await?.map(Some)
            } else {
                drop(response);
                bad_request()
            };
            if is_http1 && activity.has_unread_body() {
                // The rest of the body would be parsed as the next request.
                close_after(&mut response);
            }
            record.note_response(&response);
            record.active().note_response_waiting();
            Ok(response.map(|inner| ResponseBody::new(inner, record)))
        })
    }
}

/// Returns the response to a malformed head, the same as hyper's own.
fn bad_request<B>() -> Response<Option<B>> {
    let mut response = Response::new(None);
    *response.status_mut() = StatusCode::BAD_REQUEST;
    close_after(&mut response);
    response
}

fn close_after<B>(response: &mut Response<B>) {
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
}
