//! The service itself: the parts it is made of, who asks, and whether it is well.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::MetadataRepository;
use attache_model::{Clock, Context, Entropy, Limits, RequestId};
use attache_signing::KeyRing;
use attache_storage::BlobStore;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::access::{Action, authorise};
use crate::attempt::Attempts;
use crate::{Authenticator, Downloads, Inspector, ServiceBuilder, ServiceError};

/// Everything a caller may do with files. Cheap to clone: all clones are one service.
#[derive(Debug, Clone)]
pub struct FileService {
    pub(crate) parts: Arc<Parts>,
}

/// What a service is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) repository: Arc<dyn MetadataRepository>,
    pub(crate) store: Arc<dyn BlobStore>,
    pub(crate) key_ring: KeyRing,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) inspector: Option<Arc<dyn Inspector>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) limits: Limits,
    pub(crate) timing: Timing,
    pub(crate) downloads: Downloads,
    /// The attempts at uploads that are under way here.
    pub(crate) attempts: Arc<Attempts>,
    /// Wakes the reaper when there is something to delete.
    pub(crate) reaper_wake: Notify,
    /// Work that must end before the process does: commits, and giving up promises.
    pub(crate) tasks: TaskTracker,
}

impl Parts {
    /// Checks that there is room for an upload of this size, or of any; answers the most it may have.
    pub(crate) async fn check_room(
        &self,
        declared_size_bytes: Option<u64>,
    ) -> Result<u64, ServiceError> {
        let limit_bytes = self.limits.max_upload_bytes;
        let declared = declared_size_bytes.unwrap_or(0);
        if declared > limit_bytes {
            return Err(ServiceError::TooLarge { limit_bytes });
        }
        let free_bytes = self.store.health().await?.free_bytes;
        if free_bytes.is_some_and(|free| free == 0 || free < declared) {
            return Err(ServiceError::OutOfSpace(None));
        }
        Ok(limit_bytes)
    }

    /// Does work that its caller cannot cut: it goes on when the caller goes away.
    pub(crate) async fn finish_detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, ServiceError>> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let working = self.tasks.spawn(work.in_current_span());
        working
            .await
            .map_err(|error| ServiceError::Internal(Box::new(error)))?
    }
}

/// How long things hold.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    pub(crate) lease: Duration,
    pub(crate) default_link_lifetime: Duration,
    pub(crate) max_link_lifetime: Duration,
}

/// How far the clock of another process, which signs, may run ahead of this one's.
const CLOCK_SKEW: Duration = Duration::from_mins(1);

impl Timing {
    /// How often a lease is renewed, and whatever else is looked after while bytes come.
    pub(crate) fn turn(&self) -> Duration {
        (self.lease / 3).max(Duration::from_millis(1))
    }

    /// The most that a genuine link may have left. That of an upload lives 24 hours at most, which
    /// this covers as well: the builder lets `max_link_lifetime` be no less.
    pub(crate) fn verification_cap(&self) -> Duration {
        self.max_link_lifetime.saturating_add(CLOCK_SKEW)
    }
}

impl FileService {
    /// Begins to put a service together.
    pub fn builder(
        repository: Arc<dyn MetadataRepository>,
        store: Arc<dyn BlobStore>,
        key_ring: KeyRing,
    ) -> ServiceBuilder {
        ServiceBuilder::new(repository, store, key_ring)
    }

    /// Finds out who asks, and gives the context for the calls of this request.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Unauthenticated`] for a token that does not count.
    pub async fn authenticate(
        &self,
        token: &str,
        request_id: RequestId,
    ) -> Result<Context, ServiceError> {
        let principal = self.parts.authenticator.authenticate(token).await?;
        Ok(Context::for_principal(
            principal,
            request_id,
            self.parts.clock.now(),
        ))
    }

    /// Whether whoever asks may do something, without doing it: for a caller that does several things
    /// in a row and is to be refused before the first. Each of them asks again.
    ///
    /// # Errors
    ///
    /// `MissingScope`.
    pub fn authorise(&self, cx: &Context, action: Action) -> Result<(), ServiceError> {
        authorise(cx, action)
    }

    /// The bounds this service keeps.
    pub fn limits(&self) -> &Limits {
        &self.parts.limits
    }

    /// The clock this service goes by.
    pub fn clock(&self) -> &dyn Clock {
        self.parts.clock.as_ref()
    }

    /// Where this service takes its randomness from.
    pub fn entropy(&self) -> &dyn Entropy {
        self.parts.entropy.as_ref()
    }

    /// Whether the database and the store both answer.
    ///
    /// # Errors
    ///
    /// What the first of them that does not answer fails with.
    pub async fn check_health(&self) -> Result<(), ServiceError> {
        self.parts.repository.health().await?;
        self.parts.store.health().await?;
        Ok(())
    }

    /// Waits for work that must not be cut: commits under way, and promises being given up. Call it
    /// last, when no request runs any more.
    pub async fn finish_tasks(&self) {
        self.parts.tasks.close();
        self.parts.tasks.wait().await;
    }
}
