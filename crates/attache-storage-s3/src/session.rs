//! The access key that requests are signed with: renewed before it expires, kept while it cannot be.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use attache_model::{Clock, SystemClock, Timestamp};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};

use crate::{S3AccessKey, S3Credentials, S3CredentialsError, S3CredentialsSource};

/// How long a source may take: less than one try of a request.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long before its end a key is renewed, so that a source may be away for a while.
const RENEWED_BEFORE_END: Duration = Duration::from_mins(5);
/// After what time a key is renewed of which the end is not known.
const RENEWED_AFTER: Duration = Duration::from_mins(15);
/// After what time a source is asked again which gave no other key, while the one that is there holds.
const PAUSE: Duration = Duration::from_secs(30);
/// The same, where there is none: all who waited for an answer get it, and few ask again.
const PAUSE_WITHOUT_KEY: Duration = Duration::from_secs(1);

/// Holds the key of the moment for all clients of a bucket.
pub(crate) struct Session {
    source: Arc<dyn S3CredentialsSource>,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    /// Locked by the one who asks the source.
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Held {
    key: Option<S3AccessKey>,
    /// Why there is no key.
    refusal: Option<S3CredentialsError>,
    /// When the source is to be asked; `None` for now.
    ask_at: Option<Timestamp>,
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
        Self {
            source,
            clock,
            held: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
        }
    }

    /// A key that holds now. Dropped half-way, the next caller asks the source anew.
    pub(crate) async fn access_key(&self) -> Result<S3AccessKey, S3CredentialsError> {
        let _renewing = match self.standing() {
            Standing::Good(key) => return Ok(key),
            Standing::Refused(refusal) => return Err(refusal),
            // One renews; the others need not wait.
            Standing::Due(key) => match self.renewing.try_lock() {
                Ok(renewing) => renewing,
                Err(_) => return Ok(key),
            },
            Standing::Absent => self.renewing.lock().await,
        };
        match self.standing() {
            Standing::Good(key) => return Ok(key),
            Standing::Refused(refusal) => return Err(refusal),
            Standing::Due(_) | Standing::Absent => {}
        }
        let asked = tokio::time::timeout(PATIENCE, self.source.access_key()).await;
        self.keep(match asked {
            Ok(Ok(key)) => Ok(key),
            Ok(Err(error)) => Err(S3CredentialsError::new(error)),
            Err(_) => Err(S3CredentialsError::new(format!(
                "their source did not answer in {} s",
                PATIENCE.as_secs()
            ))),
        })
    }

    /// How long the key of the moment, or the one after it, holds; `None` where nobody knows.
    pub(crate) async fn time_left(&self) -> Result<Option<Duration>, S3CredentialsError> {
        let expires_at = self.access_key().await?.expires_at();
        Ok(expires_at.map(|end| until(self.clock.now(), end)))
    }

    fn standing(&self) -> Standing {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let is_due = held.ask_at.is_none_or(|ask_at| ask_at <= now);
        match (&held.key, &held.refusal) {
            (Some(key), _) if holds(key, now) && is_due => Standing::Due(key.clone()),
            (Some(key), _) if holds(key, now) => Standing::Good(key.clone()),
            (_, Some(refusal)) if !is_due => Standing::Refused(refusal.clone()),
            _ => Standing::Absent,
        }
    }

    /// Takes note of what the source said; answers what follows from it.
    fn keep(
        &self,
        asked: Result<S3AccessKey, S3CredentialsError>,
    ) -> Result<S3AccessKey, S3CredentialsError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let asked = asked.and_then(|key| {
            let is_good = holds(&key, now);
            is_good
                .then_some(key)
                .ok_or_else(|| S3CredentialsError::new("their source gave expired ones"))
        });
        let kept = held.key.take().filter(|key| holds(key, now));
        match (asked, kept) {
            (Ok(key), _) => {
                let pause = key.expires_at().map_or(RENEWED_AFTER, |end| {
                    until(now, end)
                        .saturating_sub(RENEWED_BEFORE_END)
                        .max(PAUSE)
                });
                *held = Held {
                    key: Some(key.clone()),
                    refusal: None,
                    ask_at: Some(now.plus(pause)),
                };
                Ok(key)
            }
            (Err(refusal), Some(key)) => {
                tracing::warn!(
                    error = &refusal as &dyn std::error::Error,
                    "the key to the store was not renewed; it is used to its end"
                );
                held.key = Some(key.clone());
                held.ask_at = Some(now.plus(PAUSE));
                Ok(key)
            }
            (Err(refusal), None) => {
                held.refusal = Some(refusal.clone());
                held.ask_at = Some(now.plus(PAUSE_WITHOUT_KEY));
                Err(refusal)
            }
        }
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
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// Stands still until it is turned.
    #[derive(Debug)]
    struct ManualClock(Mutex<Timestamp>);

    impl ManualClock {
        fn advance(&self, by: Duration) {
            let mut now = self.0.lock().unwrap();
            *now = now.plus(by);
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    /// Gives what it was told to, and counts how often it was asked.
    #[derive(Debug, Default)]
    struct Source {
        key: Mutex<Option<S3AccessKey>>,
        asked: AtomicUsize,
        is_silent: bool,
    }

    #[async_trait]
    impl S3CredentialsSource for Source {
        async fn access_key(
            &self,
        ) -> Result<S3AccessKey, Box<dyn std::error::Error + Send + Sync>> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.is_silent {
                std::future::pending::<()>().await;
            }
            // Whoever else may ask does it now.
            tokio::task::yield_now().await;
            self.key.lock().unwrap().clone().ok_or("away".into())
        }
    }

