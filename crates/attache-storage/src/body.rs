//! Bytes on their way in: a stream whose failures are the sender's, apart from the store's.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use attache_model::Sha256Digest;
use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;

/// A boxed stream of bytes, as backends read and give it.
pub type ByteStream<E> = Pin<Box<dyn Stream<Item = Result<Bytes, E>> + Send + 'static>>;

/// What went wrong with the bytes themselves: the sender's fault, never the store's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The sender went away, stalled, or sent something that could not be read. A broken body is
    /// always this error, never a short success.
    #[error("the body was cut off")]
    Aborted(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// More bytes came than are allowed.
    #[error("the body is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The most that would have been taken.
        limit_bytes: u64,
    },
    /// Another number of bytes came than was promised.
    #[error("the body has {actual_bytes} bytes where {expected_bytes} were promised")]
    WrongLength {
        /// What was promised.
        expected_bytes: u64,
        /// What came; where more came, the count at which reading stopped.
        actual_bytes: u64,
    },
    /// The bytes have another SHA-256 than was promised.
    #[error("the body has the sha256 {actual} where {expected} was promised")]
    WrongDigest {
        /// What was promised.
        expected: Sha256Digest,
        /// What the bytes have.
        actual: Sha256Digest,
    },
}

/// A body to store: a stream of [`Bytes`] and, where known, its exact length.
///
/// A backend reads the stream to its end or drops it; it never holds more of it than a bounded
/// number of chunks.
pub struct Body {
    stream: ByteStream<BodyError>,
    exact_size_bytes: Option<u64>,
}

impl Body {
    /// Wraps a stream of unknown length.
    pub fn from_stream<S>(stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + 'static,
    {
        Self {
            stream: Box::pin(stream),
            exact_size_bytes: None,
        }
    }

    /// States how many bytes the stream will give. A put of a stream that gives another number fails
    /// with [`BodyError::WrongLength`].
    #[must_use]
    pub fn with_exact_size(mut self, size_bytes: u64) -> Self {
        self.exact_size_bytes = Some(size_bytes);
        self
    }

    /// How many bytes were promised; `None` where nobody knows.
    pub fn exact_size_bytes(&self) -> Option<u64> {
        self.exact_size_bytes
    }

    /// Passes the stream through a function, such as one that counts, keeping the promised length.
    #[must_use]
    pub fn map_stream<S>(self, map: impl FnOnce(ByteStream<BodyError>) -> S) -> Self
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + 'static,
    {
        Self {
            stream: Box::pin(map(self.stream)),
            exact_size_bytes: self.exact_size_bytes,
        }
    }
}

impl From<Bytes> for Body {
    /// A body that is in memory already.
    fn from(bytes: Bytes) -> Self {
        let size_bytes = bytes.len() as u64;
        let chunks = if bytes.is_empty() {
            vec![]
        } else {
            vec![Ok(bytes)]
        };
        Self::from_stream(futures_util::stream::iter(chunks)).with_exact_size(size_bytes)
    }
}

impl Stream for Body {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.poll_next_unpin(cx)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("exact_size_bytes", &self.exact_size_bytes)
            .finish_non_exhaustive()
    }
}
