//! The lingering close: reads and discards what a client is still sending, within limits.
//!
//! Closing a socket with unread input resets the connection, and the client may lose the last response.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::deadline::Deadline;
use super::limits::{LINGER_MAX_BYTES, LINGER_TIMEOUT};

/// A lingering close in progress.
#[derive(Debug)]
pub(super) struct Linger {
    deadline: Deadline,
    remaining_bytes: usize,
}

impl Linger {
    pub(super) fn start() -> Self {
        let mut deadline = Deadline::default();
        deadline.arm(LINGER_TIMEOUT);
        Self {
            deadline,
            remaining_bytes: LINGER_MAX_BYTES,
        }
    }

    /// Discards input until its end, an error, or one of the limits.
    pub(super) fn poll_discard(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut (impl AsyncRead + Unpin),
    ) -> Poll<()> {
        while self.deadline.poll(cx).is_pending() {
            let mut piece = [MaybeUninit::uninit(); 16 << 10];
            let mut buffer = ReadBuf::uninit(&mut piece);
            let read = ready!(Pin::new(&mut *reader).poll_read(cx, &mut buffer));
            let size_bytes = buffer.filled().len();
            if read.is_err() || size_bytes == 0 || self.remaining_bytes < size_bytes {
                break;
            }
            self.remaining_bytes -= size_bytes;
        }
        Poll::Ready(())
    }
}
