use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::*;

mod sdk_cache;

const MINUTE: Duration = Duration::from_mins(1);

/// A clock that stands still until it is set.
#[derive(Debug)]
struct ManualClock(Mutex<Timestamp>);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Returns the given credentials, and counts its calls.
#[derive(Debug, Default)]
struct Source {
    credentials: Mutex<Option<S3AccessKey>>,
    calls: AtomicUsize,
    /// The time that a call takes; `MAX` for one that never returns.
    latency: Mutex<Duration>,
}

#[async_trait]
impl S3CredentialsSource for Source {
    async fn access_key(&self) -> Result<S3AccessKey, Box<dyn std::error::Error + Send + Sync>> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let latency = *self.latency.lock().unwrap();
        match latency {
            // Let concurrent requests join.
            Duration::ZERO => tokio::task::yield_now().await,
            Duration::MAX => std::future::pending().await,
            _ => tokio::time::sleep(latency).await,
        }
        self.credentials
            .lock()
            .unwrap()
            .clone()
            .ok_or("down".into())
    }
}

struct Scene {
    source: Arc<Source>,
    clock: Arc<ManualClock>,
    cache: CredentialCache,
}

impl Scene {
    fn new() -> Self {
        let source = Arc::new(Source::default());
        let clock = Arc::new(ManualClock(Mutex::new(Timestamp::from_millis(0))));
        let cache = CredentialCache::with_clock(source.clone(), clock.clone());
        Self {
            source,
            clock,
            cache,
        }
    }

    /// Starts with credentials that are due and valid for four more minutes.
    async fn due() -> Self {
        let scene = Self::new();
        scene.set("one", Some(MINUTE * 60));
        assert_eq!(scene.id().await.unwrap(), "one");
        scene.advance(MINUTE * 56).await;
        scene.set("two", Some(MINUTE * 60));
        scene
    }

    /// Advances both clocks.
    async fn advance(&self, by: Duration) {
        self.set_clock(self.clock.now().plus(by));
        tokio::time::advance(by).await;
        self.run_tasks().await;
    }

    fn set_clock(&self, to: Timestamp) {
        *self.clock.0.lock().unwrap() = to;
    }

    async fn run_tasks(&self) {
        for _ in 0..9 {
            tokio::task::yield_now().await;
        }
    }

    fn set(&self, id: &str, lifetime: Option<Duration>) {
        let key = S3AccessKey::new(id, "canary");
        let key = match lifetime {
            Some(lifetime) => key.with_expires_at(self.clock.now().plus(lifetime)),
            None => key,
        };
        *self.source.credentials.lock().unwrap() = Some(key);
    }

    fn set_latency(&self, latency: Duration) {
        *self.source.latency.lock().unwrap() = latency;
    }

    fn clear(&self) {
        *self.source.credentials.lock().unwrap() = None;
    }

    /// Returns the id of the credentials, or the reason that there are none.
    async fn id(&self) -> Result<String, String> {
        let key = self.cache.get().await;
        let key = key.map_err(|error| attache_model::with_causes(&error))?;
        Ok(key.to_sdk().access_key_id().to_owned())
    }

    /// Like [`id`](Self::id), after a refresh that the first request has started.
    async fn refreshed_id(&self) -> Result<String, String> {
        let _ = self.id().await;
        self.run_tasks().await;
        self.id().await
    }

