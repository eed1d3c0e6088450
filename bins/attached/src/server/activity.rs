//! The state of one connection: its requests in flight, and unread bodies.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::refusals::PeerRefusals;

/// The state of one connection, shared by its I/O, its requests and its driver.
#[derive(Debug)]
pub(super) struct Activity {
    /// The client's address, if it is to be logged.
    logged_address: OnceLock<IpAddr>,
    /// The refused requests of the peer, unless they are not limited.
    refusals: OnceLock<PeerRefusals>,
    in_flight: watch::Sender<usize>,
    request_count: AtomicU64,
    has_unread_body: AtomicBool,
    /// The places of the server's stream pool that the connection holds.
    stream_places: Arc<AtomicUsize>,
    opened: Instant,
    /// The end of the last request, in milliseconds since `opened`.
    last_end_millis: AtomicU64,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            logged_address: OnceLock::new(),
            refusals: OnceLock::new(),
            in_flight: watch::Sender::new(0),
            request_count: AtomicU64::new(0),
            has_unread_body: AtomicBool::new(false),
            stream_places: Arc::default(),
            opened: Instant::now(),
            last_end_millis: AtomicU64::new(0),
        })
    }

    /// Adds the client's address to the log lines of this connection.
    pub(super) fn log_address(&self, address: IpAddr) {
        // Set once, when the connection begins.
        let _ = self.logged_address.set(address);
    }

    /// Limits the log lines of refused requests of this connection.
    pub(super) fn limit_refusals(&self, refusals: PeerRefusals) {
        let _ = self.refusals.set(refusals);
    }

    /// Counts a request until the returned guard is dropped.
    pub(super) fn start_request(self: &Arc<Self>) -> ActiveRequest {
        self.request_count.fetch_add(1, Ordering::Relaxed);
        let mut is_only = false;
        self.in_flight.send_modify(|count| {
            is_only = *count == 0;
            *count += 1;
        });
        ActiveRequest {
            connection: self.clone(),
            is_only,
        }
    }

    /// Returns the number of requests so far.
    pub(super) fn request_count(&self) -> u64 {
        self.request_count.load(Ordering::Relaxed)
    }

    /// Returns `true` if a request is in flight.
    pub(super) fn is_busy(&self) -> bool {
        *self.in_flight.borrow() > 0
    }

    /// Returns the number of places of the stream pool that the connection holds.
    pub(super) fn stream_places(&self) -> &Arc<AtomicUsize> {
        &self.stream_places
    }

    /// Returns the timestamp since which no request has been in flight; `None` if one is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let last_end = Duration::from_millis(self.last_end_millis.load(Ordering::Relaxed));
        (!self.is_busy()).then_some(self.opened + last_end)
    }

    /// Notes that a request's body was not read to its end.
    pub(super) fn note_unread_body(&self) {
        self.has_unread_body.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if a request's body was not read to its end.
    pub(super) fn has_unread_body(&self) -> bool {
        self.has_unread_body.load(Ordering::Relaxed)
    }

    /// Waits until no request has been in flight for this long.
    pub(super) async fn idle_for(&self, length: Duration) {
        let mut count = self.in_flight.subscribe();
        loop {
            // The sender is in `self`, so neither wait can fail.
            let _ = count.wait_for(|count| *count == 0).await;
            if tokio::time::timeout(length, count.changed()).await.is_err() {
                return;
            }
        }
    }
}

/// A request in flight.
#[derive(Debug)]
pub(super) struct ActiveRequest {
    connection: Arc<Activity>,
    is_only: bool,
}

impl ActiveRequest {
    /// Returns the client's address, if it is to be logged.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.connection.logged_address.get().copied()
    }

    /// Counts the log line of a refused request. Returns `false` if there have been too many.
    pub(super) fn may_log_refusal(&self) -> bool {
        let refusals = self.connection.refusals.get();
        refusals.is_none_or(PeerRefusals::may_log)
    }

    /// Returns `true` if no other request of the connection was in flight when this one started.
    pub(super) fn is_only(&self) -> bool {
        self.is_only
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let since_opened = self.connection.opened.elapsed().as_millis();
        let since_opened = u64::try_from(since_opened).unwrap_or(u64::MAX);
        self.connection
            .last_end_millis
            .store(since_opened, Ordering::Relaxed);
        self.connection.in_flight.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn idle_time_starts_at_the_end_of_the_last_request() {
        let activity = Activity::new();
        let request = activity.start_request();
        let started = Instant::now();
        let waiting = tokio::spawn({
            let activity = activity.clone();
            async move { activity.idle_for(Duration::from_mins(1)).await }
        });
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert!(!waiting.is_finished());
        drop(request);
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(activity.start_request());
        waiting.await.unwrap();
        assert_eq!(started.elapsed().as_secs(), 190);
    }
}
