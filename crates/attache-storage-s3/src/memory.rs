//! The memory that the puts of a store share: taken as their bytes arrive, so that whoever sends
//! nothing holds nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::failure::S3Failure;

/// How long a put waits for others to give memory back. Those may wait for each other; that one of
/// them gives up is what lets the rest go on.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What a buffer takes first; then it doubles.
const FIRST_BYTES: usize = 64 * 1024;

/// What is left of the memory for parts. Whoever waits longest is served first.
#[derive(Debug, Clone)]
pub(crate) struct PartMemory {
    free_bytes: Arc<Semaphore>,
}

impl PartMemory {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        let limit_bytes = limit_bytes.min(Semaphore::MAX_PERMITS);
        Self {
            free_bytes: Arc::new(Semaphore::new(limit_bytes)),
        }
    }

    /// A buffer that holds nothing yet.
    pub(crate) fn begin(&self) -> PartBuffer {
        PartBuffer {
            bytes: Vec::new(),
            held: None,
            memory: self.clone(),
        }
    }

    async fn take(&self, size_bytes: usize) -> Result<OwnedSemaphorePermit, S3Failure> {
        let size_bytes = u32::try_from(size_bytes).unwrap_or(u32::MAX);
        let taking = Arc::clone(&self.free_bytes).acquire_many_owned(size_bytes);
        match timeout(LONGEST_WAIT, taking).await {
            Ok(Ok(taken)) => Ok(taken),
            // It is never closed.
            Ok(Err(_)) | Err(_) => Err(S3Failure::NoMemory),
        }
    }

    #[cfg(test)]
    pub(crate) fn free_bytes(&self) -> usize {
        self.free_bytes.available_permits()
    }
}

/// A part that is being gathered. All of its capacity is taken from the shared memory, and goes back
/// to it when the buffer, or the last clone of the bytes made of it, is dropped.
#[derive(Debug)]
pub(crate) struct PartBuffer {
    bytes: Vec<u8>,
    /// Declared after the bytes, so that it is given back after them.
    held: Option<OwnedSemaphorePermit>,
    memory: PartMemory,
}

