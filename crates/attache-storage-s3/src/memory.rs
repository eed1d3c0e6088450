//! The buffers of puts, which share a memory budget: bytes are taken from it as they arrive, so that
//! a stalled sender holds little. Blobs whose keys begin with the same segment, those of one tenant,
//! have a fair share of it together.

use std::time::Duration;

use attache_storage::{BlobKey, BudgetShare, FairBudget};
use bytes::Bytes;
use tokio::time::timeout;

use crate::failure::S3Failure;

/// The time that a put waits for the budget. Puts may wait for each other; that one of them fails
/// lets the others continue.
pub(crate) const BUDGET_TIMEOUT: Duration = Duration::from_secs(10);

/// The first capacity of a buffer, which then doubles.
const FIRST_BYTES: usize = 64 * 1024;

/// Returns the first segment of a key: the owner of its share.
pub(crate) fn owner_of(key: &BlobKey) -> &str {
    let key = key.as_str();
    key.split_once('/').map_or(key, |(first, _)| first)
}

/// A part that is being gathered. Its capacity is taken from the budget, and returned when the
/// buffer, or the last clone of the bytes made from it, is dropped.
#[derive(Debug)]
pub(crate) struct PartBuffer {
    bytes: Vec<u8>,
    /// Declared after the bytes, so that it is returned after they are freed.
    taken: BudgetShare,
}

