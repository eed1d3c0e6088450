//! The configuration of the HTTP service.

use crate::dialects::Dialects;
use crate::origin::OriginPattern;
use crate::public_url::PublicUrl;

/// The configuration of an [`HttpService`](crate::HttpService).
#[derive(Debug, Clone)]
pub struct HttpConfig {
    pub(crate) public_url: PublicUrl,
    pub(crate) allowed_origins: Vec<OriginPattern>,
    pub(crate) frame_ancestors: Vec<OriginPattern>,
    pub(crate) json_budget_bytes: u64,
    pub(crate) dialects: Dialects,
}

impl HttpConfig {
    /// Serves under a public URL, with defaults for the rest.
    pub fn new(public_url: PublicUrl) -> Self {
        Self {
            public_url,
            allowed_origins: Vec::new(),
            frame_ancestors: Vec::new(),
            json_budget_bytes: 256 << 20,
            dialects: Dialects::all(),
        }
    }

    /// Sets the origins of web pages that may call the routes with a key, such as
    /// `https://app.example.org`; none by default. Signed and public routes are open to all.
    #[must_use]
    pub fn allowed_origins(mut self, origins: Vec<OriginPattern>) -> Self {
        self.allowed_origins = origins;
        self
    }

    /// Sets the origins of web pages that may show links and public files in a frame; none by default.
    /// The files stay in a sandbox: nothing in them runs.
    #[must_use]
    pub fn frame_ancestors(mut self, origins: Vec<OriginPattern>) -> Self {
        self.frame_ancestors = origins;
        self
    }

    /// Sets how much memory JSON uploads may take together, in bytes; 256 MiB by default. A tenant may
    /// hold as much as it leaves free. The only upload under way may always proceed; while there is no
    /// room, others are refused and may retry.
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
