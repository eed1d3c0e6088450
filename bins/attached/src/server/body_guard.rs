//! A request body that is not waited for without end: a sender that stalls or trickles is cut.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::activity::Activity;
use super::deadline::Deadline;
use super::limits::{BODY_MIN_BYTES_PER_SECOND, BODY_RATE_WINDOW, BODY_STALL_TIMEOUT};

/// Why a body was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlowBody {
    /// Nothing came for too long.
    Stalled,
    /// Too little came.
    Trickled,
}

impl fmt::Display for SlowBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stalled => "no byte of the body came for too long",
            Self::Trickled => "the body came too slowly",
        })
    }
}

impl Error for SlowBody {}

/// A request body with a limit on its slowness. Only time in which the body is wanted and does not
/// come counts: a server that is itself slow to read cuts nobody.
#[derive(Debug)]
pub(super) struct GuardedBody<B: Body> {
    inner: B,
    connection: Arc<Activity>,
    deadline: Deadline,
    waiting_since: Option<Instant>,
    window: Window,
    over: bool,
}

/// What came in the present stretch of waiting.
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

impl<B: Body> GuardedBody<B> {
    pub(super) fn new(inner: B, connection: Arc<Activity>) -> Self {
        Self {
            inner,
            connection,
            deadline: Deadline::default(),
            waiting_since: None,
            window: Window::default(),
            over: false,
        }
    }

    /// Waits on, unless that has been too long.
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
        // The window is over in the midst of a wait: judge it, and wait on in a new one.
        if self.window.is_too_slow() {
            return Poll::Ready(SlowBody::Trickled);
        }
        self.window = Window::default();
        self.waiting_since = Some(Instant::now());
        self.deadline.arm(BODY_STALL_TIMEOUT);
        self.deadline.poll(cx).map(|()| SlowBody::Stalled)
    }

    /// Counts what came and how long it was waited for; answers whether that was too slow.
    fn note_arrival(&mut self, bytes: usize) -> bool {
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

impl<B> Body for GuardedBody<B>
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
                if this.note_arrival(frame.data_ref().map_or(0, Bytes::len)) {
                    return Poll::Ready(Some(Err(SlowBody::Trickled.into())));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                this.over = true;
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

impl<B: Body> Drop for GuardedBody<B> {
    fn drop(&mut self) {
        if !self.over && !self.inner.is_end_stream() {
            self.connection.note_left_unread();
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

    /// `count` pieces of `size` bytes, each `pause` after the one before.
    fn paced(count: usize, size: usize, pause: Duration) -> Pieces {
        Box::pin(stream::unfold(0, move |sent| async move {
            if sent == count {
                return None;
            }
            tokio::time::sleep(pause).await;
            Some((Ok(Frame::data(Bytes::from(vec![0; size]))), sent + 1))
        }))
    }

    async fn read(pieces: Pieces) -> Result<usize, SlowBody> {
        let guarded = GuardedBody::new(StreamBody::new(pieces), Activity::new());
        match guarded.collect().await {
            Ok(collected) => Ok(collected.to_bytes().len()),
            Err(error) => Err(*error.downcast::<SlowBody>().unwrap()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_body_may_take_as_long_as_it_likes() {
        let slow_but_fair = paced(500, 30 << 10, Duration::from_secs(20));
        assert_eq!(read(slow_but_fair).await, Ok(500 * (30 << 10)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_is_cut() {
        let started = Instant::now();
        let stalled = paced(1, 1 << 20, Duration::from_hours(1));
        assert_eq!(read(stalled).await, Err(SlowBody::Stalled));
        assert_eq!(started.elapsed().as_secs(), BODY_STALL_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_cut() {
        let started = Instant::now();
        let trickle = paced(1_000_000, 1, Duration::from_secs(7));
        assert_eq!(read(trickle).await, Err(SlowBody::Trickled));
        assert_eq!(started.elapsed().as_secs(), BODY_RATE_WINDOW.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_begins_well_and_trickles_later_is_cut() {
        let started = Instant::now();
        let well = paced(60, 1 << 10, Duration::from_secs(1));
        let trickle = paced(1000, 100, Duration::from_secs(1));
        let body = Box::pin(well.chain(trickle));
        assert_eq!(read(body).await, Err(SlowBody::Trickled));
        assert_eq!(started.elapsed().as_secs(), 2 * BODY_RATE_WINDOW.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_reads_does_not_count() {
        let body = StreamBody::new(paced(3, 10, Duration::from_millis(1)));
        let mut guarded = GuardedBody::new(body, Activity::new());
        while let Some(frame) = guarded.frame().await {
            frame.unwrap();
            tokio::time::sleep(Duration::from_mins(10)).await;
        }
    }

    #[tokio::test]
    async fn a_body_that_was_not_read_to_its_end_is_noted() {
        let activity = Activity::new();
        let whole = GuardedBody::new(Full::new(Bytes::from("all")), activity.clone());
        whole.collect().await.unwrap();
        drop(GuardedBody::new(Full::new(Bytes::new()), activity.clone()));
        assert!(!activity.has_left_unread());
        drop(GuardedBody::new(
            Full::new(Bytes::from("all")),
            activity.clone(),
        ));
        assert!(activity.has_left_unread());
    }
}
