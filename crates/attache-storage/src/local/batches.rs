//! A body in batches: what a sender has sent is handed on in large pieces, or after a while.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use tokio::time::{Instant, timeout_at};

use crate::{Body, BodyError};

/// The bytes that are gathered for one write. A put holds two batches and the sender's own chunks.
const BATCH_BYTES: usize = 256 * 1024;

/// The longest time for which bytes are gathered. What a slow sender has sent is then written, so that
/// many slow senders hold little memory. A sender of 256 KiB a second fills its batches.
const GATHER_TIMEOUT: Duration = Duration::from_secs(1);

/// A body in batches: whatever chunks the sender makes, the disk gets a few large ones.
pub(super) struct Batches {
    body: Body,
    gathered: BytesMut,
    /// The time at which what is gathered is written, if anything is.
    due_at: Option<Instant>,
    /// True if the last batch was full: then the next one will be, too.
    is_fast: bool,
}

pub(super) struct Batch {
    pub(super) bytes: Bytes,
    /// True if the body ends here. Never true of a body that was cut off.
    pub(super) is_last: bool,
}

impl Batches {
    pub(super) fn new(body: Body) -> Self {
        Self {
            body,
            gathered: BytesMut::new(),
            due_at: None,
            is_fast: false,
        }
    }

    /// Returns the next batch. Must not be called after the last batch or an error. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<Batch, BodyError> {
        loop {
            let chunk = match self.due_at {
                None => self.body.try_next().await?,
                Some(due_at) => match timeout_at(due_at, self.body.try_next()).await {
                    Ok(chunk) => chunk?,
                    Err(_) => return Ok(self.take(false)),
                },
            };
            let Some(chunk) = chunk else {
                return Ok(self.take(true));
            };
            if self.gathered.is_empty() {
                if chunk.len() >= BATCH_BYTES {
                    return Ok(Batch {
                        bytes: chunk,
                        is_last: false,
                    });
                }
                if self.is_fast {
                    // At once rather than by doubling.
                    self.gathered.reserve(BATCH_BYTES);
                }
            }
            self.gathered.extend_from_slice(&chunk);
            if self.gathered.len() >= BATCH_BYTES {
                return Ok(self.take(false));
            }
            if self.due_at.is_none() && !self.gathered.is_empty() {
                self.due_at = Some(Instant::now() + GATHER_TIMEOUT);
            }
        }
    }

    fn take(&mut self, is_last: bool) -> Batch {
        self.due_at = None;
        self.is_fast = self.gathered.len() >= BATCH_BYTES;
        Batch {
            bytes: std::mem::take(&mut self.gathered).freeze(),
            is_last,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use tokio::time::sleep;

    use super::*;

    /// Returns a body of `chunks`, each of which comes after a pause.
    fn paced(chunks: &[(u64, usize)]) -> Batches {
        let chunks = stream::iter(chunks.to_vec());
        Batches::new(Body::from_stream(chunks.then(
            async |(pause_ms, size_bytes)| {
                sleep(Duration::from_millis(pause_ms)).await;
                Ok(Bytes::from(vec![7; size_bytes]))
            },
        )))
    }

    async fn sizes_of(mut batches: Batches) -> Vec<usize> {
        let mut sizes = Vec::new();
        loop {
            let batch = batches.next().await.unwrap();
            sizes.push(batch.bytes.len());
            if batch.is_last {
                return sizes;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn fast_sender_makes_full_batches() {
        let chunks = [(1, 64 * 1024); 10];
        assert_eq!(
            sizes_of(paced(&chunks)).await,
            [BATCH_BYTES, BATCH_BYTES, BATCH_BYTES / 2]
        );
        assert_eq!(sizes_of(paced(&[(1, 10), (900, 10)])).await, [20]);
        assert_eq!(sizes_of(paced(&[])).await, [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn paused_sender_holds_nothing() {
        let mut batches = paced(&[(0, 200), (0, 100 * 1024), (600_000, 5)]);
        let since = Instant::now();
        let batch = batches.next().await.unwrap();
        assert_eq!(
            (batch.bytes.len(), batch.is_last),
            (200 + 100 * 1024, false)
        );
        assert_eq!(since.elapsed().as_secs(), GATHER_TIMEOUT.as_secs());
        assert_eq!(batches.gathered.capacity(), 0);
        assert_eq!(sizes_of(batches).await, [5]);
    }

    #[tokio::test(start_paused = true)]
    async fn trickle_is_written_every_second() {
        // Never a pause as long as the timeout, and never a full batch.
        let sizes = sizes_of(paced(&[(99, 100); 100])).await;
        assert_eq!(sizes.iter().sum::<usize>(), 100 * 100);
        assert!(sizes.iter().all(|size| *size <= 11 * 100), "{sizes:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn fast_sender_that_stops_holds_no_reserve() {
        let mut batches = paced(&[(0, BATCH_BYTES / 2), (0, BATCH_BYTES / 2), (600_000, 1)]);
        let batch = batches.next().await.unwrap();
        assert_eq!(batch.bytes.len(), BATCH_BYTES);
        drop(batch);
        assert!(futures_util::FutureExt::now_or_never(batches.next()).is_none());
        assert_eq!(batches.gathered.capacity(), 0);
    }
}
