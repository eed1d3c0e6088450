//! The service: its parts, authentication, and health.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::MetadataRepository;
use attache_model::{Clock, Context, Credentials, Entropy, Limits, RequestId};
use attache_signing::KeyRing;
use attache_storage::BlobStore;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::access::{Action, authorise, require_scope};
use crate::live_key_ring::LiveKeyRing;
use crate::stock::IntentStock;
use crate::uploads::limits::InFlightUploads;
use crate::{Authenticator, Downloads, Inspector, InstallationGuard, ServiceError};

/// The largest declared size whose space the store checks by itself: that costs a small upload a trip
/// to the disk, and the store refuses before it has read much more than the service would have.
const CHECKED_BY_PUT_BYTES: u64 = 64 * 1024;

/// Everything a caller may do with files. Cheap to clone: all clones are one service.
///
/// Each operation takes a [`Context`] and authorises its own [`Action`] before it reads anything, so
/// a caller cannot forget to. [`authorise`](Self::authorise) merely refuses earlier.
///
/// The crate's [front page](crate) shows a service from its parts to its end; this is one operation:
///
/// ```
/// use attache_model::{Context, FileId, Holder};
/// use attache_service::{FileService, ServiceError};
///
/// async fn use_for_certificate(
///     service: &FileService,
///     cx: &Context,
///     diploma: FileId,
/// ) -> Result<(), ServiceError> {
///     let certificate = Holder::parse("certificate:42")?;
///     match service.claim_file(cx, diploma, &certificate).await {
///         Ok(record) => println!("{} is now used", record.name),
///         Err(ServiceError::Claimed { used_at }) => println!("in use since {used_at}"),
///         Err(other) => return Err(other),
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct FileService {
    pub(crate) parts: Arc<Parts>,
}

/// The parts of a service.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) repository: Arc<dyn MetadataRepository>,
    pub(crate) store: Arc<dyn BlobStore>,
    pub(crate) key_ring: LiveKeyRing,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) inspector: Option<Arc<dyn Inspector>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) limits: Limits,
    pub(crate) timing: Timing,
    pub(crate) downloads: Downloads,
    /// The watch over the installation's halves, if there is one.
    pub(crate) guard: Option<Arc<InstallationGuard>>,
    pub(crate) in_flight_uploads: Arc<InFlightUploads>,
    pub(crate) stock: IntentStock,
    /// Wakes the reaper when there is something to delete.
    pub(crate) reaper_wake: Notify,
    /// Work that must end before the process does: commits, and giving up reservations.
    pub(crate) tasks: TaskTracker,
}

impl Parts {
    /// Checks an upload of `declared_size_bytes` (`None` if unknown) against the limit, and unless it is
    /// small against the free space of the store. Returns the limit in bytes.
    pub(crate) async fn check_capacity(
        &self,
        declared_size_bytes: Option<u64>,
    ) -> Result<u64, ServiceError> {
        let limit_bytes = self.limits.max_upload_bytes;
        let declared = declared_size_bytes.unwrap_or(0);
        if declared > limit_bytes {
            return Err(ServiceError::TooLarge { limit_bytes });
        }
        if declared_size_bytes.is_some_and(|declared| declared <= CHECKED_BY_PUT_BYTES) {
            return Ok(limit_bytes);
        }
        let free_bytes = self.store.health().await?.free_bytes;
        if free_bytes.is_some_and(|free| free == 0 || free < declared) {
            let free_bytes = free_bytes.unwrap_or(0);
            let figures = format!(
                "an upload of {declared} bytes was announced, and {free_bytes} bytes may still be stored"
            );
            return Err(ServiceError::OutOfSpace(Some(figures.into())));
        }
        Ok(limit_bytes)
    }

    /// Begins an operation of a principal: authorises it, and returns its context at the present time.
    pub(crate) fn begin(&self, cx: &Context, action: Action) -> Result<Context, ServiceError> {
        authorise(cx, action)?;
        Ok(cx.at(self.clock.now()))
    }

