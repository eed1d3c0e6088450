//! The caller's interest in a put, and what its end means for the blob.

use std::sync::{Arc, Mutex, PoisonError};

use super::error::LocalError;

/// Records that the caller of a put has abandoned it.
///
/// The lock is held while the blob begins to exist, so once a put's future has been dropped, the blob exists or
/// never will: deleting the key afterwards is final.
#[derive(Debug, Default)]
pub(super) struct Fate {
    is_abandoned: Mutex<bool>,
}

impl Fate {
    pub(super) fn abandon(&self) {
        let locked = self.is_abandoned.lock();
        *locked.unwrap_or_else(PoisonError::into_inner) = true;
    }

    pub(super) fn unless_abandoned<T>(
        &self,
        work: impl FnOnce() -> Result<T, LocalError>,
    ) -> Result<T, LocalError> {
        let locked = self.is_abandoned.lock();
        let is_abandoned = locked.unwrap_or_else(PoisonError::into_inner);
        if *is_abandoned {
            return Err(LocalError::Abandoned);
        }
        work()
    }
}

/// The caller's interest in a put, which ends when the future is dropped.
pub(super) struct Interest {
    pub(super) fate: Arc<Fate>,
}

impl Interest {
    pub(super) fn new() -> Self {
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
