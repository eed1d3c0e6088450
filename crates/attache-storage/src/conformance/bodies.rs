//! Bodies to put: well-behaved ones, broken ones, and ones that watch how they are read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use tokio::sync::oneshot;

use crate::{Body, BodyError};

/// As many bytes as any check needs, a little more for each seed.
const PATTERN_BYTES: usize = 10 * 1024 * 1024;

/// How far the patterns of two seeds are apart.
const SEED_BYTES: usize = 1009;

/// Made once: in a debug build that takes longer than many a check.
static PATTERN: LazyLock<Bytes> = LazyLock::new(|| {
    let mut bytes = BytesMut::with_capacity(PATTERN_BYTES);
    let mut state = 0_u64;
    while bytes.len() < PATTERN_BYTES {
        // A step of the splitmix generator: no two of its numbers are alike.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bytes.extend_from_slice(&mixed.to_le_bytes());
    }
    bytes.freeze()
});

/// Bytes that differ everywhere, so that one that is missing or moved shows.
pub(super) fn pattern(size: usize, seed: usize) -> Bytes {
    let start = seed * SEED_BYTES;
    PATTERN.slice(start..start + size)
}

/// The bytes cut into chunks.
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

/// A body of unknown length in chunks from none to many bytes, empty ones at both ends.
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

/// A body that gives its bytes and is then cut off.
pub(super) fn aborted(bytes: &Bytes) -> Body {
    let given = chunks(bytes, 64 * 1024).into_iter().map(Ok);
    let error = BodyError::Aborted("the conformance suite cut it off".into());
    Body::from_stream(stream::iter(given.chain([Err(error)])))
}

/// A body that gives its bytes and then nothing more, not even an end; says when it has got there.
pub(super) fn stuck(bytes: &Bytes) -> (Body, oneshot::Receiver<()>) {
    let (sender, receiver) = oneshot::channel();
    let mut sender = Some(sender);
    let given = stream::iter(chunks(bytes, 64 * 1024)).map(Ok);
    let forever = stream::poll_fn(move |_| {
        announce(&mut sender);
        Poll::Pending
    });
    (Body::from_stream(given.chain(forever)), receiver)
}

/// A body that says when it has come to its end.
pub(super) fn announcing_end(bytes: &Bytes) -> (Body, oneshot::Receiver<()>) {
    let (sender, receiver) = oneshot::channel();
    let mut sender = Some(sender);
    let given = stream::iter(chunks(bytes, 64 * 1024)).map(Ok);
    let end = stream::poll_fn(move |_| {
        announce(&mut sender);
        Poll::Ready(None)
    });
    (Body::from_stream(given.chain(end)), receiver)
}

fn announce(sender: &mut Option<oneshot::Sender<()>>) {
    if let Some(sender) = sender.take() {
        // Nobody may be waiting any more.
        let _ = sender.send(());
    }
}

/// Whether a body was read after its end.
#[derive(Clone, Default)]
pub(super) struct EndWatch {
    was_passed: Arc<AtomicBool>,
}

impl EndWatch {
    /// Watches a body for being polled after it ended or failed.
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
