//! What happens on one connection: how many requests are under way, whether a body was left unread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// The state of one connection that its input and output, its requests and its driver share.
#[derive(Debug)]
pub(super) struct Activity {
    in_flight: watch::Sender<usize>,
    begun: AtomicU64,
    left_unread: AtomicBool,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            in_flight: watch::Sender::new(0),
            begun: AtomicU64::new(0),
            left_unread: AtomicBool::new(false),
        })
    }

    /// Counts a request for as long as the answer lives.
    pub(super) fn begin(self: &Arc<Self>) -> ActiveRequest {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.in_flight.send_modify(|count| *count += 1);
        ActiveRequest(self.clone())
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
pub(super) struct ActiveRequest(Arc<Activity>);

impl ActiveRequest {
    /// The connection it came by.
    pub(super) fn connection(&self) -> &Arc<Activity> {
        &self.0
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.in_flight.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

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
