//! The async half of a put into a slot.

use std::sync::Arc;

use bytes::Bytes;

use super::super::batches::Batches;
use super::super::error::{LocalError, WriteError};
use super::super::fate::Interest;
use super::super::shared::Shared;
use super::queue::Change;
use super::work::submit;
use super::{CAPACITY_BYTES, SlotPlace};
use crate::{BlobKey, Body, BodyVerifier, PutOptions, StoredBlob};

/// Stores a small body in its slot.
///
/// A dropped future leaves nothing that is visible: without its head, which comes last, a slot is empty.
pub(crate) async fn put(
    shared: &Arc<Shared>,
    key: &BlobKey,
    place: SlotPlace<'_>,
    body: Body,
    options: PutOptions,
) -> Result<StoredBlob, WriteError> {
    shared.check_not_degraded()?;
    let mut verifier = BodyVerifier::new(&body, options)?;
    let interest = Interest::new();
    let mut batches = Batches::new(body);
    loop {
        let batch = batches.next().await?;
        let offset_bytes = verifier.size_bytes();
        verifier.update(&batch.bytes)?;
        if verifier.size_bytes() > CAPACITY_BYTES {
            return Err(LocalError::SlotTooSmall.into());
        }
        let write = |bytes: Bytes, whole| Change::Write {
            offset_bytes,
            bytes,
            whole,
            fate: Arc::clone(&interest.fate),
        };
        if batch.is_last {
            let stored = verifier.finish()?;
            let _waiting = shared.allocation.waiting();
            submit(shared, key, place, write(batch.bytes, Some(stored))).await?;
            return Ok(stored);
        }
        submit(shared, key, place, write(batch.bytes, None)).await?;
    }
}
