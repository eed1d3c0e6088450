//! The body of a response: bytes in memory, or a stream of them.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The size of the pieces in which bytes in memory are sent.
const PIECE_BYTES: usize = 64 << 10;

/// The body of every response.
pub struct ResponseBody {
    inner: UnsyncBoxBody<Bytes, BoxError>,
    /// The number of bytes still to come; `None` if unknown.
    remaining_bytes: Option<u64>,
}

impl ResponseBody {
    /// Returns a body of bytes in memory. It is sent in pieces, so that the server notices a stalled client.
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes: Bytes = bytes.into();
        let size_bytes = bytes.len() as u64;
        Self::stream(pieces(bytes), size_bytes)
    }

    /// Returns a body from a stream of exactly `size_bytes`. Fewer or more are an error, so that no client
    /// takes a part for the whole.
    pub(crate) fn stream<S, E>(stream: S, size_bytes: u64) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let frames = stream.map_ok(Frame::data).map_err(Into::into);
        Self {
            inner: StreamBody::new(frames).boxed_unsync(),
            remaining_bytes: Some(size_bytes),
        }
    }

    /// Returns a body from a stream of unknown length. An error aborts the response visibly.
    pub(crate) fn of_unknown_length<S, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let stream = stream.map_err(Into::into).map_ok(pieces).try_flatten();
        Self {
            inner: StreamBody::new(stream.map_ok(Frame::data)).boxed_unsync(),
            remaining_bytes: None,
        }
    }

    fn count(&mut self, frame: &Frame<Bytes>) -> Result<(), BoxError> {
        let Some(remaining) = self.remaining_bytes else {
            return Ok(());
        };
        let size_bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
        let remaining = remaining.checked_sub(size_bytes);
        let remaining = remaining.ok_or("the body has more bytes than announced")?;
        self.remaining_bytes = Some(remaining);
        Ok(())
    }
}

/// Splits bytes into pieces.
fn pieces(mut left: Bytes) -> impl Stream<Item = Result<Bytes, BoxError>> {
    futures_util::stream::iter(std::iter::from_fn(move || {
        let piece = left.split_to(left.len().min(PIECE_BYTES));
        (!piece.is_empty()).then_some(Ok(piece))
    }))
}

impl Default for ResponseBody {
    fn default() -> Self {
        Self::full(Bytes::new())
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("remaining_bytes", &self.remaining_bytes)
            .finish_non_exhaustive()
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let next = std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx));
        Poll::Ready(match next {
            Some(Ok(frame)) => Some(self.count(&frame).map(|()| frame)),
            None if self.remaining_bytes.is_some_and(|bytes| bytes > 0) => {
                self.remaining_bytes = Some(0);
                Some(Err("the body has fewer bytes than announced".into()))
            }
            other => other,
        })
    }

    /// The body ends with its last byte: a server need not poll again to learn that nothing follows.
    fn is_end_stream(&self) -> bool {
        self.remaining_bytes == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining_bytes
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    async fn read(
        chunks: Vec<Result<&'static [u8], BoxError>>,
        size_bytes: u64,
    ) -> Result<Bytes, BoxError> {
        let chunks = stream::iter(chunks).map_ok(Bytes::from_static);
        Ok(ResponseBody::stream(chunks, size_bytes)
            .collect()
            .await?
            .to_bytes())
    }

    #[tokio::test]
    async fn stream_yields_the_announced_size_or_fails() {
        assert_eq!(read(vec![Ok(b"ab"), Ok(b"c")], 3).await.unwrap(), "abc");
        assert_eq!(read(vec![], 0).await.unwrap(), "");
        assert!(read(vec![Ok(b"ab")], 3).await.is_err(), "too few");
        assert!(
            read(vec![Ok(b"ab"), Ok(b"cd")], 3).await.is_err(),
            "too many"
        );
        assert!(
            read(vec![Ok(b"ab"), Err("broken".into())], 3)
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn bytes_in_memory_are_sent_in_pieces() {
        let bytes = Bytes::from(vec![7; 2 * PIECE_BYTES + 1]);
        let chunk = stream::iter([Ok::<_, BoxError>(bytes.clone())]);
        for mut body in [
            ResponseBody::full(bytes),
            ResponseBody::of_unknown_length(chunk),
        ] {
            for size_bytes in [PIECE_BYTES, PIECE_BYTES, 1] {
                let frame = body.frame().await.unwrap().unwrap();
                assert_eq!(frame.into_data().unwrap().len(), size_bytes);
            }
            assert!(body.frame().await.is_none());
        }
    }

    #[tokio::test]
    async fn body_ends_with_its_last_byte() {
        let mut body = ResponseBody::stream(
            stream::iter([Ok::<_, BoxError>(Bytes::from_static(b"ab"))]),
            2,
        );
        assert_eq!(body.size_hint().exact(), Some(2));
        assert!(!body.is_end_stream());
        body.frame().await.unwrap().unwrap();
        assert!(body.is_end_stream());
    }
}
