//! What all requests share: the service, the configuration, and the room for JSON bodies.

use std::sync::atomic::AtomicBool;

use attache_service::FileService;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::PublicUrl;
use crate::problem::{Problem, ProblemKind};

/// Bytes per permit of the budget: finer would count to no use.
const BYTES_PER_PERMIT: u64 = 1024;

/// How the HTTP side is set up.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    pub(crate) public_url: PublicUrl,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) json_budget_bytes: u64,
}

impl HttpConfig {
    /// Serves under a public URL, with defaults for the rest.
    pub fn new(public_url: PublicUrl) -> Self {
        Self {
            public_url,
            allowed_origins: Vec::new(),
            json_budget_bytes: 128 << 20,
        }
    }

    /// Which web pages may call the keyed routes, such as `https://app.example.org`; none by
    /// default. Signed and public routes are open to all.
    #[must_use]
    pub fn allowed_origins(mut self, origins: Vec<String>) -> Self {
        self.allowed_origins = origins;
        self
    }

    /// How many bytes of JSON uploads may be in memory at once; 128 MiB by default, and never less
    /// than the largest one. More uploads wait.
    #[must_use]
    pub fn json_budget_bytes(mut self, bytes: u64) -> Self {
        self.json_budget_bytes = bytes;
        self
    }
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) service: FileService,
    pub(crate) public_url: PublicUrl,
    pub(crate) ready: AtomicBool,
    json_budget: Semaphore,
}

impl App {
    pub(crate) fn new(service: FileService, config: &HttpConfig, largest_json_bytes: u64) -> Self {
        let bytes = config.json_budget_bytes.max(largest_json_bytes);
        let permits = permits_for(bytes) as usize;
        Self {
            service,
            public_url: config.public_url.clone(),
            ready: AtomicBool::new(true),
            json_budget: Semaphore::new(permits.min(Semaphore::MAX_PERMITS)),
        }
    }

    /// Waits for room to hold a JSON upload of so many bytes.
    pub(crate) async fn reserve_json(&self, bytes: u64) -> Result<SemaphorePermit<'_>, Problem> {
        let permits = self.json_budget.acquire_many(permits_for(bytes)).await;
        permits.map_err(|_| Problem::new(ProblemKind::Unavailable, "the service is going down"))
    }
}

fn permits_for(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(BYTES_PER_PERMIT)).unwrap_or(u32::MAX)
}
