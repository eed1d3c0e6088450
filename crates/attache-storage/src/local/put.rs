//! The async half of a put: it reads the next batch of the body while the disk writes the last.

use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use futures_util::future::{Either, select};
use tokio::task::JoinHandle;

use super::blocking::{blocking, finished};
use super::error::WriteError;
use super::shared::Shared;
use super::staged::{Fate, Writer};
use crate::{BlobKey, Body, BodyError, BodyVerifier, PutOptions, StoredBlob};

/// The bytes that are gathered for one write. A put holds two batches and the sender's own chunks.
const BATCH_BYTES: usize = 256 * 1024;

/// Stores a body.
///
/// A blocking thread is occupied only while there is something to hash and write, so slow senders
/// occupy none, however many they are. A body of one batch takes one trip to a thread. A dropped
/// future leaves nothing: only the last batch creates the blob, and a broken or abandoned body has
/// no last batch.
pub(super) async fn put(
    shared: &Arc<Shared>,
    key: &BlobKey,
    body: Body,
    options: PutOptions,
) -> Result<StoredBlob, WriteError> {
    shared.check_not_degraded()?;
    let verifier = BodyVerifier::new(&body, options)?;
    let writer = Writer::new(
        Arc::clone(shared),
        key.clone(),
        verifier,
        body.exact_size_bytes(),
    );
    let interest = Interest::new();
    let mut batches = Batches::new(body);
    let mut disk = WriterPlace::Here(Box::new(writer));
    loop {
        let batch = match next_batch(&mut batches, &mut disk).await? {
            Ok(batch) => batch,
            Err(error) => {
                // A writer that failed in the meantime has removed its file.
                if let Ok(writer) = disk.take().await {
                    blocking(move || writer.discard()).await?;
                }
                return Err(error.into());
            }
        };
        let writer = disk.take().await?;
        let bytes = batch.bytes;
        if batch.is_last {
            let fate = Arc::clone(&interest.fate);
            let commit = move || writer.write(&bytes)?.commit(&fate);
            return blocking(commit).await?;
        }
        disk = WriterPlace::Away(tokio::task::spawn_blocking(move || writer.write(&bytes)));
    }
}

/// Waits for the next batch, and for the disk meanwhile: its failure must not wait for a slow
/// sender.
async fn next_batch(
    batches: &mut Batches,
    disk: &mut WriterPlace,
) -> Result<Result<Batch, BodyError>, WriteError> {
    match select(pin!(batches.next()), pin!(disk.join())).await {
        Either::Left((batch, _)) => Ok(batch),
        Either::Right((joined, next)) => {
            joined?;
            Ok(next.await)
        }
    }
}

/// The place of the writer: here, waiting for work, or writing on a blocking thread.
enum WriterPlace {
    Here(Box<Writer>),
    Away(JoinHandle<Result<Writer, WriteError>>),
}

impl WriterPlace {
    /// Waits until the writer is back. Cancel-safe.
    async fn join(&mut self) -> Result<(), WriteError> {
        if let Self::Away(task) = self {
            *self = Self::Here(Box::new(finished(task).await??));
        }
        Ok(())
    }

    async fn take(self) -> Result<Writer, WriteError> {
        match self {
            Self::Here(writer) => Ok(*writer),
            Self::Away(task) => finished(task).await?,
        }
    }
}

/// The caller's interest in a put, which ends when the future is dropped.
struct Interest {
    fate: Arc<Fate>,
}

impl Interest {
    fn new() -> Self {
        Self {
            fate: Arc::default(),
        }
    }
}

impl Drop for Interest {
    fn drop(&mut self) {
        self.fate.abandon();
    }
}

/// A body in batches: whatever chunks the sender makes, the disk gets a few large ones.
struct Batches {
    body: Body,
    gathered: BytesMut,
}

struct Batch {
    bytes: Bytes,
    /// True if the body ends here. Never true of a body that was cut off.
    is_last: bool,
}

impl Batches {
    fn new(body: Body) -> Self {
        Self {
            body,
            gathered: BytesMut::new(),
        }
    }

    /// Returns the next batch. Must not be called after the last batch or an error.
    async fn next(&mut self) -> Result<Batch, BodyError> {
        while let Some(chunk) = self.body.try_next().await? {
            if self.gathered.is_empty() && chunk.len() >= BATCH_BYTES {
                return Ok(Batch {
                    bytes: chunk,
                    is_last: false,
                });
            }
            self.gathered.extend_from_slice(&chunk);
            if self.gathered.len() >= BATCH_BYTES {
                let bytes = std::mem::take(&mut self.gathered).freeze();
                // The next batch will be as large: reserve it at once.
                self.gathered.reserve(BATCH_BYTES);
                return Ok(Batch {
                    bytes,
                    is_last: false,
                });
            }
        }
        Ok(Batch {
            bytes: std::mem::take(&mut self.gathered).freeze(),
            is_last: true,
        })
    }
}
