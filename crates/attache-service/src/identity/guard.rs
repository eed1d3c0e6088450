//! The watch over an open installation: it lets the store follow the database, and keeps the reaper
//! from halves that no longer belong together.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use attache_model::InstallationId;
use attache_storage::MarkerWrite;
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

use super::{Halves, IdentityError, Marker, Standing};

/// The shortest time between two generations, however many changes there are.
const PACE: Duration = Duration::from_secs(1);

/// The time after which a generation that could not be written is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The time for which a comparison counts.
const COMPARED_FOR: Duration = Duration::from_secs(5);

/// Keeps watch over the halves of an open installation. [`run`](Self::run) it in a task.
#[derive(Debug)]
pub struct InstallationGuard {
    halves: Halves,
    id: InstallationId,
    has_changed: AtomicBool,
    change: Notify,
    /// The time of the last comparison that found nothing wrong.
    compared_at: Mutex<Option<Instant>>,
}

impl InstallationGuard {
    pub(super) fn new(halves: Halves, id: InstallationId) -> Self {
        Self {
            halves,
            id,
            has_changed: AtomicBool::new(false),
            change: Notify::new(),
            compared_at: Mutex::default(),
        }
    }

    /// The id of the installation.
    pub fn id(&self) -> InstallationId {
        self.id
    }

    /// Records that the database has changed: a copy from before is an older one.
    pub(crate) fn record_change(&self) {
        self.has_changed.store(true, Ordering::Release);
        self.change.notify_one();
    }

    /// Checks that the halves still belong together, at most every few seconds. To be called before
    /// bytes are deleted.
    pub(crate) async fn require_together(&self) -> Result<(), IdentityError> {
        let mut compared_at = self.compared_at.lock().await;
        if compared_at.is_none_or(|at| at.elapsed() >= COMPARED_FOR) {
            *compared_at = None;
            self.compare().await?;
            *compared_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Lets the generations follow the changes, for ever. Cancel-safe.
    pub async fn run(&self) {
        loop {
            self.change.notified().await;
            while let Err(error) = self.finish().await {
                warn(&error);
                tokio::time::sleep(RETRY_AFTER).await;
            }
            tokio::time::sleep(PACE).await;
        }
    }

    /// Lets the store follow what has changed until now. Call it before closing.
    ///
    /// # Errors
    ///
    /// [`IdentityError`]; the next opening makes up for it.
    pub async fn finish(&self) -> Result<(), IdentityError> {
        if self.has_changed.swap(false, Ordering::AcqRel) {
            let advanced = self.advance().await;
            if advanced.is_err() {
                self.has_changed.store(true, Ordering::Release);
            }
            advanced?;
        }
        Ok(())
    }

    /// Begins a new generation, in the database first: its store is never ahead.
    pub(super) async fn advance(&self) -> Result<(), IdentityError> {
        self.compare().await?;
        let advanced = self.halves.repository.advance_generation().await?;
        let mut generation = advanced.unwrap_or_default();
        loop {
            let marker = Marker {
                id: self.id,
                generation,
            };
            let text = marker.to_string();
            let written = self.halves.marker.write_marker(&text, MarkerWrite::Replace);
            written.await?;
            // A server that was slower may have written over a later one: the last to look sets it right.
            let row = self.halves.repository.find_installation().await?;
            let latest = row.map_or(generation, |row| row.generation);
            if latest <= generation {
                return Ok(());
            }
            generation = latest;
        }
    }

    async fn compare(&self) -> Result<(), IdentityError> {
        match self.halves.standing().await? {
            Standing::Together { id, .. } if id == self.id => Ok(()),
            Standing::Together { id, .. } => Err(IdentityError::OtherStore {
                database: id,
                store: self.id,
            }),
            Standing::New => Err(IdentityError::NoMarker { database: self.id }),
        }
    }
}

fn warn(error: &IdentityError) {
    let error: &dyn std::error::Error = error;
    tracing::warn!(error, "the store was not told of the database's changes");
}
