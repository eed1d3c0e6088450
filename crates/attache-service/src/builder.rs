//! Construction of a service.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::MetadataRepository;
use attache_model::{Clock, Entropy, Limits, OsEntropy, SystemClock};
use attache_signing::KeyRing;
use attache_storage::BlobStore;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use crate::authenticate::AnyOf;
use crate::live_key_ring::LiveKeyRing;
use crate::service::{Parts, Timing};
use crate::stock::IntentStock;
use crate::{
    Administration, ApiKeyAuthenticator, Authenticator, Downloads, FileService, Inspector,
    InstallationGuard,
};

const DAY: Duration = Duration::from_hours(24);

impl FileService {
    /// Starts to build a service; see [`ServiceBuilder`].
    pub fn builder(
        repository: Arc<dyn MetadataRepository>,
        store: Arc<dyn BlobStore>,
        key_ring: KeyRing,
    ) -> ServiceBuilder {
        ServiceBuilder::new(repository, store, key_ring)
    }
}

/// Builds a [`FileService`]. Every part that is not set has a default that suits a server.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use attache_model::Limits;
/// use attache_service::{Downloads, FileService, Inspector, ServiceBuilder};
///
/// fn build(builder: ServiceBuilder, scanner: Arc<dyn Inspector>) -> FileService {
///     builder
///         .limits(Limits { max_upload_bytes: 100 << 20, ..Limits::default() })
///         .lease(Duration::from_secs(30))
///         .inspector(scanner)
///         .downloads(Downloads::Redirect)
///         .build()
/// }
/// ```
#[derive(Debug)]
pub struct ServiceBuilder {
    repository: Arc<dyn MetadataRepository>,
    store: Arc<dyn BlobStore>,
    key_ring: KeyRing,
    authenticator: Option<Arc<dyn Authenticator>>,
    more_authenticators: Vec<Arc<dyn Authenticator>>,
    inspector: Option<Arc<dyn Inspector>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    limits: Limits,
    timing: Timing,
    downloads: Downloads,
    guard: Option<Arc<InstallationGuard>>,
}

impl ServiceBuilder {
    fn new(
        repository: Arc<dyn MetadataRepository>,
        store: Arc<dyn BlobStore>,
        key_ring: KeyRing,
    ) -> Self {
        Self {
            repository,
            store,
            key_ring,
            authenticator: None,
            more_authenticators: Vec::new(),
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
            guard: None,
        }
    }

    /// Returns the given repository, for an authenticator or an inspector that reads it.
    pub fn repository(&self) -> Arc<dyn MetadataRepository> {
        self.repository.clone()
    }

    /// Returns the administration of the given repository, for an authenticator or a program's own
    /// commands. It uses the clock and the entropy that are set so far.
    pub fn administration(&self) -> Administration {
        Administration::new(
            self.repository.clone(),
            self.clock.clone(),
            self.entropy.clone(),
        )
    }

    /// Replaces the authenticator. The default is an [`ApiKeyAuthenticator`] over the repository.
    #[must_use]
    pub fn authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = Some(authenticator);
        self
    }

    /// Adds an authenticator, for tokens that those before it do not know: for example tokens of an identity
    /// service beside API keys.
    #[must_use]
    pub fn also_authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.more_authenticators.push(authenticator);
        self
    }

    /// Runs `inspector` on every file before commit. The default accepts every file.
    #[must_use]
    pub fn inspector(mut self, inspector: Arc<dyn Inspector>) -> Self {
        self.inspector = Some(inspector);
        self
    }

    /// Replaces the clock. The default is the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Replaces the source of randomness. The default is the system's.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Replaces the limits. The default is [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long the lease of a blob lasts unless it is renewed; 90 seconds by default.
    ///
    /// Leases are renewed while bytes flow. Bytes that a crash leaves behind are deleted once their
    /// lease has ended.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.timing.lease = lease;
        self
    }

    /// Sets the longest lifetime of a link; 24 hours by default. Shorter values are raised to that,
    /// since clients of the published APIs may request as much.
    #[must_use]
    pub fn max_link_lifetime(mut self, lifetime: Duration) -> Self {
        self.timing.max_link_lifetime = lifetime.max(DAY);
        self
    }

    /// Sets the way that downloads take. The default is [`Downloads::Stream`].
    #[must_use]
    pub fn downloads(mut self, downloads: Downloads) -> Self {
        self.downloads = downloads;
        self
    }

    /// Watches over the installation's halves: changes are recorded, and the reaper deletes nothing once
    /// they no longer belong together. Without this nobody watches.
    #[must_use]
    pub fn guard(mut self, guard: Arc<InstallationGuard>) -> Self {
        self.guard = Some(guard);
        self
    }

    /// Builds the service. Nothing runs in the background yet: see [`FileService::run_reaper`].
    pub fn build(self) -> FileService {
        let mut authenticator = self.authenticator.unwrap_or_else(|| {
            Arc::new(ApiKeyAuthenticator::new(
                self.repository.clone(),
                self.clock.clone(),
            ))
        });
        if !self.more_authenticators.is_empty() {
            let mut all = vec![authenticator];
            all.extend(self.more_authenticators);
            authenticator = Arc::new(AnyOf(all));
        }
        let parts = Parts {
            repository: self.repository,
            store: self.store,
            key_ring: LiveKeyRing::new(self.key_ring),
            authenticator,
            inspector: self.inspector,
            clock: self.clock,
            entropy: self.entropy,
            limits: self.limits,
            timing: self.timing,
            downloads: self.downloads,
            guard: self.guard,
            stock: IntentStock::default(),
            in_flight_uploads: Arc::default(),
            reaper_wake: Notify::new(),
            tasks: TaskTracker::new(),
        };
        FileService {
            parts: Arc::new(parts),
        }
    }
}
