//! The state that all requests share.

use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;

use attache_service::FileService;
use bytes::Bytes;

use crate::json_budget::JsonBudget;
use crate::page_policy::PagePolicy;
use crate::public_url::PublicUrl;
use crate::readiness::Readiness;

/// A document that is built on first use.
pub(crate) type LazyDocument = LazyLock<Bytes, Box<dyn FnOnce() -> Bytes + Send + Sync>>;

/// The state that all requests share.
pub(crate) struct App {
    pub(crate) service: FileService,
    pub(crate) public_url: PublicUrl,
    /// False once the server is about to stop.
    pub(crate) ready: AtomicBool,
    pub(crate) readiness: Readiness,
    pub(crate) json_budget: JsonBudget,
    pub(crate) page_policy: PagePolicy,
    /// The OpenAPI document, as JSON.
    pub(crate) openapi: LazyDocument,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}