    fn calls(&self) -> usize {
        self.source.calls.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_are_refreshed_five_minutes_early() {
    let scene = Scene::new();
    scene.set("one", Some(MINUTE * 60));
    assert_eq!(scene.id().await.unwrap(), "one");
    scene.set("two", Some(MINUTE * 120));
    scene.advance(MINUTE * 54).await;
    assert_eq!(scene.refreshed_id().await.unwrap(), "one");
    assert_eq!(scene.calls(), 1);
    scene.advance(MINUTE).await;
    assert_eq!(scene.refreshed_id().await.unwrap(), "two");
    assert_eq!(scene.calls(), 2);
    let left = scene.cache.time_left().await.unwrap();
    assert_eq!(left, Some(MINUTE * 65));
}

#[tokio::test(start_paused = true)]
async fn credentials_without_expiry_are_refreshed() {
    let scene = Scene::new();
    scene.set("one", None);
    assert_eq!(scene.id().await.unwrap(), "one");
    assert_eq!(scene.cache.time_left().await.unwrap(), None);
    scene.set("two", None);
    scene.advance(MINUTE * 15).await;
    assert_eq!(scene.refreshed_id().await.unwrap(), "two");
    // They are kept while the source is down.
    scene.clear();
    scene.advance(MINUTE * 600).await;
    assert_eq!(scene.refreshed_id().await.unwrap(), "two");
    assert_eq!(scene.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn credentials_are_kept_while_source_is_down() {
    let scene = Scene::due().await;
    scene.clear();
    for _ in 0..3 {
        assert_eq!(scene.refreshed_id().await.unwrap(), "one");
    }
    // The source is not called for every request.
    assert_eq!(scene.calls(), 2);
    scene.advance(REFRESH_INTERVAL).await;
    assert_eq!(scene.refreshed_id().await.unwrap(), "one");
    assert_eq!(scene.calls(), 3);

    scene.advance(MINUTE * 4).await;
    let refused = scene.id().await.unwrap_err();
    assert_eq!(refused, "there are no credentials for the store: down");
    assert_eq!(scene.id().await.unwrap_err(), refused);
    assert_eq!(scene.calls(), 4);
    scene.set("two", Some(MINUTE * 60));
    scene.advance(RETRY_INTERVAL).await;
    assert_eq!(scene.id().await.unwrap(), "two");
}

#[tokio::test(start_paused = true)]
async fn concurrent_requests_share_one_call() {
    let scene = Scene::new();
    scene.set("one", Some(MINUTE * 60));
    let all = join_all((0..9).map(|_| scene.id())).await;
    assert!(all.iter().all(|id| id.as_deref() == Ok("one")), "{all:?}");
    assert_eq!(scene.calls(), 1);

    scene.advance(MINUTE * 56).await;
    join_all((0..9).map(|_| scene.refreshed_id())).await;
    assert_eq!(scene.calls(), 2);

    let scene = Scene::new();
    let all = join_all((0..9).map(|_| scene.id())).await;
    assert!(all.iter().all(Result::is_err), "{all:?}");
    assert_eq!(scene.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_are_refused() {
    let scene = Scene::new();
    scene.set("one", Some(Duration::ZERO));
    let refused = scene.id().await.unwrap_err();
    assert!(refused.ends_with("returned expired ones"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn clock_that_jumps_ahead_and_back_is_survived() {
    let scene = Scene::new();
    scene.set("one", Some(MINUTE * 60));
    assert_eq!(scene.id().await.unwrap(), "one");
    let right = scene.clock.now();
    scene.set_clock(right.plus(MINUTE * 60 * 24));
    let refused = scene.id().await.unwrap_err();
    assert!(refused.ends_with("returned expired ones"), "{refused}");
    // The credentials are valid again, without the source.
    scene.set_clock(right);
    scene.clear();
    assert_eq!(scene.id().await.unwrap(), "one");

    // A failure under the wrong clock does not delay the next call until then.
    let scene = Scene::new();
    scene.set_clock(right.plus(MINUTE * 60 * 24));
    scene.id().await.unwrap_err();
    scene.set_clock(right);
    scene.set("one", Some(MINUTE * 60));
    scene.advance(RETRY_INTERVAL).await;
    assert_eq!(scene.id().await.unwrap(), "one");
}

#[tokio::test(start_paused = true)]
async fn silent_source_is_called_every_five_minutes() {
    let scene = Scene::new();
    scene.set_latency(Duration::MAX);
    for _ in 0..3 {
        let refused = scene.id().await.unwrap_err();
        assert!(refused.ends_with("did not respond within 8 s"), "{refused}");
        scene.advance(REFRESH_INTERVAL).await;
    }
    assert_eq!(scene.calls(), 1);
    // Its call is abandoned.
    scene.advance(ABANDON_AFTER).await;
    let refused = scene.id().await.unwrap_err();
    assert!(
        refused.ends_with("did not respond within 300 s"),
        "{refused}"
    );
    assert_eq!(scene.calls(), 1);
    scene.advance(REFRESH_INTERVAL).await;
    scene.id().await.unwrap_err();
    assert_eq!(scene.calls(), 2);
    let shown = format!("{:?}", scene.cache);
    assert!(!shown.contains("canary"), "{shown}");
    // The call in progress is cancelled with the cache.
    let Scene { source, cache, .. } = scene;
    drop(cache);
    for _ in 0..9 {
        tokio::task::yield_now().await;
    }
    assert_eq!(Arc::strong_count(&source), 1);
}

#[tokio::test(start_paused = true)]
async fn late_result_is_kept() {
    let scene = Scene::new();
    scene.set("one", Some(MINUTE * 60));
    scene.set_latency(LOAD_TIMEOUT * 2);
    scene.id().await.unwrap_err();
    tokio::time::sleep(LOAD_TIMEOUT * 2).await;
    scene.set_latency(Duration::MAX);
    assert_eq!(scene.id().await.unwrap(), "one");
    assert_eq!(scene.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn cancelled_request_keeps_its_call() {
    let scene = Scene::new();
    scene.set("one", Some(MINUTE * 60));
    scene.set_latency(Duration::from_secs(3));
    for _ in 0..3 {
        let cancelled = timeout(Duration::from_secs(1), scene.id()).await;
        assert!(cancelled.is_err(), "{cancelled:?}");
    }
    // The call has taken three seconds.
    assert_eq!(scene.id().await.unwrap(), "one");
    assert_eq!(scene.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn refresh_does_not_delay_requests() {
    let scene = Scene::due().await;
    scene.set_latency(Duration::from_secs(3));
    let started_at = Instant::now();
    assert_eq!(scene.id().await.unwrap(), "one");
    assert_eq!(started_at.elapsed(), Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(scene.id().await.unwrap(), "two");
    assert_eq!(scene.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn silent_source_does_not_invalidate_credentials() {
    let scene = Scene::due().await;
    scene.set_latency(Duration::MAX);
    for _ in 0..3 {
        assert_eq!(scene.refreshed_id().await.unwrap(), "one");
        scene.advance(REFRESH_INTERVAL * 2).await;
    }
    assert_eq!(scene.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn rejected_credentials_are_refreshed_at_intervals() {
    let scene = Scene::new();
    scene.set("one", Some(MINUTE * 60));
    assert_eq!(scene.id().await.unwrap(), "one");
    scene.set("two", Some(MINUTE * 60));
    scene.cache.mark_rejected();
    assert_eq!(scene.refreshed_id().await.unwrap(), "one");
    scene.advance(REFRESH_INTERVAL).await;
    assert_eq!(scene.refreshed_id().await.unwrap(), "two");
    assert_eq!(scene.calls(), 2);
    // They are rejected, too: the source is called again, but not after each rejection.
    for _ in 0..9 {
        scene.cache.mark_rejected();
        scene.refreshed_id().await.unwrap();
    }
    assert_eq!(scene.calls(), 2);
    scene.advance(REFRESH_INTERVAL).await;
    scene.refreshed_id().await.unwrap();
    assert_eq!(scene.calls(), 3);
}

#[tokio::test]
async fn call_that_ended_with_its_runtime_is_repeated() {
    let scene = Arc::new(Scene::new());
    scene.set("one", Some(MINUTE * 60));
    scene.set_latency(Duration::MAX);
    let other = Arc::clone(&scene);
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let wait = Duration::from_millis(1);
        runtime.block_on(async { timeout(wait, other.id()).await.unwrap_err() });
    });
    thread.join().unwrap();
    scene.set_latency(Duration::ZERO);
    assert_eq!(scene.id().await.unwrap(), "one");
}

#[tokio::test(start_paused = true)]
async fn old_failure_does_not_fail_a_later_request() {
    let scene = Scene::new();
    scene.set_latency(LOAD_TIMEOUT * 2);
    scene.id().await.unwrap_err();
    // The call fails when no request waits for it any more.
    scene.advance(LOAD_TIMEOUT * 2).await;
    scene.set("one", Some(MINUTE * 60));
    scene.set_latency(Duration::ZERO);
    scene.advance(MINUTE).await;
    assert_eq!(scene.id().await.unwrap(), "one");
}
