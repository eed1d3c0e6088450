//! Bodies to put: valid ones, broken ones, and ones that observe how they are read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use tokio::sync::oneshot;

use crate::{Body, BodyError};

/// Enough bytes for every check and seed.
const PATTERN_BYTES: usize = 10 * 1024 * 1024;

/// The distance between the patterns of two seeds.
const SEED_BYTES: usize = 1009;

/// Computed once: in a debug build that takes longer than many checks.
static PATTERN: LazyLock<Bytes> = LazyLock::new(|| {
    let mut bytes = BytesMut::with_capacity(PATTERN_BYTES);
    let mut state = 0_u64;
    while bytes.len() < PATTERN_BYTES {
        // A step of the splitmix generator, which does not repeat.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bytes.extend_from_slice(&mixed.to_le_bytes());
    }
    bytes.freeze()
});

/// Returns bytes in which a missing or moved one is noticed.
pub(super) fn pattern(size: usize, seed: usize) -> Bytes {
    let start = seed * SEED_BYTES;
    PATTERN.slice(start..start + size)
}

/// Cuts bytes into chunks.
fn chunks(bytes: &Bytes, chunk_bytes: usize) -> Vec<Bytes> {
    let starts = (0..bytes.len()).step_by(chunk_bytes);
    starts
        .map(|start| bytes.slice(start..bytes.len().min(start + chunk_bytes)))
        .collect()
}

/// A body of unknown length in chunks of one size.
pub(super) fn chunked(bytes: &Bytes, chunk_bytes: usize) -> Body {
    Body::from_stream(stream::iter(chunks(bytes, chunk_bytes)).map(Ok))
}

/// A body of unknown length in chunks of very different sizes, with empty ones at both ends.
pub(super) fn uneven(bytes: &Bytes) -> Body {
    let mut rest = bytes.clone();
    let mut parts = vec![Bytes::new()];
    for length in [1, 0, 4096, 3, 70_000, 1].into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        parts.push(rest.split_to(rest.len().min(length)));
    }
    parts.push(Bytes::new());
    Body::from_stream(stream::iter(parts).map(Ok))
}

/// A body that is cut off after its bytes.
pub(super) fn aborted(bytes: &Bytes) -> Body {
    let chunks = chunks(bytes, 64 * 1024).into_iter().map(Ok);
    let error = BodyError::Aborted("the conformance suite cut it off".into());
    Body::from_stream(stream::iter(chunks.chain([Err(error)])))
}

/// A body that never ends, and a receiver that is notified when all its bytes were read.
pub(super) fn stuck(bytes: &Bytes) -> (Body, oneshot::Receiver<()>) {
    let (sender, receiver) = oneshot::channel();
    let mut sender = Some(sender);
    let chunks = stream::iter(chunks(bytes, 64 * 1024)).map(Ok);
    let forever = stream::poll_fn(move |_| {
        notify(&mut sender);
        Poll::Pending
    });
    (Body::from_stream(chunks.chain(forever)), receiver)
}

/// A body, and a receiver that is notified when its end is reached.
pub(super) fn notifying_end(bytes: &Bytes) -> (Body, oneshot::Receiver<()>) {
    let (sender, receiver) = oneshot::channel();
    let mut sender = Some(sender);
    let chunks = stream::iter(chunks(bytes, 64 * 1024)).map(Ok);
    let end = stream::poll_fn(move |_| {
        notify(&mut sender);
        Poll::Ready(None)
    });
    (Body::from_stream(chunks.chain(end)), receiver)
}

fn notify(sender: &mut Option<oneshot::Sender<()>>) {
    if let Some(sender) = sender.take() {
        // The receiver may be gone.
        let _ = sender.send(());
    }
}

/// Detects a body that is read after its end.
#[derive(Clone, Default)]
pub(super) struct EndWatch {
    was_passed: Arc<AtomicBool>,
}

impl EndWatch {
    /// Watches a body for a poll after its end or failure.
    pub(super) fn watch(&self, body: Body) -> Body {
        let was_passed = Arc::clone(&self.was_passed);
        body.map_stream(|mut inner| {
            let mut is_over = false;
            stream::poll_fn(move |cx| {
                if is_over {
                    was_passed.store(true, Ordering::Release);
                    return Poll::Ready(None);
                }
                let polled = inner.poll_next_unpin(cx);
                is_over = matches!(polled, Poll::Ready(None | Some(Err(_))));
                polled
            })
        })
    }

    pub(super) fn was_passed(&self) -> bool {
        self.was_passed.load(Ordering::Acquire)
    }
}
