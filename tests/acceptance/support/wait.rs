//! Waits for the server's background work.

use std::fmt::Debug;
use std::time::{Duration, Instant};

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Polls until the result is as expected; fails after the timeout, with the last result.
pub(crate) async fn eventually<T: Debug>(
    condition: &str,
    timeout: Duration,
    mut poll: impl AsyncFnMut() -> T,
    is_expected: impl Fn(&T) -> bool,
) -> T {
    let started = Instant::now();
    loop {
        let last = poll().await;
        if is_expected(&last) {
            return last;
        }
        assert!(
            started.elapsed() < timeout,
            "timed out after {timeout:?} waiting until {condition}: {last:?}"
        );
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
