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
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
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
}

impl<S> Observed<S> {
    pub(super) fn new(inner: S, activity: Arc<Activity>) -> Self {
        Self { inner, activity }
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
        let mut record = RequestRecord::begin(request.method(), self.activity.begin());
        let request = request.map(|body| CountedBody {
            inner: GuardedBody::new(body, record.active().connection().clone()),
            count: record.received_bytes(),
        });
        let answering = self.inner.clone().oneshot(request);
        Box::pin(async move {
            let answer = answering.await?;
            record.note_answer(&answer);
            Ok(answer.map(|inner| RecordedBody { inner, record }))
        })
    }
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
    inner: B,
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
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => this
                .record
                .note_sent(frame.data_ref().map_or(0, Bytes::len)),
            Some(Err(_)) => {}
            None => this.record.note_complete(),
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

impl<B: Body> Drop for RecordedBody<B> {
    fn drop(&mut self) {
        // A body that says it has ended is not asked again.
        if self.inner.is_end_stream() {
            self.record.note_complete();
        }
    }
}
