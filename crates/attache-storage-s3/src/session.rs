//! The access key that requests are signed with: renewed before it expires, kept while it cannot be.
//!
//! When a key ends is a matter of the wall clock, which may be set. How long ago the source was asked
//! is not.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use attache_model::{Clock, SystemClock, Timestamp};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{S3AccessKey, S3Credentials, S3CredentialsError, S3CredentialsSource};

/// How long a source is waited for: less than one try of a request.
const PATIENCE: Duration = Duration::from_secs(8);
/// After what time without an answer a source is taken to have forgotten, and may be asked anew. What
/// it has begun may go on all the same, such as a process, and so it is long.
const GIVEN_UP_AFTER: Duration = Duration::from_mins(5);
/// How long before its end a key is renewed, so that a source may be away for a while.
const RENEWED_BEFORE_END: Duration = Duration::from_mins(5);
/// After what time a key is renewed of which the end is not known.
const RENEWED_AFTER: Duration = Duration::from_mins(15);
/// After what time a source is asked again at the earliest, while the key that is there holds.
const PAUSE: Duration = Duration::from_secs(30);
/// The same, where there is none: all who waited for an answer get it, and few ask again.
const PAUSE_WITHOUT_KEY: Duration = Duration::from_secs(1);

type Answer = Result<S3AccessKey, S3CredentialsError>;

/// Holds the key of the moment for all clients of a bucket. Dropped, it asks no more.
pub(crate) struct Session(Arc<Shared>);

/// What the session shares with the task that asks.
struct Shared {
    source: Arc<dyn S3CredentialsSource>,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// Kept until there is another: one that looks ended holds again if the clock was wrong.
    key: Option<S3AccessKey>,
    /// Why the source gave none when it was last asked.
    refusal: Option<S3CredentialsError>,
    /// When it last answered.
    answered_at: Option<Instant>,
    /// Whether the key is to be replaced though it seems to hold for long: the store does not take it,
    /// or the source had no other.
    is_doubted: bool,
    asking: Option<Asking>,
}

/// The source is being asked, in a task of its own: whoever waits may leave, and what comes is kept.
#[derive(Clone)]
struct Asking {
    began_at: Instant,
    answer: watch::Receiver<Option<Answer>>,
    task: AbortHandle,
}

/// What is held, seen at a moment.
enum Standing {
    Good(S3AccessKey),
    /// Still holds, and should be renewed.
    Due(S3AccessKey),
    /// The source had none just now.
    Refused(S3CredentialsError),
    Absent,
}

impl Session {
    pub(crate) fn new(credentials: &S3Credentials) -> Self {
        Self::with_clock(credentials.source(), Arc::new(SystemClock))
    }

    fn with_clock(source: Arc<dyn S3CredentialsSource>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared {
            source,
            clock,
            held: Mutex::default(),
        }))
    }

    /// A key that holds now. Waits for the source only where there is none; one that should be renewed
    /// is renewed behind the caller's back. May be dropped half-way.
    pub(crate) async fn access_key(&self) -> Answer {
        let asking = {
            let mut held = self.0.held();
            match held.standing(self.0.clock.now()) {
                Standing::Good(key) => return Ok(key),
                Standing::Refused(refusal) => return Err(refusal),
                Standing::Due(key) => {
                    self.ask(&mut held);
                    return Ok(key);
                }
                Standing::Absent => self.ask(&mut held),
            }
        };
        asking.answer().await
    }

    /// How long the key of the moment, or the one after it, holds; `None` where nobody knows.
    pub(crate) async fn time_left(&self) -> Result<Option<Duration>, S3CredentialsError> {
        let expires_at = self.access_key().await?.expires_at();
        Ok(expires_at.map(|end| until(self.0.clock.now(), end)))
    }

    /// Takes note that the store does not take the key: the next request has the source asked for
    /// another, unless it was a moment ago.
    pub(crate) fn doubt_key(&self) {
        self.0.held().is_doubted = true;
    }

    /// Has the source asked, unless that is under way. It is not asked twice at a time: what it has
    /// begun may not end with its future, such as a process.
    fn ask(&self, held: &mut Held) -> Asking {
        let under_way = held.asking.take();
        let asking = under_way
            .filter(|asking| !asking.task.is_finished())
            .unwrap_or_else(|| {
                let (teller, answer) = watch::channel(None);
                let shared = Arc::clone(&self.0);
                let task = tokio::spawn(async move {
                    let asked = shared.ask_source().await;
                    teller.send_replace(Some(shared.keep(asked)));
                });
                Asking {
                    began_at: Instant::now(),
                    answer,
                    task: task.abort_handle(),
                }
            });
        held.asking.insert(asking).clone()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(asking) = self.0.held().asking.take() {
            asking.task.abort();
        }
    }
}

