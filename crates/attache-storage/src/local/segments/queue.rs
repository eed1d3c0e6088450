//! The queues of changes: those of one segment are made in order, and those that wait are made together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::error::LocalError;
use super::super::shared::Shared;
use super::super::staged::Fate;
use super::place::SlotPlace;
use super::write::{fail, make};
use crate::{BlobKey, StoredBlob};

/// The most changes that are made together.
const BATCH: usize = 256;

/// A change of one slot.
pub(in crate::local) enum Change {
    /// Writes a part of a blob at an offset in it; with the last part, the blob begins to exist.
    Write {
        offset_bytes: u64,
        bytes: Bytes,
        /// The whole blob, if this is its last part.
        whole: Option<StoredBlob>,
        /// Nothing is written once the put is abandoned.
        fate: Arc<Fate>,
    },
    /// Empties the slot.
    Clear,
}

/// A change that waits for its turn.
pub(super) struct Waiting {
    pub(super) number: u16,
    pub(super) change: Change,
    pub(super) caller: oneshot::Sender<Result<(), LocalError>>,
}

/// The changes that wait, by the path of their segment. A path is here as long as a task works on its segment.
#[derive(Default)]
pub(in crate::local) struct Queues(Mutex<HashMap<String, Vec<Waiting>>>);

impl Queues {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a change. Returns `true` if a task is to be started for its segment.
    fn push(&self, path: &str, waiting: Waiting) -> bool {
        let mut queues = self.lock();
        if let Some(queue) = queues.get_mut(path) {
            queue.push(waiting);
            return false;
        }
        queues.insert(path.to_owned(), vec![waiting]);
        true
    }

    /// Takes the changes whose turn it is; `None`, and the segment's task ends, if there are none.
    fn next(&self, path: &str) -> Option<Vec<Waiting>> {
        let mut queues = self.lock();
        let queue = queues.get_mut(path)?;
        if queue.is_empty() {
            queues.remove(path);
            return None;
        }
        let rest = queue.split_off(queue.len().min(BATCH));
        Some(std::mem::replace(queue, rest))
    }
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queues")
            .field("segments", &self.lock().len())
            .finish()
    }
}

/// Makes a change durable, after those of the same segment that were submitted before. It is made even if the
/// future is dropped, unless its [`Fate`] forbids it.
pub(in crate::local) async fn submit(
    shared: &Arc<Shared>,
    key: &BlobKey,
    place: SlotPlace<'_>,
    change: Change,
) -> Result<(), LocalError> {
    let (caller, made) = oneshot::channel();
    let waiting = Waiting {
        number: place.number,
        change,
        caller,
    };
    let path = place.segment.as_str();
    if shared.segments.push(path, waiting) {
        tokio::spawn(work(Arc::clone(shared), key.clone(), path.to_owned()));
    }
    made.await.unwrap_or(Err(LocalError::ShuttingDown))
}

/// Makes the changes of a segment, batch by batch, until none waits.
async fn work(shared: Arc<Shared>, key: BlobKey, path: String) {
    let mut working = Working {
        shared,
        path: Some(path),
    };
    while let Some((path, batch)) = working.next() {
        let shared = &working.shared;
        let place = match shared.places.change(&key).await {
            Ok(place) => place,
            Err(refused) => {
                fail(batch, &refused);
                continue;
            }
        };
        let shared = Arc::clone(shared);
        // The callers of a batch that panics find their channels closed.
        let _ = tokio::task::spawn_blocking(move || {
            let _place = place;
            make(&shared, &path, batch);
        })
        .await;
    }
}

/// The task of a segment. If its runtime drops it, those who wait for it are told.
struct Working {
    shared: Arc<Shared>,
    /// `None` once no change waits.
    path: Option<String>,
}

impl Working {
    fn next(&mut self) -> Option<(String, Vec<Waiting>)> {
        let path = self.path.clone()?;
        let batch = self.shared.segments.next(&path);
        if batch.is_none() {
            self.path = None;
        }
        Some((path, batch?))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            self.shared.segments.lock().remove(path);
        }
    }
}