    struct Scene {
        source: Arc<Source>,
        clock: Arc<ManualClock>,
        session: Session,
    }

    impl Scene {
        fn new(source: Source) -> Self {
            let source = Arc::new(source);
            let clock = Arc::new(ManualClock(Mutex::new(Timestamp::from_millis(0))));
            let session = Session::with_clock(source.clone(), clock.clone());
            Self {
                source,
                clock,
                session,
            }
        }

        fn gives(&self, id: &str, holds_for: Option<Duration>) {
            let key = S3AccessKey::new(id, "canary");
            let key = match holds_for {
                Some(holds_for) => key.with_expires_at(self.clock.now().plus(holds_for)),
                None => key,
            };
            *self.source.key.lock().unwrap() = Some(key);
        }

        fn is_away(&self) {
            *self.source.key.lock().unwrap() = None;
        }

        /// The id of the key there is, or why there is none.
        async fn key(&self) -> Result<String, String> {
            let key = self.session.access_key().await;
            let key = key.map_err(|error| attache_model::with_causes(&error))?;
            Ok(key.to_sdk().access_key_id().to_owned())
        }

        fn asked(&self) -> usize {
            self.source.asked.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_key_is_renewed_before_its_end_and_not_earlier() {
        let scene = Scene::new(Source::default());
        scene.gives("one", Some(MINUTE * 60));
        assert_eq!(scene.key().await.unwrap(), "one");
        scene.gives("two", Some(MINUTE * 120));
        scene.clock.advance(MINUTE * 54);
        assert_eq!(scene.key().await.unwrap(), "one");
        assert_eq!(scene.asked(), 1);
        scene.clock.advance(MINUTE);
        assert_eq!(scene.key().await.unwrap(), "two");
        assert_eq!(scene.asked(), 2);
        let left = scene.session.time_left().await.unwrap();
        assert_eq!(left, Some(MINUTE * 65));
    }

    #[tokio::test]
    async fn a_key_without_an_end_is_asked_for_again_all_the_same() {
        let scene = Scene::new(Source::default());
        scene.gives("one", None);
        assert_eq!(scene.key().await.unwrap(), "one");
        assert_eq!(scene.session.time_left().await.unwrap(), None);
        scene.gives("two", None);
        scene.clock.advance(MINUTE * 15);
        assert_eq!(scene.key().await.unwrap(), "two");
        // And kept where there is no other.
        scene.is_away();
        scene.clock.advance(MINUTE * 600);
        assert_eq!(scene.key().await.unwrap(), "two");
    }

    #[tokio::test]
    async fn a_key_is_kept_to_its_end_while_there_is_no_other() {
        let scene = Scene::new(Source::default());
        scene.gives("one", Some(MINUTE * 60));
        scene.key().await.unwrap();
        scene.is_away();
        scene.clock.advance(MINUTE * 56);
        for _ in 0..3 {
            assert_eq!(scene.key().await.unwrap(), "one");
        }
        // Not with every request.
        assert_eq!(scene.asked(), 2);
        scene.clock.advance(PAUSE);
        assert_eq!(scene.key().await.unwrap(), "one");
        assert_eq!(scene.asked(), 3);

        scene.clock.advance(MINUTE * 4);
        let refused = scene.key().await.unwrap_err();
        assert_eq!(refused, "there are no credentials for the store: away");
        assert_eq!(scene.key().await.unwrap_err(), refused);
        assert_eq!(scene.asked(), 4);
        scene.gives("two", Some(MINUTE * 60));
        scene.clock.advance(PAUSE_WITHOUT_KEY);
        assert_eq!(scene.key().await.unwrap(), "two");
    }

    #[tokio::test]
    async fn many_ask_and_the_source_is_asked_once() {
        let scene = Scene::new(Source::default());
        scene.gives("one", Some(MINUTE * 60));
        let all = futures_util::future::join_all((0..9).map(|_| scene.key())).await;
        assert!(all.iter().all(|key| key.as_deref() == Ok("one")), "{all:?}");
        assert_eq!(scene.asked(), 1);

        scene.clock.advance(MINUTE * 56);
        futures_util::future::join_all((0..9).map(|_| scene.key())).await;
        assert_eq!(scene.asked(), 2);

        let scene = Scene::new(Source::default());
        let all = futures_util::future::join_all((0..9).map(|_| scene.key())).await;
        assert!(all.iter().all(Result::is_err), "{all:?}");
        assert_eq!(scene.asked(), 1);
    }

    #[tokio::test]
    async fn an_expired_key_is_none() {
        let scene = Scene::new(Source::default());
        scene.gives("one", Some(Duration::ZERO));
        let refused = scene.key().await.unwrap_err();
        assert!(refused.ends_with("gave expired ones"), "{refused}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_source_is_given_up() {
        let scene = Scene::new(Source {
            is_silent: true,
            ..Source::default()
        });
        let refused = scene.key().await.unwrap_err();
        assert!(refused.ends_with("did not answer in 8 s"), "{refused}");
        let shown = format!("{:?}", scene.session);
        assert!(!shown.contains("canary"), "{shown}");
    }
}
