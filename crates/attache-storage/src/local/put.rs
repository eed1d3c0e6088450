//! A put's async half: it gathers the body while the disk takes what was gathered before.

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

/// How much is gathered before the disk is bothered. A put holds two of these and the sender's own
/// chunks.
const BATCH_BYTES: usize = 256 * 1024;

/// Stores a body.
///
/// A blocking thread is occupied only while there is something to hash and write, so that slow
/// senders, however many, occupy none; a body of one batch takes one trip. A dropped future leaves
/// no trace: the half that writes sees nothing but batches, and only the last of them, which a
/// broken or abandoned body never has, makes the blob.
pub(super) async fn put(
    shared: &Arc<Shared>,
    key: &BlobKey,
    body: Body,
    options: PutOptions,
) -> Result<StoredBlob, WriteError> {
    shared.check_not_degraded()?;
    let verifier = BodyVerifier::new(&body, options)?;
    let writer = Writer::new(Arc::clone(shared), verifier, body.exact_size_bytes());
    let interest = Interest::new();
    let mut batches = Batches::new(body);
    let mut disk = WriterPlace::Here(Box::new(writer));
    loop {
        let batch = match next_batch(&mut batches, &mut disk).await? {
            Ok(batch) => batch,
            Err(error) => {
                // A failure of the disk in the meantime has cleaned up behind itself.
                if let Ok(writer) = disk.take().await {
                    blocking(move || writer.discard()).await?;
                }
                return Err(error.into());
            }
        };
        let writer = disk.take().await?;
        let bytes = batch.bytes;
        if batch.is_last {
            let (key, fate) = (key.clone(), Arc::clone(&interest.fate));
            let commit = move || writer.write(&bytes)?.commit(&key, &fate);
            return blocking(commit).await?;
        }
        disk = WriterPlace::Away(tokio::task::spawn_blocking(move || writer.write(&bytes)));
    }
}

/// Waits for the next batch, and meanwhile for the disk: its failure is not to wait for a sender that
/// may be slow.
async fn next_batch(
    batches: &mut Batches,
    disk: &mut WriterPlace,
) -> Result<Result<Batch, BodyError>, WriteError> {
    match select(pin!(batches.next()), pin!(disk.settle())).await {
        Either::Left((batch, _)) => Ok(batch),
        Either::Right((settled, next)) => {
            settled?;
            Ok(next.await)
        }
    }
}

/// Where the writer is: waiting for work, or at it on a blocking thread.
enum WriterPlace {
    Here(Box<Writer>),
    Away(JoinHandle<Result<Writer, WriteError>>),
}

impl WriterPlace {
    /// Waits until the writer is back. Cancel safe.
    async fn settle(&mut self) -> Result<(), WriteError> {
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

/// The interest that a put's caller has in it: lost when the future is dropped.
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

/// A body cut anew: whatever chunks a sender makes, the disk gets a few large ones.
struct Batches {
    body: Body,
    gathered: BytesMut,
}

struct Batch {
    bytes: Bytes,
    /// Whether the body came to its proper end here. Never true of one that was cut off.
    is_last: bool,
}

impl Batches {
    fn new(body: Body) -> Self {
        Self {
            body,
            gathered: BytesMut::new(),
        }
    }

    /// The next batch; not to be called again after the last or an error.
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
                // The next batch will be as large, so it need not grow step by step.
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