impl PartBuffer {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds bytes, once there is memory for them; the buffer takes at most `most_bytes` or as much as
    /// it then holds. Dropped while it waits, it has added nothing.
    ///
    /// # Errors
    ///
    /// [`S3Failure::NoMemory`] where others do not give enough back within [`LONGEST_WAIT`].
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
        let more = self.memory.take(capacity_bytes - self.bytes.capacity());
        let more = more.await?;
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        self.bytes.reserve_exact(capacity_bytes - self.bytes.len());
        Ok(())
    }

    /// The bytes, which can be cloned and sent; the memory stays taken for as long as they are there.
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

    fn source(memory: &PartMemory, body: Body) -> PartSource {
        let verifier = BodyVerifier::new(&body, PutOptions::default()).unwrap();
        PartSource::new(body, verifier, PART_BYTES, memory)
    }

    /// A body of so many bytes in chunks, which counts those that are read.
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

    async fn part_of(memory: &PartMemory, size_bytes: usize) -> Result<Part, PutFailure> {
        let body = counted(size_bytes, &Arc::default());
        source(memory, body).next_part().await
    }

    fn is_out_of_memory(failed: &PutFailure) -> bool {
        matches!(failed, PutFailure::Store(failure @ S3Failure::NoMemory)
            if failure.kind() == BlobErrorKind::Unavailable)
    }

    #[tokio::test]
    async fn what_a_buffer_holds_is_taken_and_given_back() {
        for piece in [1, 999, 70 * KIB, PART_BYTES] {
            let memory = PartMemory::new(PART_BYTES);
            let mut buffer = memory.begin();
            while buffer.len() < PART_BYTES {
                let more = piece.min(PART_BYTES - buffer.len());
                buffer.extend(&vec![7; more], PART_BYTES).await.unwrap();
                let taken = PART_BYTES - memory.free_bytes();
                assert_eq!(taken, buffer.bytes.capacity(), "{piece}");
                assert!(taken <= FIRST_BYTES.max(2 * buffer.len()), "{piece}");
            }
            let bytes = buffer.freeze();
            let clone = bytes.slice(1..);
            drop(bytes);
            assert_eq!(memory.free_bytes(), 0, "{piece}");
            drop(clone);
            assert_eq!(memory.free_bytes(), PART_BYTES, "{piece}");
        }
    }

    #[tokio::test]
    async fn a_small_body_of_known_length_takes_its_length() {
        let memory = PartMemory::new(PART_BYTES);
        let part = source(&memory, Body::from(Bytes::from_static(b"four")));
        let part = { part }.next_part().await.ok().unwrap();
        assert_eq!(memory.free_bytes(), PART_BYTES - 4);
        drop(part);
        assert_eq!(memory.free_bytes(), PART_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn many_slow_puts_read_no_more_than_the_limit() {
        const LIMIT_BYTES: usize = 1024 * KIB;
        const PUTS: usize = 40;
        let memory = PartMemory::new(LIMIT_BYTES);
        let read = Arc::<AtomicUsize>::default();
        let puts = (0..PUTS).map(|_| {
            let body = counted(400 * KIB, &read);
            let endless = body.map_stream(|stream| stream.chain(stream::pending()));
            let mut source = source(&memory, endless);
            async move { source.next_part().await.err() }
        });
        let mut puts = pin!(join_all(puts));
        // Nobody has given up, and nobody is read while it waits: one chunk is at hand.
        let before_the_end = sleep(LONGEST_WAIT / 2);
        tokio::select! {
            _ = puts.as_mut() => panic!("endless bodies ended"),
            () = before_the_end => {}
        }
        let read_bytes = read.load(Ordering::Relaxed);
        assert!(
            read_bytes <= LIMIT_BYTES + PUTS * CHUNK_BYTES,
            "{read_bytes}"
        );
        assert!(read_bytes >= LIMIT_BYTES / 2, "{read_bytes}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_put_waits_for_another_to_end() {
        let memory = PartMemory::new(PART_BYTES);
        let first = part_of(&memory, PART_BYTES).await.ok().unwrap();
        let read = Arc::default();
        let mut waiting = source(&memory, counted(PART_BYTES, &read));
        let mut waiting = pin!(waiting.next_part());
        assert!(waiting.as_mut().now_or_never().is_none());
        sleep(LONGEST_WAIT / 2).await;
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(read.load(Ordering::Relaxed), CHUNK_BYTES);
        drop(first);
        let second = waiting.await.ok().unwrap();
        assert_eq!(second.bytes.len(), PART_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_put_that_waits_in_vain_is_unavailable() {
        let memory = PartMemory::new(PART_BYTES + FIRST_BYTES);
        let first = part_of(&memory, PART_BYTES).await.ok().unwrap();
        let since = Instant::now();
        let failed = part_of(&memory, PART_BYTES).await.err().unwrap();
        assert!(is_out_of_memory(&failed), "{failed:?}");
        assert_eq!(since.elapsed().as_secs(), LONGEST_WAIT.as_secs());
        assert_eq!(memory.free_bytes(), FIRST_BYTES);
        drop(first);
        assert_eq!(memory.free_bytes(), PART_BYTES + FIRST_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn puts_that_wait_for_each_other_do_not_all_fail() {
        let memory = PartMemory::new(2 * PART_BYTES);
        // All have half of what they need, and nothing is left.
        let puts = (0..4).map(|_| async {
            let body = counted(PART_BYTES, &Arc::default()).map_stream(|stream| {
                // So that they advance together.
                stream.then(async |chunk| {
                    yield_now().await;
                    chunk
                })
            });
            source(&memory, body).next_part().await.map(drop)
        });
        let ended = join_all(puts).await;
        let failed: Vec<_> = ended.iter().filter_map(|end| end.as_ref().err()).collect();
        assert!((1..4).contains(&failed.len()), "{failed:?}");
        assert!(failed.into_iter().all(is_out_of_memory));
        assert_eq!(memory.free_bytes(), 2 * PART_BYTES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_put_dropped_while_it_waits_gives_back_what_it_had() {
        let memory = PartMemory::new(PART_BYTES / 2);
        {
            let waiting = pin!(part_of(&memory, PART_BYTES));
            assert!(waiting.now_or_never().is_none());
            assert_eq!(memory.free_bytes(), 0);
        }
        assert_eq!(memory.free_bytes(), PART_BYTES / 2);
    }
}
