//! What happens on one connection: how many requests are under way, which answers their client does
//! not take, whether a body was left unread.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The state of one connection that its input and output, its requests and its driver share.
#[derive(Debug)]
pub(super) struct Activity {
    in_flight: watch::Sender<usize>,
    begun: AtomicU64,
    left_unread: AtomicBool,
    /// The answers that wait for their client to take what it was given, and since when.
    waiting: Mutex<HashMap<u64, Instant>>,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            in_flight: watch::Sender::new(0),
            begun: AtomicU64::new(0),
            left_unread: AtomicBool::new(false),
            waiting: Mutex::default(),
        })
    }

    /// Counts a request for as long as the answer lives.
    pub(super) fn begin(self: &Arc<Self>) -> ActiveRequest {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        self.in_flight.send_modify(|count| *count += 1);
        ActiveRequest {
            connection: self.clone(),
            number,
        }
    }

    /// How many requests there have been.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether a request is under way.
    pub(super) fn is_busy(&self) -> bool {
        *self.in_flight.borrow() > 0
    }

    /// Notes that a request was answered without all of its body having been read.
    pub(super) fn note_left_unread(&self) {
        self.left_unread.store(true, Ordering::Relaxed);
    }

    /// Whether some request was answered before all of its body had been read.
    pub(super) fn has_left_unread(&self) -> bool {
        self.left_unread.load(Ordering::Relaxed)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the client has not taken what it was given of some answer for so long. A stream of
    /// HTTP/2 can stand still without the connection doing so.
    pub(super) async fn stalled_for(&self, length: Duration) {
        loop {
            tokio::time::sleep(length / 12).await;
            if self
                .waiting()
                .values()
                .any(|since| since.elapsed() >= length)
            {
                return;
            }
        }
    }

    /// Waits until there has been no request under way for so long.
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

/// A request under way.
#[derive(Debug)]
pub(super) struct ActiveRequest {
    connection: Arc<Activity>,
    number: u64,
}

impl ActiveRequest {
    /// The connection it came by.
    pub(super) fn connection(&self) -> &Arc<Activity> {
        &self.connection
    }

    /// Notes that the client was given some of the answer, and is to take it.
    pub(super) fn note_given(&self) {
        self.connection
            .waiting()
            .insert(self.number, Instant::now());
    }

    /// Notes that the client has taken what it was given.
    pub(super) fn note_taken(&self) {
        self.connection.waiting().remove(&self.number);
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.note_taken();
        self.connection.in_flight.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_stalls_and_one_that_is_does_not() {
        let activity = Activity::new();
        let (taken, left) = (activity.begin(), activity.begin());
        let length = Duration::from_mins(1);
        let waiting = tokio::spawn({
            let activity = activity.clone();
            async move { activity.stalled_for(length).await }
        });
        for _ in 0..10 {
            taken.note_given();
            tokio::time::sleep(length / 2).await;
            taken.note_taken();
        }
        assert!(!waiting.is_finished());
        left.note_given();
        tokio::time::sleep(length * 2).await;
        assert!(waiting.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn idleness_counts_from_the_end_of_the_last_request() {
        let activity = Activity::new();
        let request = activity.begin();
        let started = Instant::now();
        let waiting = tokio::spawn({
            let activity = activity.clone();
            async move { activity.idle_for(Duration::from_mins(1)).await }
        });
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert!(!waiting.is_finished());
        drop(request);
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(activity.begin());
        waiting.await.unwrap();
        assert_eq!(started.elapsed().as_secs(), 190);
    }
}
