//! The tasks that make the changes of segments, one for each segment in use.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::super::error::LocalError;
use super::super::shared::Shared;
use super::place::SlotPlace;
use super::queue::{Change, Waiting};
use super::write::{clears_only, fail, make};
use crate::BlobKey;

/// Makes a change durable, after those of the same segment that were submitted before. It is made even if the
/// future is dropped, unless its put was abandoned.
pub(crate) async fn submit(
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
        // Not the tenant's place: what deletes is the reaper, and its other tasks wait behind this one.
        let place = if clears_only(&batch) {
            shared.places.remove().await
        } else {
            shared.places.change(&key).await
        };
        let place = match place {
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
            self.shared.segments.drop_all(path);
        }
    }
}
