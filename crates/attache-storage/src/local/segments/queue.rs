//! The queues of changes: those of one segment are made in order, and those that wait are made together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::error::LocalError;
use super::super::fate::Fate;
use crate::StoredBlob;

/// The most changes that are made together.
const BATCH: usize = 256;

/// A change of one slot.
pub(crate) enum Change {
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
pub(crate) struct Queues(Mutex<HashMap<String, Vec<Waiting>>>);

impl Queues {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the changes that wait.
    pub(super) fn drop_all(&self, path: &str) {
        self.lock().remove(path);
    }

    /// Adds a change. Returns `true` if a task is to be started for its segment.
    pub(super) fn push(&self, path: &str, waiting: Waiting) -> bool {
        let mut queues = self.lock();
        if let Some(queue) = queues.get_mut(path) {
            queue.push(waiting);
            return false;
        }
        queues.insert(path.to_owned(), vec![waiting]);
        true
    }

    /// Takes the changes whose turn it is; `None`, and the segment's task ends, if there are none.
    pub(super) fn next(&self, path: &str) -> Option<Vec<Waiting>> {
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