impl Asking {
    /// Waits for as long as patience with the source lasts, which those who come late have less of.
    async fn answer(mut self) -> Answer {
        let told = self.answer.wait_for(Option::is_some);
        let refusal = match timeout_at(self.began_at + PATIENCE, told).await {
            Ok(Ok(answer)) => match &*answer {
                Some(answer) => return answer.clone(),
                None => "their source gave no answer".to_owned(),
            },
            Ok(Err(_)) => "their source was given up, or panicked".to_owned(),
            Err(_) => silence(PATIENCE),
        };
        Err(S3CredentialsError::new(refusal))
    }
}

fn silence(patience: Duration) -> String {
    let patience_s = patience.as_secs();
    format!("their source did not answer in {patience_s} s")
}

impl Shared {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask_source(&self) -> Answer {
        let mut answer = self.source.access_key();
        let answer = if let Ok(answer) = timeout(PATIENCE, &mut answer).await {
            answer
        } else {
            tracing::warn!("no key to the store came: {}", silence(PATIENCE));
            match timeout(GIVEN_UP_AFTER.saturating_sub(PATIENCE), answer).await {
                Ok(answer) => answer,
                Err(_) => Err(silence(GIVEN_UP_AFTER).into()),
            }
        };
        answer.map_err(S3CredentialsError::new)
    }

    /// Takes note of what the source said; answers what follows from it.
    fn keep(&self, asked: Answer) -> Answer {
        let mut held = self.held();
        let now = self.clock.now();
        held.asking = None;
        held.answered_at = Some(Instant::now());
        let asked = asked.and_then(|key| {
            let is_good = holds(&key, now);
            is_good
                .then_some(key)
                .ok_or_else(|| S3CredentialsError::new("their source gave expired ones"))
        });
        held.is_doubted = asked.is_err();
        held.refusal = asked.as_ref().err().cloned();
        match asked {
            Ok(key) => Ok(held.key.insert(key).clone()),
            Err(refusal) => {
                let kept = held.key.clone().filter(|key| holds(key, now));
                if kept.is_some() {
                    tracing::warn!(
                        error = &refusal as &dyn std::error::Error,
                        "the key to the store was not renewed; it is used to its end"
                    );
                }
                kept.ok_or(refusal)
            }
        }
    }
}

impl Held {
    fn standing(&self, now: Timestamp) -> Standing {
        match (&self.key, &self.refusal) {
            (Some(key), _) if holds(key, now) => {
                if self.is_due(key, now) {
                    Standing::Due(key.clone())
                } else {
                    Standing::Good(key.clone())
                }
            }
            (_, Some(refusal)) if !self.has_rested(PAUSE_WITHOUT_KEY) => {
                Standing::Refused(refusal.clone())
            }
            _ => Standing::Absent,
        }
    }

    fn is_due(&self, key: &S3AccessKey, now: Timestamp) -> bool {
        let is_old = match key.expires_at() {
            Some(end) => until(now, end) <= RENEWED_BEFORE_END,
            None => self.has_rested(RENEWED_AFTER),
        };
        (is_old || self.is_doubted) && self.has_rested(PAUSE)
    }

    /// Whether the source was let alone for so long.
    fn has_rested(&self, pause: Duration) -> bool {
        self.answered_at.is_none_or(|at| at.elapsed() >= pause)
    }
}

fn holds(key: &S3AccessKey, now: Timestamp) -> bool {
    key.expires_at().is_none_or(|end| now < end)
}

fn until(now: Timestamp, end: Timestamp) -> Duration {
    let millis = end.as_millis().saturating_sub(now.as_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// For the SDK, which is to keep nothing of it: what is held here is renewed in time.
impl ProvideCredentials for Session {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let key = self.access_key().await;
            let key = key.map_err(CredentialsError::provider_error)?;
            Ok(key.to_sdk())
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
