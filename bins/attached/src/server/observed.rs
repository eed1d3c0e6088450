//! The service as a connection drives it: guards the body on its way in, records the answer on its
//! way out.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use super::activity::Activity;
use super::body_guard::GuardedBody;
use super::record::RequestRecord;

/// What reaches the service: a body that is guarded and counted.
pub(super) type RequestBody = CountedBody<GuardedBody<Incoming>>;

/// A service on one connection.
#[derive(Debug, Clone)]
pub(super) struct Observed<S> {
    inner: S,
    activity: Arc<Activity>,
    /// Requests under way in the whole server: each may hold a file open.
    requests: Arc<Semaphore>,
}

impl<S> Observed<S> {
    pub(super) fn new(inner: S, activity: Arc<Activity>, requests: Arc<Semaphore>) -> Self {
        Self {
            inner,
            activity,
            requests,
        }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Observed<S>
where
    S: tower::Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Unpin + Send + 'static,
{
    type Response = Response<RecordedBody<B>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let is_http1 = request.version() <= Version::HTTP_11;
        let names_one_host = names_one_host(&request);
        let mut record = RequestRecord::begin(request.method(), self.activity.begin());
        let request = request.map(|body| CountedBody {
            inner: GuardedBody::new(body, record.active().connection().clone()),
            count: record.received_bytes(),
        });
        let answering = self.inner.clone().oneshot(request);
        let requests = self.requests.clone();
        Box::pin(async move {
            // Never closed. One stream a connection always finds room; more of them may wait.
            record.hold(requests.acquire_owned().await.ok());
            let mut answer = if names_one_host {
                answering.await?.map(Some)
            } else {
                drop(answering);
                bad_request()
            };
            if is_http1 && record.active().connection().has_left_unread() {
                // The connection ends here, as what follows on it is not a request.
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(header::CONNECTION, close);
            }
            record.note_answer(&answer);
            record.active().note_given();
            Ok(answer.map(|inner| RecordedBody { inner, record }))
        })
    }
}

/// Whether the request says which host it is for, once. HTTP/1.1 wants a request refused that does
/// not: the next server on its way could take it for another's.
fn names_one_host<B>(request: &Request<B>) -> bool {
    request.version() != Version::HTTP_11
        || request.headers().get_all(header::HOST).iter().count() == 1
}

/// What a malformed head is answered with, as by the parser itself.
fn bad_request<B>() -> Response<Option<B>> {
    let mut answer = Response::new(None);
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(header::CONNECTION, close);
    answer
}

/// A request body that counts its bytes.
#[derive(Debug)]
pub(super) struct CountedBody<B> {
    inner: B,
    count: Arc<AtomicU64>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for CountedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            let size_bytes = frame.data_ref().map_or(0, Bytes::len);
            this.count.fetch_add(size_bytes as u64, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer's body; the request is over when it is dropped.
#[derive(Debug)]
pub(super) struct RecordedBody<B: Body> {
    /// `None` for no body at all.
    inner: Option<B>,
    record: RequestRecord,
}

impl<B> Body for RecordedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        // It is asked for more, so what was given has been taken.
        this.record.active().note_taken();
        let frame = match &mut this.inner {
            Some(inner) => ready!(Pin::new(inner).poll_frame(cx)),
            None => None,
        };
        match &frame {
            Some(Ok(frame)) => {
                this.record.active().note_given();
                this.record
                    .note_sent(frame.data_ref().map_or(0, Bytes::len));
            }
            Some(Err(_)) => {}
            None => this.record.note_complete(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let hint = self.inner.as_ref().map(Body::size_hint);
        hint.unwrap_or_else(|| SizeHint::with_exact(0))
    }
}

impl<B: Body> Drop for RecordedBody<B> {
    fn drop(&mut self) {
        // A body that says it has ended is not asked again.
        if self.inner.as_ref().is_none_or(Body::is_end_stream) {
            self.record.note_complete();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_one_host() {
        let request = |version, hosts: &[&str]| {
            let mut request = Request::new(());
            *request.version_mut() = version;
            for host in hosts {
                let host = HeaderValue::from_str(host).unwrap();
                request.headers_mut().append(header::HOST, host);
            }
            request
        };
        for (version, hosts, fine) in [
            (Version::HTTP_11, &["a"][..], true),
            (Version::HTTP_11, &[""], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_11, &["a", "a"], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_2, &[], true),
        ] {
            assert_eq!(
                names_one_host(&request(version, hosts)),
                fine,
                "{version:?} {hosts:?}"
            );
        }
    }
}
