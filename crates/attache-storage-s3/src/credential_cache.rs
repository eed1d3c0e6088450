//! The credentials that requests are signed with: refreshed before they expire, kept while they
//! cannot be.
//!
//! Not the SDK's cache, for the reasons in `docs/decisions/0018-cache-s3-credentials-ourselves.md`.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use attache_model::{Clock, SystemClock, Timestamp};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use crate::credentials::{S3AccessKey, S3Credentials, S3CredentialsError, S3CredentialsSource};

/// The time that requests wait for a source: less than one attempt of a request.
const LOAD_TIMEOUT: Duration = Duration::from_secs(8);
/// The time after which a source that does not return is called again. Long, because it may have
/// started something that outlives its future, such as a process.
const ABANDON_AFTER: Duration = Duration::from_mins(5);
/// The time before their expiry at which credentials are refreshed: an outage that a source may have.
const REFRESH_BEFORE_EXPIRY: Duration = Duration::from_mins(5);
/// The age at which credentials without an expiry are refreshed.
const REFRESH_AFTER: Duration = Duration::from_mins(15);
/// The shortest time between two calls of a source while there are valid credentials.
const REFRESH_INTERVAL: Duration = Duration::from_secs(30);
/// The shortest time between two calls while there are none: concurrent requests share a result.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

type LoadResult = Result<S3AccessKey, S3CredentialsError>;

/// The credentials of a bucket's clients. Dropping it cancels a load in progress.
///
/// Expiry is a matter of the wall clock, which may be set. Intervals between calls of the source
/// are not.
pub(crate) struct CredentialCache {
    source: Arc<dyn S3CredentialsSource>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Kept after their expiry until there are others: they are valid again if the clock was wrong.
    credentials: Option<S3AccessKey>,
    /// True if the store has rejected the credentials.
    is_rejected: bool,
    /// The failure of the last load.
    failure: Option<S3CredentialsError>,
    last_loaded_at: Option<Instant>,
    load: Option<Load>,
}

/// A call of the source. It runs in a task of its own, so that its result is kept even if no
/// request waits for it any more.
#[derive(Clone)]
struct Load {
    started_at: Instant,
    /// `None` if the task panicked, or ended with its runtime.
    outcome: Shared<BoxFuture<'static, Option<Loaded>>>,
}

#[derive(Clone)]
struct Loaded {
    result: LoadResult,
    at: Instant,
}

impl CredentialCache {
    pub(crate) fn new(credentials: &S3Credentials) -> Self {
        Self::with_clock(credentials.source(), Arc::new(SystemClock))
    }

    fn with_clock(source: Arc<dyn S3CredentialsSource>, clock: Arc<dyn Clock>) -> Self {
        Self {
            source,
            clock,
            state: Mutex::default(),
        }
    }

    /// Returns valid credentials. Waits for the source only if there are none: credentials that are
    /// due are refreshed in the background. Cancel-safe.
    pub(crate) async fn get(&self) -> LoadResult {
        let load = {
            let mut state = self.state();
            let now = self.clock.now();
            state.finish_load(now);
            if let Some(credentials) = state.valid(now).cloned() {
                if state.is_due(&credentials, now) {
                    self.load(&mut state);
                }
                return Ok(credentials);
            }
            if let Some(failure) = &state.failure
                && !state.is_idle_for(RETRY_INTERVAL)
            {
                return Err(failure.clone());
            }
            self.load(&mut state)
        };
        let limit = load.started_at + LOAD_TIMEOUT;
        let outcome = timeout_at(limit, load.outcome).await;
        let now = self.clock.now();
        self.state().finish_load(now);
        match outcome {
            Ok(Some(loaded)) => loaded.result.and_then(|loaded| valid(loaded, now)),
            Ok(None) => Err(S3CredentialsError::new(
                "their source panicked or was cancelled",
            )),
            Err(_) => Err(no_response(LOAD_TIMEOUT)),
        }
    }

    /// Returns the time until the credentials, or the ones after them, expire; `None` if that is
    /// unknown.
    pub(crate) async fn time_left(&self) -> Result<Option<Duration>, S3CredentialsError> {
        let expires_at = self.get().await?.expires_at();
        Ok(expires_at.map(|end| until(self.clock.now(), end)))
    }

