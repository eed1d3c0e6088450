//! The state of one connection: its requests in flight, stalled responses, and unread bodies.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The state of one connection, shared by its I/O, its requests and its driver.
#[derive(Debug)]
pub(super) struct Activity {
    /// The client's address, if it is to be logged.
    logged_address: OnceLock<IpAddr>,
    in_flight: watch::Sender<usize>,
    request_count: AtomicU64,
    has_unread_body: AtomicBool,
    /// The responses whose client has not yet read what was sent, and since when.
    unread_responses: Mutex<HashMap<u64, Instant>>,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            logged_address: OnceLock::new(),
            in_flight: watch::Sender::new(0),
            request_count: AtomicU64::new(0),
            has_unread_body: AtomicBool::new(false),
            unread_responses: Mutex::default(),
        })
    }

    /// Adds the client's address to the log lines of this connection.
    pub(super) fn log_address(&self, address: IpAddr) {
        // Set once, when the connection begins.
        let _ = self.logged_address.set(address);
    }

    /// Counts a request until the returned guard is dropped.
    pub(super) fn start_request(self: &Arc<Self>) -> ActiveRequest {
        let number = self.request_count.fetch_add(1, Ordering::Relaxed);
        self.in_flight.send_modify(|count| *count += 1);
        ActiveRequest {
            connection: self.clone(),
            number,
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

    /// Notes that a request's body was not read to its end.
    pub(super) fn note_unread_body(&self) {
        self.has_unread_body.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if a request's body was not read to its end.
    pub(super) fn has_unread_body(&self) -> bool {
        self.has_unread_body.load(Ordering::Relaxed)
    }

    fn unread_responses(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        let responses = self.unread_responses.lock();
        responses.unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the client has read nothing of some response for this long. On HTTP/2, one stream can
    /// stall while the connection does not.
    pub(super) async fn stalled_for(&self, length: Duration) {
        loop {
            tokio::time::sleep(length / 12).await;
            let stalled = |since: &Instant| since.elapsed() >= length;
            if self.unread_responses().values().any(stalled) {
                return;
            }
        }
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
    number: u64,
}

impl ActiveRequest {
    /// Returns the client's address, if it is to be logged.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.connection.logged_address.get().copied()
    }

    /// Notes that a part of the response waits for the client to read it.
    pub(super) fn note_response_waiting(&self) {
        let mut responses = self.connection.unread_responses();
        responses.insert(self.number, Instant::now());
    }

    /// Notes that the client has read what was waiting.
    pub(super) fn note_response_read(&self) {
        self.connection.unread_responses().remove(&self.number);
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.note_response_read();
        self.connection.in_flight.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn stall_is_detected_per_response() {
        let activity = Activity::new();
        let (read, stalled) = (activity.start_request(), activity.start_request());
        let length = Duration::from_mins(1);
        let waiting = tokio::spawn({
            let activity = activity.clone();
            async move { activity.stalled_for(length).await }
        });
        for _ in 0..10 {
            read.note_response_waiting();
            tokio::time::sleep(length / 2).await;
            read.note_response_read();
        }
        assert!(!waiting.is_finished());
        stalled.note_response_waiting();
        tokio::time::sleep(length * 2).await;
        assert!(waiting.is_finished());
    }

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
