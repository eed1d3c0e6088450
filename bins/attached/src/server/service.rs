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
        let has_one_host = has_one_host(&request);
        let mut record = RequestRecord::start(request.method(), self.activity.start_request());
        let request = request
            .map(|body| RequestBody::new(body, self.activity.clone(), record.received_bytes()));
        let response = self.inner.clone().oneshot(request);
        let (activity, requests) = (self.activity.clone(), self.requests.clone());
        Box::pin(async move {
            // Never closed. One stream per connection always gets a permit; more may wait.
            record.hold(requests.acquire_owned().await.ok());
            let mut response = if has_one_host {
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

/// Returns `true` if the request names its host exactly once. HTTP/1.1 requires others to be refused:
/// the next server on the way could route them differently.
fn has_one_host<B>(request: &Request<B>) -> bool {
    request.version() != Version::HTTP_11
        || request.headers().get_all(header::HOST).iter().count() == 1
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http11_request_needs_exactly_one_host() {
        let request = |version, hosts: &[&str]| {
            let mut request = Request::new(());
            *request.version_mut() = version;
            for host in hosts {
                let host = HeaderValue::from_str(host).unwrap();
                request.headers_mut().append(header::HOST, host);
            }
            request
        };
        for (version, hosts, is_valid) in [
            (Version::HTTP_11, &["a"][..], true),
            (Version::HTTP_11, &[""], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_11, &["a", "a"], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_2, &[], true),
        ] {
            assert_eq!(
                has_one_host(&request(version, hosts)),
                is_valid,
                "{version:?} {hosts:?}"
            );
        }
    }
}
