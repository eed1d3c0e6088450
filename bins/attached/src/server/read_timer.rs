//! Limits how long an HTTP/1 connection waits for the head of a request.

use std::task::{Context, Poll};
use std::time::Duration;

use super::activity::Activity;
use super::deadline::Deadline;
use super::limits::{HEAD_TIMEOUT, IDLE_TIMEOUT};

/// The data that a read waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The rest of a head; on a new connection, all of it.
    Head,
    /// The first byte of the next head.
    NextHead,
    /// The request in flight, whose body has its own limits.
    Request,
    /// HTTP/2 frames: the connection is timed elsewhere.
    Http2,
}

/// The timer of a connection's reads: [`HEAD_TIMEOUT`] for a head, [`IDLE_TIMEOUT`] between requests.
#[derive(Debug)]
pub(super) struct ReadTimer {
    waiting: Waiting,
    /// The number of requests when the current wait started.
    requests_before: u64,
    deadline: Deadline,
}

impl ReadTimer {
    /// Starts with the head of the first request.
    pub(super) fn start() -> Self {
        let mut deadline = Deadline::default();
        deadline.arm(HEAD_TIMEOUT);
        Self {
            waiting: Waiting::Head,
            requests_before: 0,
            deadline,
        }
    }

    /// Stops timing, because the connection speaks HTTP/2.
    pub(super) fn disable_for_http2(&mut self) {
        self.waiting = Waiting::Http2;
    }

    /// Notes that bytes arrived. Between requests, they start a head.
    pub(super) fn note_data(&mut self, activity: &Activity) {
        let is_between_requests = self.waiting == Waiting::NextHead || self.head_is_over(activity);
        if self.waiting != Waiting::Http2 && !activity.is_busy() && is_between_requests {
            self.wait_for(Waiting::Head, HEAD_TIMEOUT, activity);
        }
    }

    /// Returns `Ready` once the client has taken too long. Call it if no bytes are available.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>, activity: &Activity) -> Poll<()> {
        if self.waiting == Waiting::Http2 {
            return Poll::Pending;
        }
        if activity.is_busy() {
            self.waiting = Waiting::Request;
            return Poll::Pending;
        }
        if self.head_is_over(activity) {
            self.wait_for(Waiting::NextHead, IDLE_TIMEOUT, activity);
        }
        self.deadline.poll(cx)
    }

    /// Returns `true` if a head has started and no request has come of it.
    pub(super) fn is_in_head(&self, activity: &Activity) -> bool {
        self.waiting == Waiting::Head && !self.head_is_over(activity)
    }

    /// Returns `true` if a request has started since the current wait did. A request may start and
    /// end between two reads.
    fn head_is_over(&self, activity: &Activity) -> bool {
        self.waiting == Waiting::Request || self.requests_before != activity.request_count()
    }

    fn wait_for(&mut self, waiting: Waiting, timeout: Duration, activity: &Activity) {
        self.waiting = waiting;
        self.requests_before = activity.request_count();
        self.deadline.arm(timeout);
    }
}
