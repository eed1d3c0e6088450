//! The configuration of the HTTP service.

use crate::dialects::Dialects;
use crate::public_url::PublicUrl;

/// The configuration of an [`HttpService`](crate::HttpService).
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

    /// Sets the origins of web pages that may call the routes with a key, such as
    /// `https://app.example.org`; none by default. Signed and public routes are open to all.
    #[must_use]
    pub fn allowed_origins(mut self, origins: Vec<String>) -> Self {
        self.allowed_origins = origins;
        self
    }

    /// Sets how much memory JSON uploads may take together, in bytes; 128 MiB by default. One upload
    /// may always proceed; while there is no room, others are refused and may retry.
    #[must_use]
    pub fn json_budget_bytes(mut self, bytes: u64) -> Self {
        self.json_budget_bytes = bytes;
        self
    }

    /// Sets the dialects that are served beside the native API; all by default.
    #[must_use]
    pub fn dialects(mut self, dialects: Dialects) -> Self {
        self.dialects = dialects;
        self
    }
}