impl PartBuffer {
    pub(crate) fn new(budget: &FairBudget, owner: &str) -> Self {
        Self {
            bytes: Vec::new(),
            taken: budget.begin(owner),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds bytes once the budget allows it. The capacity doubles up to `most_bytes`. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`S3Failure::NoMemory`] if the budget is used up for [`BUDGET_TIMEOUT`].
    pub(crate) async fn extend(&mut self, more: &[u8], most_bytes: usize) -> Result<(), S3Failure> {
        let needed = self.bytes.len() + more.len();
        if needed > self.bytes.capacity() {
            let doubled = self.bytes.capacity().saturating_mul(2).max(FIRST_BYTES);
            self.grow(doubled.min(most_bytes).max(needed)).await?;
        }
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    async fn grow(&mut self, capacity_bytes: usize) -> Result<(), S3Failure> {
        let taking = self.taken.hold(capacity_bytes as u64);
        timeout(BUDGET_TIMEOUT, taking).await.map_err(|_| {
            let waited = BUDGET_TIMEOUT;
            S3Failure::NoMemory { waited }
        })?;
        self.bytes.reserve_exact(capacity_bytes - self.bytes.len());
        Ok(())
    }

    /// Converts into bytes that can be cloned and sent, and that return their budget on drop.
    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for PartBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use attache_storage::{BlobErrorKind, Body, BodyVerifier, PutOptions};
    use futures_util::future::join_all;
    use futures_util::{FutureExt, StreamExt, stream};
    use tokio::task::yield_now;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::failure::PutFailure;
    use crate::source::{Part, PartSource};

    const KIB: usize = 1024;
    const CHUNK_BYTES: usize = 50 * KIB;
    const PART_BYTES: usize = 512 * KIB;

    /// Returns a budget, all of which one owner may hold.
    fn budget(bytes: usize) -> FairBudget {
        FairBudget::new(bytes as u64, bytes as u64)
    }

    fn source_of(owner: &str, budget: &FairBudget, body: Body) -> PartSource {
        let verifier = BodyVerifier::new(&body, PutOptions::default()).unwrap();
        PartSource::new(body, verifier, PART_BYTES, budget, owner)
    }

    fn source(budget: &FairBudget, body: Body) -> PartSource {
        source_of("a", budget, body)
    }

    fn held(budget: &FairBudget) -> usize {
        usize::try_from(budget.held_bytes()).unwrap()
    }

    /// Returns a body in chunks that counts the bytes that are read.
    fn counted(size_bytes: usize, read: &Arc<AtomicUsize>) -> Body {
        let read = Arc::clone(read);
        let chunks = vec![0; size_bytes];
        let chunks: Vec<_> = chunks
            .chunks(CHUNK_BYTES)
            .map(Bytes::copy_from_slice)
            .collect();
        Body::from_stream(stream::iter(chunks).map(move |chunk| {
            read.fetch_add(chunk.len(), Ordering::Relaxed);
            Ok(chunk)
        }))
    }

    async fn part_of(budget: &FairBudget, size_bytes: usize) -> Result<Part, PutFailure> {
        let body = counted(size_bytes, &Arc::default());
        source(budget, body).next_part().await
    }

    fn is_out_of_memory(failed: &PutFailure) -> bool {
        matches!(failed, PutFailure::Store(failure @ S3Failure::NoMemory { .. })
            if failure.kind() == BlobErrorKind::Unavailable)
    }

    #[tokio::test]
    async fn capacity_is_taken_and_returned() {
        for piece in [1, 999, 70 * KIB, PART_BYTES] {
            let budget = budget(PART_BYTES);
            let mut buffer = PartBuffer::new(&budget, "a");
            while buffer.len() < PART_BYTES {
                let more = piece.min(PART_BYTES - buffer.len());
                buffer.extend(&vec![7; more], PART_BYTES).await.unwrap();
                let taken = held(&budget);
                assert_eq!(taken, buffer.bytes.capacity(), "{piece}");
                assert!(taken <= FIRST_BYTES.max(2 * buffer.len()), "{piece}");
            }
            let bytes = buffer.freeze();
            let clone = bytes.slice(1..);
            drop(bytes);
            assert_eq!(held(&budget), PART_BYTES, "{piece}");
            drop(clone);
            assert_eq!(held(&budget), 0, "{piece}");
        }
    }

    #[tokio::test]
    async fn body_of_known_length_takes_its_length() {
        let budget = budget(PART_BYTES);
        let part = source(&budget, Body::from(Bytes::from_static(b"four")));
        let part = { part }.next_part().await.ok().unwrap();
        assert_eq!(held(&budget), 4);
        drop(part);
        assert_eq!(held(&budget), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_puts_read_no_more_than_the_budget() {
        const LIMIT_BYTES: usize = 1024 * KIB;
        const PUTS: usize = 40;
        let budget = budget(LIMIT_BYTES);
        let read = Arc::<AtomicUsize>::default();
        let puts = (0..PUTS).map(|_| {
            let body = counted(400 * KIB, &read);
            let endless = body.map_stream(|stream| stream.chain(stream::pending()));
            let mut source = source(&budget, endless);
            async move { source.next_part().await.err() }
        });
        let mut puts = pin!(join_all(puts));
        // No put has failed yet, and a waiting put is not read: it has one chunk at hand.
        let before_timeout = sleep(BUDGET_TIMEOUT / 2);
        tokio::select! {
            _ = puts.as_mut() => panic!("endless bodies ended"),
            () = before_timeout => {}
        }
        let read_bytes = read.load(Ordering::Relaxed);
        assert!(
            read_bytes <= LIMIT_BYTES + PUTS * CHUNK_BYTES,
            "{read_bytes}"
        );
        assert!(read_bytes >= LIMIT_BYTES / 2, "{read_bytes}");
    }

    #[tokio::test(start_paused = true)]
    async fn put_waits_for_another_to_end() {
        let budget = budget(PART_BYTES);
        let first = part_of(&budget, PART_BYTES).await.ok().unwrap();
        let read = Arc::default();
        let mut waiting = source(&budget, counted(PART_BYTES, &read));
        let mut waiting = pin!(waiting.next_part());
        assert!(waiting.as_mut().now_or_never().is_none());
        sleep(BUDGET_TIMEOUT / 2).await;
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(read.load(Ordering::Relaxed), CHUNK_BYTES);
        drop(first);
        let second = waiting.await.ok().unwrap();
        assert_eq!(second.bytes.len(), PART_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn put_without_memory_is_unavailable() {
        let budget = budget(PART_BYTES + FIRST_BYTES);
        let first = part_of(&budget, PART_BYTES).await.ok().unwrap();
        let since = Instant::now();
        let failed = part_of(&budget, PART_BYTES).await.err().unwrap();
        assert!(is_out_of_memory(&failed), "{failed:?}");
        assert_eq!(since.elapsed().as_secs(), BUDGET_TIMEOUT.as_secs());
        assert_eq!(held(&budget), PART_BYTES);
        drop(first);
        assert_eq!(held(&budget), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn puts_waiting_for_each_other_do_not_all_fail() {
        let budget = budget(2 * PART_BYTES);
        // Each has half of what it needs, and nothing is left.
        let puts = (0..4).map(|_| async {
            let body = counted(PART_BYTES, &Arc::default()).map_stream(|stream| {
                // They advance together.
                stream.then(async |chunk| {
                    yield_now().await;
                    chunk
                })
            });
            source(&budget, body).next_part().await.map(drop)
        });
        let ended = join_all(puts).await;
        let failed: Vec<_> = ended.iter().filter_map(|end| end.as_ref().err()).collect();
        assert!((1..4).contains(&failed.len()), "{failed:?}");
        assert!(failed.into_iter().all(is_out_of_memory));
        assert_eq!(held(&budget), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_put_returns_its_memory() {
        let budget = budget(PART_BYTES);
        let other = part_of(&budget, PART_BYTES / 2).await.ok().unwrap();
        {
            let waiting = pin!(part_of(&budget, PART_BYTES));
            assert!(waiting.now_or_never().is_none());
            assert_eq!(held(&budget), PART_BYTES);
        }
        assert_eq!(held(&budget), PART_BYTES / 2);
        drop(other);
        assert_eq!(held(&budget), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn stalled_puts_of_one_owner_leave_room() {
        let budget = FairBudget::new(8 * PART_BYTES as u64, PART_BYTES as u64);
        let stalled = (0..40).map(|_| {
            let body = counted(PART_BYTES, &Arc::default());
            let endless = body.map_stream(|stream| stream.chain(stream::pending()));
            let mut source = source_of("greedy", &budget, endless);
            async move { source.next_part().await.err() }
        });
        let mut stalled = pin!(join_all(stalled));
        assert!(stalled.as_mut().now_or_never().is_none());
        let since = Instant::now();
        for owner in ["b", "c"] {
            let body = counted(PART_BYTES, &Arc::default());
            let part = source_of(owner, &budget, body).next_part().await;
            assert_eq!(part.ok().unwrap().bytes.len(), PART_BYTES);
        }
        assert_eq!(
            since.elapsed(),
            Duration::ZERO,
            "an owner waited for another"
        );
    }

    #[test]
    fn owner_is_first_segment_of_key() {
        for (key, owner) in [("a", "a"), ("a/b", "a"), ("a/b/c", "a")] {
            assert_eq!(owner_of(&BlobKey::parse(key).unwrap()), owner, "{key}");
        }
    }
}
