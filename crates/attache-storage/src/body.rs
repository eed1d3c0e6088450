//! Bodies to store: a stream of bytes whose failures are the sender's, not the store's.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use attache_model::Sha256Digest;
use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;

/// A boxed stream of bytes, as backends read and return it.
pub type ByteStream<E> = Pin<Box<dyn Stream<Item = Result<Bytes, E>> + Send + 'static>>;

/// A fault of the bytes themselves: the sender's, never the store's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The sender disconnected, stalled, or sent something that could not be read. A broken body is
    /// always this error, never a short success.
    #[error("the body was cut off")]
    Aborted(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The body has more bytes than are allowed.
    #[error("the body is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The largest size that would have been accepted.
        limit_bytes: u64,
    },
    /// The body has another length than was declared.
    #[error("the body has {actual_bytes} bytes instead of the declared {expected_bytes}")]
    WrongLength {
        /// The declared length.
        expected_bytes: u64,
        /// The actual length; of a longer body, the count at which reading stopped.
        actual_bytes: u64,
    },
    /// The bytes have another SHA-256 than was expected.
    #[error("the body has the sha256 {actual} instead of the expected {expected}")]
    WrongDigest {
        /// The expected digest.
        expected: Sha256Digest,
        /// The actual digest.
        actual: Sha256Digest,
    },
}

/// A body to store: a stream of [`Bytes`] and, where known, its exact length.
///
/// A backend reads the stream to its end or drops it. It never holds more than a bounded number of
/// chunks.
pub struct Body {
    stream: ByteStream<BodyError>,
    exact_size_bytes: Option<u64>,
}

impl Body {
    /// Wraps a stream of unknown length.
    ///
    /// A failure of the sender must be the stream's last item, as [`BodyError::Aborted`]: a stream
    /// that just ends is a complete body.
    ///
    /// ```
    /// use attache_storage::{BlobKey, BlobStore, Body, BodyError, MemoryBlobStore, PutOptions};
    /// use bytes::Bytes;
    /// use futures_util::stream;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let chunks = ["%PDF", "-1.7"].map(|chunk| Ok::<_, BodyError>(Bytes::from(chunk)));
    /// let body = Body::from_stream(stream::iter(chunks)).with_exact_size(8);
    ///
    /// let key = BlobKey::parse("7/91/report")?;
    /// let stored = MemoryBlobStore::new().put(&key, body, PutOptions::default()).await?;
    /// assert_eq!(stored.size_bytes, 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_stream<S>(stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Send + 'static,
    {
        Self {
            stream: Box::pin(stream),
            exact_size_bytes: None,
        }
    }

    /// Declares the number of bytes in the stream. A put of a stream with another number fails with
    /// [`BodyError::WrongLength`].
    #[must_use]
    pub fn with_exact_size(mut self, size_bytes: u64) -> Self {
        self.exact_size_bytes = Some(size_bytes);
        self
    }

    /// Returns the declared number of bytes, or `None` if it is unknown.
    pub fn exact_size_bytes(&self) -> Option<u64> {
        self.exact_size_bytes
    }

    /// Passes the stream through a function, such as one that counts, and keeps the declared
    /// length.
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
    /// Wraps bytes in memory, and declares their length.
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
