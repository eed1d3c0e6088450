//! Putting a service together.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::MetadataRepository;
use attache_model::{Clock, Entropy, Limits, OsEntropy, SystemClock};
use attache_signing::KeyRing;
use attache_storage::BlobStore;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::service::{Parts, Timing};
use crate::{
    Administration, ApiKeyAuthenticator, Authenticator, Downloads, FileService, Inspector,
};

const DAY: Duration = Duration::from_hours(24);

/// Collects the parts of a [`FileService`]; what is not given has a default that suits a server.
#[derive(Debug)]
pub struct ServiceBuilder {
    repository: Arc<dyn MetadataRepository>,
    store: Arc<dyn BlobStore>,
    key_ring: KeyRing,
    authenticator: Option<Arc<dyn Authenticator>>,
    inspector: Option<Arc<dyn Inspector>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    limits: Limits,
    timing: Timing,
    downloads: Downloads,
}

impl ServiceBuilder {
    pub(crate) fn new(
        repository: Arc<dyn MetadataRepository>,
        store: Arc<dyn BlobStore>,
        key_ring: KeyRing,
    ) -> Self {
        Self {
            repository,
            store,
            key_ring,
            authenticator: None,
            inspector: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            limits: Limits::default(),
            timing: Timing {
                lease: Duration::from_secs(90),
                default_link_lifetime: Duration::from_mins(15),
                max_link_lifetime: DAY,
            },
            downloads: Downloads::default(),
        }
    }

    /// Tenants, keys and principals of the repository that was given, for an authenticator or a
    /// program's own commands. Goes by the clock and the entropy set so far.
    pub fn administration(&self) -> Administration {
        Administration::new(
            self.repository.clone(),
            self.clock.clone(),
            self.entropy.clone(),
        )
    }

    /// Authenticates in another way than by the repository's API keys.
    #[must_use]
    pub fn authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = Some(authenticator);
        self
    }

    /// Has every file looked at before it is committed.
    #[must_use]
    pub fn inspector(mut self, inspector: Arc<dyn Inspector>) -> Self {
        self.inspector = Some(inspector);
        self
    }

    /// Goes by another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes randomness from elsewhere than the system.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Keeps other bounds.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long the promise of an upload holds without a sign of life; 90 seconds by default. Whatever
    /// a crash leaves behind is deleted once this has passed.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.timing.lease = lease;
        self
    }

    /// The longest a link may live. It is never less than 24 hours, as clients of the published APIs
    /// may ask for that much.
    #[must_use]
    pub fn max_link_lifetime(mut self, lifetime: Duration) -> Self {
        self.timing.max_link_lifetime = lifetime.max(DAY);
        self
    }

    /// How bytes get to whoever downloads them; through the service by default.
    #[must_use]
    pub fn downloads(mut self, downloads: Downloads) -> Self {
        self.downloads = downloads;
        self
    }

    /// Puts the service together. Nothing runs yet: see [`FileService::run_reaper`].
    pub fn build(self) -> FileService {
        let authenticator = self.authenticator.unwrap_or_else(|| {
            Arc::new(ApiKeyAuthenticator::new(
                self.repository.clone(),
                self.clock.clone(),
            ))
        });
        let parts = Parts {
            repository: self.repository,
            store: self.store,
            key_ring: self.key_ring,
            authenticator,
            inspector: self.inspector,
            clock: self.clock,
            entropy: self.entropy,
            limits: self.limits,
            timing: self.timing,
            downloads: self.downloads,
            attempts: Arc::default(),
            reaper_wake: Notify::new(),
            tasks: TaskTracker::new(),
        };
        FileService {
            parts: Arc::new(parts),
        }
    }
}
