//! Ends one stream of an HTTP/2 connection whose client does not read its response. The others go on.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    /// The watch of the stream that the task serves.
    static WATCH: Arc<StreamWatch>;
}

/// The time since when a response waits for its client to read what was sent.
#[derive(Debug, Default)]
pub(super) struct StreamWatch {
    waiting_since: Mutex<Option<Instant>>,
}

impl StreamWatch {
    /// Serves a stream until it ends, or until its client has read nothing of the response for this
    /// long. Dropping the future of a stream resets it.
    pub(super) async fn watch(stream: impl Future, length: Duration) {
        let watch = Arc::new(Self::default());
        let stalled = watch.clone();
        tokio::select! {
            _ = WATCH.scope(watch, stream) => {}
            () = stalled.stalled_for(length) => {
                tracing::debug!("the client does not read a response");
            }
        }
    }

    /// Returns the watch of the stream that this task serves; `None` outside of HTTP/2.
    pub(super) fn current() -> Option<Arc<Self>> {
        WATCH.try_with(Arc::clone).ok()
    }

    /// Notes that a part of the response waits for the client to read it.
    pub(super) fn note_waiting(&self) {
        self.set(Some(Instant::now()));
    }

    /// Notes that the client has read what was waiting.
    pub(super) fn note_read(&self) {
        self.set(None);
    }

    fn set(&self, since: Option<Instant>) {
        let waiting_since = self.waiting_since.lock();
        *waiting_since.unwrap_or_else(PoisonError::into_inner) = since;
    }

    async fn stalled_for(&self, length: Duration) {
        loop {
            tokio::time::sleep(length / 12).await;
            let since = self.waiting_since.lock();
            let since = *since.unwrap_or_else(PoisonError::into_inner);
            if since.is_some_and(|since| since.elapsed() >= length) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn stream_that_is_read_now_and_then_goes_on() {
        let started = Instant::now();
        let reading = async {
            let watch = StreamWatch::current().unwrap();
            for _ in 0..10 {
                watch.note_waiting();
                tokio::time::sleep(LENGTH / 2).await;
                watch.note_read();
            }
            // A handler that takes its time is none of the client's.
            tokio::time::sleep(LENGTH * 2).await;
        };
        StreamWatch::watch(reading, LENGTH).await;
        assert_eq!(started.elapsed(), LENGTH * 7);
    }

    #[tokio::test(start_paused = true)]
    async fn stream_that_is_not_read_ends() {
        let started = Instant::now();
        let stalled = async {
            StreamWatch::current().unwrap().note_waiting();
            std::future::pending::<()>().await;
        };
        StreamWatch::watch(stalled, LENGTH).await;
        assert!(started.elapsed() >= LENGTH && started.elapsed() <= LENGTH * 2);
        assert!(StreamWatch::current().is_none());
    }
}