    /// Records that the store has rejected the credentials, so that the next request refreshes
    /// them.
    pub(crate) fn mark_rejected(&self) {
        let mut state = self.state();
        // A refresh that has completed did not follow this rejection.
        state.finish_load(self.clock.now());
        state.is_rejected = true;
    }

    /// Joins the load in progress, or starts one. There is never more than one: what a source has
    /// started may outlive its future, such as a process.
    fn load(&self, state: &mut State) -> Load {
        let start = || {
            let task = tokio::spawn(load_from(Arc::clone(&self.source)));
            let outcome = AbortOnDropHandle::new(task).map(Result::ok);
            Load {
                started_at: Instant::now(),
                outcome: outcome.boxed().shared(),
            }
        };
        state.load.get_or_insert_with(start).clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn load_from(source: Arc<dyn S3CredentialsSource>) -> Loaded {
    let mut response = source.access_key();
    let mut loaded = timeout(LOAD_TIMEOUT, &mut response).await;
    if loaded.is_err() {
        let silence = Silence(LOAD_TIMEOUT);
        tracing::warn!("no credentials for the store yet: {silence}");
        loaded = timeout(ABANDON_AFTER.saturating_sub(LOAD_TIMEOUT), response).await;
    }
    Loaded {
        result: match loaded {
            Ok(loaded) => loaded.map_err(S3CredentialsError::new),
            Err(_) => Err(no_response(ABANDON_AFTER)),
        },
        at: Instant::now(),
    }
}

impl State {
    /// Takes over the result of a load that has completed.
    fn finish_load(&mut self, now: Timestamp) {
        let load = self.load.as_ref();
        let Some(outcome) = load.and_then(|load| load.outcome.clone().now_or_never()) else {
            return;
        };
        self.load = None;
        let Some(loaded) = outcome else { return };
        self.last_loaded_at = Some(loaded.at);
        match loaded.result.and_then(|loaded| valid(loaded, now)) {
            Ok(loaded) => {
                self.credentials = Some(loaded);
                self.is_rejected = false;
                self.failure = None;
            }
            Err(failure) => {
                if self.valid(now).is_some() {
                    tracing::warn!(
                        error = &failure as &dyn std::error::Error,
                        "the credentials for the store were not refreshed, and are used until they expire"
                    );
                }
                self.failure = Some(failure);
            }
        }
    }

    fn valid(&self, now: Timestamp) -> Option<&S3AccessKey> {
        let credentials = self.credentials.as_ref();
        credentials.filter(|credentials| is_valid(credentials, now))
    }

    fn is_due(&self, credentials: &S3AccessKey, now: Timestamp) -> bool {
        let is_old = match credentials.expires_at() {
            Some(end) => until(now, end) <= REFRESH_BEFORE_EXPIRY,
            None => self.is_idle_for(REFRESH_AFTER),
        };
        let is_wanted = is_old || self.is_rejected || self.failure.is_some();
        is_wanted && self.is_idle_for(REFRESH_INTERVAL)
    }

    /// Returns `true` if the last load ended at least `interval` ago.
    fn is_idle_for(&self, interval: Duration) -> bool {
        self.last_loaded_at
            .is_none_or(|at| at.elapsed() >= interval)
    }
}

fn valid(loaded: S3AccessKey, now: Timestamp) -> LoadResult {
    let expired = || S3CredentialsError::new("their source returned expired ones");
    is_valid(&loaded, now).then_some(loaded).ok_or_else(expired)
}

fn is_valid(credentials: &S3AccessKey, now: Timestamp) -> bool {
    credentials.expires_at().is_none_or(|end| now < end)
}

fn until(now: Timestamp, end: Timestamp) -> Duration {
    let millis = end.as_millis().saturating_sub(now.as_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// A source that does not return.
#[derive(Debug, thiserror::Error)]
#[error("their source did not respond within {} s", .0.as_secs())]
struct Silence(Duration);

fn no_response(limit: Duration) -> S3CredentialsError {
    S3CredentialsError::new(Silence(limit))
}

impl ProvideCredentials for CredentialCache {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials = self.get().await;
            let credentials = credentials.map_err(CredentialsError::provider_error)?;
            Ok(credentials.to_sdk())
        })
    }
}

impl fmt::Debug for CredentialCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialCache")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
