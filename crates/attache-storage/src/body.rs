//! Bodies to store: a stream of bytes whose failures are the sender's, not the store's.

use std::fmt;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use attache_model::Sha256Digest;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use tokio::io::{AsyncRead, AsyncReadExt as _};

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

/// The bytes that are read from a reader at once.
const READ_BYTES: usize = 64 * 1024;

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
    /// use bytes::{Bytes, BytesMut};
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

    /// Wraps a reader of unknown length. A failure of the reader fails the put.
    pub fn from_reader(reader: impl AsyncRead + Send + 'static) -> Self {
        Self::from_stream(stream::try_unfold(Box::pin(reader), async |mut reader| {
            let mut chunk = BytesMut::with_capacity(READ_BYTES);
            let read = reader.read_buf(&mut chunk).await;
            let count = read.map_err(|error| BodyError::Aborted(error.into()))?;
            Ok((count > 0).then(|| (chunk.freeze(), reader)))
        }))
    }

    /// Opens a file as a body, and declares its length if it is a regular file: one that grows or shrinks
    /// meanwhile fails the put. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// Returns the error of opening the file.
    pub async fn open_file(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = tokio::fs::File::open(path).await?;
        let metadata = file.metadata().await?;
        let body = Self::from_reader(file);
        Ok(if metadata.is_file() {
            body.with_exact_size(metadata.len())
        } else {
            body
        })
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
        Self::from_stream(stream::iter(chunks)).with_exact_size(size_bytes)
    }
}

/// Wraps bytes in memory, and declares their length.
impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

/// Wraps a text in memory, and declares its length.
impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

/// Wraps bytes in the program, and declares their length.
impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from_static(bytes).into()
    }
}

/// Wraps a text in the program, and declares its length.
impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
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

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    async fn read(body: Body) -> (Option<u64>, Vec<u8>) {
        let size_bytes = body.exact_size_bytes();
        let chunks: Vec<Bytes> = body.try_collect().await.unwrap();
        (size_bytes, chunks.concat())
    }

    #[tokio::test]
    async fn body_is_made_of_memory_readers_and_files() {
        let bytes: Vec<u8> = (0..200_000_u32)
            .map(|number| number.to_le_bytes()[0])
            .collect();
        let size = Some(bytes.len() as u64);
        assert_eq!(read(bytes.clone().into()).await, (size, bytes.clone()));
        assert_eq!(read("abc".into()).await, (Some(3), b"abc".to_vec()));
        assert_eq!(read(String::new().into()).await, (Some(0), Vec::new()));
        let reader = std::io::Cursor::new(bytes.clone());
        assert_eq!(read(Body::from_reader(reader)).await, (None, bytes.clone()));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(
            read(Body::open_file(&path).await.unwrap()).await,
            (size, bytes)
        );
        let missing = Body::open_file(directory.path().join("missing")).await;
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn failure_of_a_reader_is_no_end() {
        let directory = tempfile::tempdir().unwrap();
        // A directory opens and cannot be read.
        let body = Body::open_file(directory.path()).await.unwrap();
        let failed = body.try_collect::<Vec<_>>().await.unwrap_err();
        assert!(matches!(failed, BodyError::Aborted(_)), "{failed:?}");
    }
}