    /// Authenticates the principal again and authorises the action, once a request has run for some time. A context
    /// without credentials was made by the embedder, or for the bearer of a link: it stays as it was.
    pub(crate) async fn authorise_again(
        &self,
        cx: &Context,
        action: Action,
    ) -> Result<(), ServiceError> {
        let Some(credentials) = cx.credentials() else {
            return Ok(());
        };
        let principal = self.authenticator.authenticate(credentials.reveal());
        let principal = principal.await?;
        if cx.principal_seq() != Some(principal.seq) {
            return Err(ServiceError::Unauthenticated);
        }
        require_scope(action, |scope| principal.scopes.contains(scope))
    }

    /// Records that a copy of the database from before is an older one from now on.
    pub(crate) fn record_change(&self) {
        if let Some(guard) = &self.guard {
            guard.record_change();
        }
    }

    /// Runs `work` to its end even if the caller is cancelled.
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

/// Durations that the builder sets.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    pub(crate) lease: Duration,
    pub(crate) default_link_lifetime: Duration,
    pub(crate) max_link_lifetime: Duration,
}

/// The tolerated lead of the clock of another process, which signs links, over this one's.
const CLOCK_SKEW: Duration = Duration::from_mins(1);

impl Timing {
    /// The interval at which leases are renewed, and other state is polled while bytes flow.
    pub(crate) fn lease_renewal_interval(&self) -> Duration {
        (self.lease / 3).max(Duration::from_millis(1))
    }

    /// The longest remaining lifetime of a genuine link. It covers links of uploads too: those live
    /// 24 hours at most, and the builder keeps `max_link_lifetime` at or above that.
    pub(crate) fn verification_cap(&self) -> Duration {
        self.max_link_lifetime.saturating_add(CLOCK_SKEW)
    }
}

impl FileService {
    /// Authenticates a bearer token, and returns the context for the calls of this request.
    ///
    /// # Errors
    ///
    /// - [`ServiceError::Unauthenticated`] if the token is missing, unknown, expired or revoked
    /// - [`ServiceError::Unavailable`] or `Internal` if the authenticator failed
    pub async fn authenticate(
        &self,
        token: &str,
        request_id: RequestId,
    ) -> Result<Context, ServiceError> {
        let principal = self.parts.authenticator.authenticate(token).await?;
        let cx = Context::for_principal(principal, request_id, self.parts.clock.now());
        Ok(cx.with_credentials(Credentials::new(token)))
    }

    /// Checks that the principal is still authenticated and may still do something. For a caller that does something
    /// over a long time, such as sending a list page by page: a key that was revoked or has expired since
    /// [`authenticate`](Self::authenticate) ends it. Uploads do this by themselves, before their commit.
    ///
    /// # Errors
    ///
    /// As [`authenticate`](Self::authenticate) and [`authorise`](Self::authorise).
    pub async fn authorise_again(&self, cx: &Context, action: Action) -> Result<(), ServiceError> {
        self.parts.authorise_again(cx, action).await
    }

    /// Checks whether the principal may do something, without doing it.
    ///
    /// For a caller that wants a refusal before it reads a body or does several things in a row.
    /// Every operation authorises itself as well.
    ///
    /// # Errors
    ///
    /// [`ServiceError::MissingScope`].
    pub fn authorise(&self, cx: &Context, action: Action) -> Result<(), ServiceError> {
        authorise(cx, action)
    }

    /// The limits of this service.
    pub fn limits(&self) -> &Limits {
        &self.parts.limits
    }

    /// The clock of this service.
    pub fn clock(&self) -> &dyn Clock {
        self.parts.clock.as_ref()
    }

    /// The source of randomness of this service.
    pub fn entropy(&self) -> &dyn Entropy {
        self.parts.entropy.as_ref()
    }

    /// Checks that the database and the store both respond.
    ///
    /// # Errors
    ///
    /// Returns the error of the first that fails.
    pub async fn check_health(&self) -> Result<(), ServiceError> {
        self.parts.repository.health().await?;
        self.parts.store.health().await?;
        Ok(())
    }

    /// Replaces the signing keys. From now on the first key of `ring` signs, and what was signed by a key
    /// that is not in it is invalid; requests that have begun may still use the keys of before.
    pub fn replace_key_ring(&self, ring: KeyRing) {
        self.parts.key_ring.replace(ring);
    }

    /// Waits for work that must not be interrupted: commits in flight, and reservations of blobs that
    /// are being given up. Call it last, when no request runs any more.
    pub async fn finish_tasks(&self) {
        self.parts.tasks.close();
        self.parts.tasks.wait().await;
    }
}
