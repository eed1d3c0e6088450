//! Waits for what the server does in its own time.

use std::fmt::Debug;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(50);

/// Looks again and again until what is seen is as wanted; fails with the last look at the deadline.
pub(crate) async fn eventually<T: Debug>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> T,
    wanted: impl Fn(&T) -> bool,
) -> T {
    let started = Instant::now();
    loop {
        let seen = look().await;
        if wanted(&seen) {
            return seen;
        }
        assert!(
            started.elapsed() < deadline,
            "{what}: still not so after {deadline:?}: {seen:?}"
        );
        tokio::time::sleep(PAUSE).await;
    }
}
