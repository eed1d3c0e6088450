//! The options of an embedded database.

use std::path::PathBuf;
use std::sync::Arc;

use attache_metadata::EventHook;
use attache_model::{Clock, SystemClock};

/// The options to open a database file with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The database; `-wal` and `-shm` files stand beside it. Not on a network
    /// filesystem.
    pub path: PathBuf,
    /// The clock of leases and the reaper.
    pub clock: Arc<dyn Clock>,
    /// Turns changes into outbox rows; `None` for none.
    pub event_hook: Option<Arc<dyn EventHook>>,
    /// The number of reads that run at once, at least 2, of which lists are half at most. 4 by default.
    pub readers: u32,
    /// The number of changes of one tenant that may wait for the writer, at least 1; more are refused as
    /// unavailable. Eight times as many of all tenants may wait. 1024 by default.
    pub queue_length: usize,
}

impl SqliteOptions {
    /// Returns the defaults for a file: the system's clock, no event hook.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            clock: Arc::new(SystemClock),
            event_hook: None,
            readers: 4,
            queue_length: 1024,
        }
    }

    /// Returns the options with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the options with an event hook.
    #[must_use]
    pub fn with_event_hook(mut self, hook: Arc<dyn EventHook>) -> Self {
        self.event_hook = Some(hook);
        self
    }
}
