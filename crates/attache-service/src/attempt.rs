//! Attempts at an upload: how many may be under way at once. A link is in many hands, and each attempt
//! takes room in the store until it ends.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attache_model::FileId;

use crate::ServiceError;

/// How many attempts at one upload a process lets run at once: one, and another by a client that gave
/// the first up before the service noticed.
const MAX_ATTEMPTS: usize = 2;

/// The attempts under way in this process, by upload.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    under_way: Mutex<HashMap<FileId, usize>>,
}

impl Attempts {
    /// Begins an attempt, which lasts until what is answered is dropped.
    ///
    /// # Errors
    ///
    /// `UploadBusy` where as many are under way as may be.
    pub(crate) fn begin(self: &Arc<Self>, upload: FileId) -> Result<Attempt, ServiceError> {
        let mut under_way = self.lock();
        let count = under_way.entry(upload).or_default();
        if *count >= MAX_ATTEMPTS {
            return Err(ServiceError::UploadBusy);
        }
        *count += 1;
        Ok(Attempt {
            attempts: self.clone(),
            upload,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FileId, usize>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// One attempt under way.
#[derive(Debug)]
pub(crate) struct Attempt {
    attempts: Arc<Attempts>,
    upload: FileId,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.attempts.lock().entry(self.upload) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_attempts_are_under_way_at_once_and_none_is_remembered() {
        let attempts = Arc::new(Attempts::default());
        let [id, other]: [FileId; 2] = [
            "0190163d-8694-739b-aea5-966c26f8ad91",
            "0190163d-8694-739b-aea5-966c26f8ad92",
        ]
        .map(|id| id.parse().unwrap());
        let first = attempts.begin(id).unwrap();
        let second = attempts.begin(id).unwrap();
        let third = attempts.begin(id);
        assert!(matches!(third, Err(ServiceError::UploadBusy)), "{third:?}");
        let elsewhere = attempts.begin(other).unwrap();
        drop(first);
        let again = attempts.begin(id).unwrap();
        attempts.begin(id).unwrap_err();
        drop((second, again, elsewhere));
        assert!(attempts.lock().is_empty(), "{attempts:?}");
    }
}
