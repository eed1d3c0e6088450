//! What all requests share: the service, the configuration, and what is worked out once.

use std::sync::atomic::AtomicBool;

use attache_service::FileService;
use bytes::Bytes;

use crate::json_budget::JsonBudget;
use crate::readiness::Readiness;
use crate::served::Served;
use crate::{Dialects, PublicUrl, openapi};

/// How the HTTP side is set up.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    pub(crate) public_url: PublicUrl,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) json_budget_bytes: u64,
    pub(crate) dialects: Dialects,
}

impl HttpConfig {
    /// Serves under a public URL, with defaults for the rest.
    pub fn new(public_url: PublicUrl) -> Self {
        Self {
            public_url,
            allowed_origins: Vec::new(),
            json_budget_bytes: 128 << 20,
            dialects: Dialects::all(),
        }
    }

    /// Which web pages may call the keyed routes, such as `https://app.example.org`; none by
    /// default. Signed and public routes are open to all.
    #[must_use]
    pub fn allowed_origins(mut self, origins: Vec<String>) -> Self {
        self.allowed_origins = origins;
        self
    }

    /// How much memory JSON uploads may take at once, in bytes; 128 MiB by default. One upload may
    /// always go on; others are asked to try again while there is no room.
    #[must_use]
    pub fn json_budget_bytes(mut self, bytes: u64) -> Self {
        self.json_budget_bytes = bytes;
        self
    }

    /// Which dialects are served beside the native API; all by default.
    #[must_use]
    pub fn dialects(mut self, dialects: Dialects) -> Self {
        self.dialects = dialects;
        self
    }
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) service: FileService,
    pub(crate) public_url: PublicUrl,
    /// Whether the server means to go on.
    pub(crate) ready: AtomicBool,
    pub(crate) readiness: Readiness,
    pub(crate) json_budget: JsonBudget,
    /// The APIs, in the order they are asked in.
    pub(crate) served: Vec<Served>,
    pub(crate) openapi: Bytes,
}

impl App {
    pub(crate) fn new(service: FileService, config: &HttpConfig) -> Self {
        let served = config.dialects.served();
        Self {
            service,
            public_url: config.public_url.clone(),
            ready: AtomicBool::new(true),
            readiness: Readiness::default(),
            json_budget: JsonBudget::new(config.json_budget_bytes),
            openapi: openapi::document(&config.public_url, &served),
            served,
        }
    }
}
