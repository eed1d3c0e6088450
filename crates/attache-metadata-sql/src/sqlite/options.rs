//! What an operator may choose about an embedded database.

use std::path::PathBuf;
use std::sync::Arc;

use attache_metadata::EventHook;
use attache_model::{Clock, SystemClock};

/// How to open a database file.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// Where the database lies; `-wal` and `-shm` files stand beside it. Not on a network
    /// filesystem.
    pub path: PathBuf,
    /// The database's clock: what leases and the reaper go by.
    pub clock: Arc<dyn Clock>,
    /// What turns changes into outbox rows; `None` for none.
    pub event_hook: Option<Arc<dyn EventHook>>,
    /// How many reads run at once, at least 1. 4 by default.
    pub readers: u32,
    /// How many changes may wait for the writer, at least 1; more are refused as unavailable. 1024
    /// by default.
    pub queue_length: usize,
}

impl SqliteOptions {
    /// The defaults for a file: the system's clock, no event hook.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            clock: Arc::new(SystemClock),
            event_hook: None,
            readers: 4,
            queue_length: 1024,
        }
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// With an event hook.
    #[must_use]
    pub fn with_event_hook(mut self, hook: Arc<dyn EventHook>) -> Self {
        self.event_hook = Some(hook);
        self
    }
}
