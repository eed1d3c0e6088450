//! A request body that is counted, and ends with an error if its client stalls or trickles.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::activity::Activity;
use super::deadline::Deadline;
use super::limits::{BODY_MIN_BYTES_PER_SECOND, BODY_RATE_WINDOW, BODY_STALL_TIMEOUT};

/// The error of a body that is too slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlowBody {
    /// No bytes arrived for too long.
    Stalled,
    /// Too few bytes arrived.
    Trickled,
}

impl fmt::Display for SlowBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stalled => "the body stalled",
            Self::Trickled => "the body arrived too slowly",
        })
    }
}

impl Error for SlowBody {}

/// A request body with a minimum speed.
///
/// Only the time counts in which the server waits for bytes: a server that is slow to read makes no
/// client fail.
#[derive(Debug)]
pub(super) struct RequestBody<B: Body> {
    inner: B,
    activity: Arc<Activity>,
    received_bytes: Arc<AtomicU64>,
    deadline: Deadline,
    waiting_since: Option<Instant>,
    window: Window,
    is_complete: bool,
}

/// The waiting time and bytes of the current window.
#[derive(Debug, Default)]
struct Window {
    waited: Duration,
    bytes: u64,
}

impl Window {
    fn is_too_slow(&self) -> bool {
        self.bytes < BODY_MIN_BYTES_PER_SECOND * BODY_RATE_WINDOW.as_secs()
    }
}

impl<B: Body> RequestBody<B> {
    pub(super) fn new(inner: B, activity: Arc<Activity>, received_bytes: Arc<AtomicU64>) -> Self {
        Self {
            inner,
            activity,
            received_bytes,
            deadline: Deadline::default(),
            waiting_since: None,
            window: Window::default(),
            is_complete: false,
        }
    }

    /// Returns `Ready` once the wait has been too long. Call it if no bytes are available.
    fn poll_slowness(&mut self, cx: &mut Context<'_>) -> Poll<SlowBody> {
        let window_left = BODY_RATE_WINDOW.saturating_sub(self.window.waited);
        let stalls_first = BODY_STALL_TIMEOUT <= window_left;
        if self.waiting_since.is_none() {
            self.waiting_since = Some(Instant::now());
            self.deadline.arm(BODY_STALL_TIMEOUT.min(window_left));
        }
        if self.deadline.poll(cx).is_pending() {
            return Poll::Pending;
        }
        if stalls_first {
            return Poll::Ready(SlowBody::Stalled);
        }
        // The window ends during a wait: check its rate, and continue in a new window.
        if self.window.is_too_slow() {
            return Poll::Ready(SlowBody::Trickled);
        }
        self.window = Window::default();
        self.waiting_since = Some(Instant::now());
        self.deadline.arm(BODY_STALL_TIMEOUT);
        self.deadline.poll(cx).map(|()| SlowBody::Stalled)
    }

    /// Counts received bytes and the time spent waiting for them. Returns `true` if that was too slow.
    fn note_data(&mut self, bytes: usize) -> bool {
        self.received_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
        if let Some(since) = self.waiting_since.take() {
            self.window.waited += since.elapsed();
        }
        self.window.bytes += bytes as u64;
        if self.window.waited < BODY_RATE_WINDOW {
            return false;
        }
        std::mem::take(&mut self.window).is_too_slow()
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Pending => this.poll_slowness(cx).map(|slow| Some(Err(slow.into()))),
            Poll::Ready(Some(Ok(frame))) => {
                if this.note_data(frame.data_ref().map_or(0, Bytes::len)) {
                    return Poll::Ready(Some(Err(SlowBody::Trickled.into())));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                this.is_complete = true;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: Body> Drop for RequestBody<B> {
    fn drop(&mut self) {
        if !self.is_complete && !self.inner.is_end_stream() {
            self.activity.note_unread_body();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{Stream, StreamExt as _, stream};
    use http_body_util::{BodyExt as _, Full, StreamBody};

    use super::*;

    type Pieces = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Infallible>> + Send>>;

    /// Yields `count` pieces of `size` bytes, each after a pause.
    fn paced(count: usize, size: usize, pause: Duration) -> Pieces {
        Box::pin(stream::unfold(0, move |sent| async move {
            if sent == count {
                return None;
            }
            tokio::time::sleep(pause).await;
            Some((Ok(Frame::data(Bytes::from(vec![0; size]))), sent + 1))
        }))
    }

    fn request_body<B: Body>(inner: B, activity: &Arc<Activity>) -> RequestBody<B> {
        RequestBody::new(inner, activity.clone(), Arc::default())
    }

    async fn read(pieces: Pieces) -> Result<usize, SlowBody> {
        let body = request_body(StreamBody::new(pieces), &Activity::new());
        let received_bytes = body.received_bytes.clone();
        match body.collect().await {
            Ok(collected) => {
                let size_bytes = collected.to_bytes().len();
                assert_eq!(received_bytes.load(Ordering::Relaxed), size_bytes as u64);
                Ok(size_bytes)
            }
            Err(error) => Err(*error.downcast::<SlowBody>().unwrap()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn steady_body_has_no_time_limit() {
        let steady = paced(500, 30 << 10, Duration::from_secs(20));
        assert_eq!(read(steady).await, Ok(500 * (30 << 10)));
    }

    #[tokio::test(start_paused = true)]
    async fn stalled_body_fails() {
        let started = Instant::now();
        let stalled = paced(1, 1 << 20, Duration::from_hours(1));
        assert_eq!(read(stalled).await, Err(SlowBody::Stalled));
        assert_eq!(started.elapsed().as_secs(), BODY_STALL_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn trickling_body_fails() {
        let started = Instant::now();
        let trickle = paced(1_000_000, 1, Duration::from_secs(7));
        assert_eq!(read(trickle).await, Err(SlowBody::Trickled));
        assert_eq!(started.elapsed().as_secs(), BODY_RATE_WINDOW.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn body_that_starts_fast_and_trickles_fails() {
        let started = Instant::now();
        let fast = paced(60, 1 << 10, Duration::from_secs(1));
        let trickle = paced(1000, 100, Duration::from_secs(1));
        let body = Box::pin(fast.chain(trickle));
        assert_eq!(read(body).await, Err(SlowBody::Trickled));
        assert_eq!(started.elapsed().as_secs(), 2 * BODY_RATE_WINDOW.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn time_between_reads_does_not_count() {
        let body = StreamBody::new(paced(3, 10, Duration::from_millis(1)));
        let mut body = request_body(body, &Activity::new());
        while let Some(frame) = body.frame().await {
            frame.unwrap();
            tokio::time::sleep(Duration::from_mins(10)).await;
        }
    }

    #[tokio::test]
    async fn unread_body_is_noted() {
        let activity = Activity::new();
        let whole = request_body(Full::new(Bytes::from("all")), &activity);
        whole.collect().await.unwrap();
        drop(request_body(Full::new(Bytes::new()), &activity));
        assert!(!activity.has_unread_body());
        drop(request_body(Full::new(Bytes::from("all")), &activity));
        assert!(activity.has_unread_body());
    }
}
