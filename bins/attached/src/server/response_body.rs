//! A response body that keeps the record of its request.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::record::RequestRecord;

/// A response body. Dropping it ends the request.
#[derive(Debug)]
pub(super) struct ResponseBody<B: Body> {
    /// `None` for an empty body.
    inner: Option<B>,
    record: RequestRecord,
}

impl<B: Body> ResponseBody<B> {
    pub(super) fn new(inner: Option<B>, record: RequestRecord) -> Self {
        Self { inner, record }
    }
}

impl<B> Body for ResponseBody<B>
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
        // More is wanted, so the client has read what was waiting.
        this.record.note_response_read();
        let frame = match &mut this.inner {
            Some(inner) => ready!(Pin::new(inner).poll_frame(cx)),
            None => None,
        };
        match &frame {
            Some(Ok(frame)) => {
                this.record.note_response_waiting();
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

impl<B: Body> Drop for ResponseBody<B> {
    fn drop(&mut self) {
        // A body that reports its end is not polled again.
        if self.inner.as_ref().is_none_or(Body::is_end_stream) {
            self.record.note_complete();
        }
    }
}
