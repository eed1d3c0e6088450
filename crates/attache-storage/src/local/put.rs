//! The async half of a put: it reads the next batch of the body while the disk writes the last.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};
use tokio::task::JoinHandle;

use super::batches::{Batch, Batches};
use super::blocking::{blocking, finished};
use super::error::WriteError;
use super::fate::Interest;
use super::segments::{self, SlotPlace};
use super::shared::Shared;
use super::staged::Writer;
use crate::{BlobKey, Body, BodyError, BodyVerifier, PutOptions, StoredBlob};

/// Stores a body.
///
/// A blocking thread, of which a disk gets part, is occupied only while there is something to hash and write, so slow senders
/// occupy none, however many they are. A body of one batch takes one trip to a thread. A dropped
/// future leaves nothing: only the last batch creates the blob, and a broken or abandoned body has
/// no last batch.
pub(super) async fn put(
    shared: &Arc<Shared>,
    key: &BlobKey,
    body: Body,
    options: PutOptions,
) -> Result<StoredBlob, WriteError> {
    if let Some(place) = SlotPlace::of_key(key.as_str()) {
        return segments::put(shared, key, place, body, options).await;
    }
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
                    let place = shared.places.change(key).await?;
                    blocking(move || {
                        let _place = place;
                        writer.discard();
                    })
                    .await?;
                }
                return Err(error.into());
            }
        };
        let writer = disk.take().await?;
        let bytes = batch.bytes;
        let waiting = batch.is_last.then(|| shared.allocation.waiting());
        let place = shared.places.change(key).await?;
        if batch.is_last {
            let _waiting = waiting;
            let fate = Arc::clone(&interest.fate);
            let commit = move || {
                let _place = place;
                writer.write(&bytes)?.commit(&fate)
            };
            return blocking(commit).await?;
        }
        disk = WriterPlace::Away(tokio::task::spawn_blocking(move || {
            let _place = place;
            writer.write(&bytes)
        }));
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
