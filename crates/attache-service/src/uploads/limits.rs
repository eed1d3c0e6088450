//! The bound on requests that send one upload at the same time. Anyone with the link can send, and
//! each request takes space in the store until it ends.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use attache_model::FileId;

use crate::ServiceError;

/// The number of requests that may send one upload at once, per process: one, and another by a client
/// that gave up on the first before the service noticed.
const MAX_IN_FLIGHT: usize = 2;

/// The requests in flight in this process, by upload.
#[derive(Debug, Default)]
pub(crate) struct InFlightUploads {
    counts: Mutex<HashMap<FileId, usize>>,
}

impl InFlightUploads {
    /// Takes a place, which is free again when the guard is dropped.
    ///
    /// # Errors
    ///
    /// `UploadBusy` if all places of the upload are taken.
    pub(crate) fn acquire(
        self: &Arc<Self>,
        upload: FileId,
    ) -> Result<InFlightUpload, ServiceError> {
        let mut counts = self.lock();
        let count = counts.entry(upload).or_default();
        if *count >= MAX_IN_FLIGHT {
            return Err(ServiceError::UploadBusy);
        }
        *count += 1;
        Ok(InFlightUpload {
            in_flight: self.clone(),
            upload,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FileId, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The guard of one request in flight.
#[derive(Debug)]
pub(crate) struct InFlightUpload {
    in_flight: Arc<InFlightUploads>,
    upload: FileId,
}

impl Drop for InFlightUpload {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.in_flight.lock().entry(self.upload) {
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
    fn places_are_bounded_per_upload_and_released() {
        let in_flight = Arc::new(InFlightUploads::default());
        let [id, other]: [FileId; 2] = [
            "0190163d-8694-739b-aea5-966c26f8ad91",
            "0190163d-8694-739b-aea5-966c26f8ad92",
        ]
        .map(|id| id.parse().unwrap());
        let first = in_flight.acquire(id).unwrap();
        let second = in_flight.acquire(id).unwrap();
        let third = in_flight.acquire(id);
        assert!(matches!(third, Err(ServiceError::UploadBusy)), "{third:?}");
        let of_other = in_flight.acquire(other).unwrap();
        drop(first);
        let again = in_flight.acquire(id).unwrap();
        in_flight.acquire(id).unwrap_err();
        drop((second, again, of_other));
        assert!(in_flight.lock().is_empty(), "{in_flight:?}");
    }
}
