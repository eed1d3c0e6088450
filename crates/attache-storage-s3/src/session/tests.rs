use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

/// Stands still until it is turned.
#[derive(Debug)]
struct ManualClock(Mutex<Timestamp>);

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
    /// How long it thinks first; `MAX` for ever.
    thinks: Mutex<Duration>,
}

#[async_trait]
impl S3CredentialsSource for Source {
    async fn access_key(&self) -> Result<S3AccessKey, Box<dyn std::error::Error + Send + Sync>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let thinks = *self.thinks.lock().unwrap();
        match thinks {
            // Whoever else may ask does it now.
            Duration::ZERO => tokio::task::yield_now().await,
            Duration::MAX => std::future::pending().await,
            _ => tokio::time::sleep(thinks).await,
        }
        self.key.lock().unwrap().clone().ok_or("away".into())
    }
}

struct Scene {
    source: Arc<Source>,
    clock: Arc<ManualClock>,
    session: Session,
}

impl Scene {
    fn new() -> Self {
        let source = Arc::new(Source::default());
        let clock = Arc::new(ManualClock(Mutex::new(Timestamp::from_millis(0))));
        let session = Session::with_clock(source.clone(), clock.clone());
        Self {
            source,
            clock,
            session,
        }
    }

    /// With a key that is to be renewed, and holds for four minutes.
    async fn due() -> Self {
        let scene = Self::new();
        scene.gives("one", Some(MINUTE * 60));
        assert_eq!(scene.key().await.unwrap(), "one");
        scene.advance(MINUTE * 56).await;
        scene.gives("two", Some(MINUTE * 60));
        scene
    }

    /// Time goes by.
    async fn advance(&self, by: Duration) {
        self.turn_clock(self.clock.now().plus(by));
        tokio::time::advance(by).await;
        self.let_others_go_on().await;
    }

    /// Somebody sets the wall clock.
    fn turn_clock(&self, to: Timestamp) {
        *self.clock.0.lock().unwrap() = to;
    }

    async fn let_others_go_on(&self) {
        for _ in 0..9 {
            tokio::task::yield_now().await;
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

    fn thinks(&self, time: Duration) {
        *self.source.thinks.lock().unwrap() = time;
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

    /// The same, once what the question has set off is done.
    async fn renewed_key(&self) -> Result<String, String> {
        let _ = self.key().await;
        self.let_others_go_on().await;
        self.key().await
    }

    fn asked(&self) -> usize {
        self.source.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_renewed_before_its_end_and_not_earlier() {
    let scene = Scene::new();
    scene.gives("one", Some(MINUTE * 60));
    assert_eq!(scene.key().await.unwrap(), "one");
    scene.gives("two", Some(MINUTE * 120));
    scene.advance(MINUTE * 54).await;
    assert_eq!(scene.renewed_key().await.unwrap(), "one");
    assert_eq!(scene.asked(), 1);
    scene.advance(MINUTE).await;
    assert_eq!(scene.renewed_key().await.unwrap(), "two");
    assert_eq!(scene.asked(), 2);
    let left = scene.session.time_left().await.unwrap();
    assert_eq!(left, Some(MINUTE * 65));
}

#[tokio::test(start_paused = true)]
async fn a_key_without_an_end_is_asked_for_again_all_the_same() {
    let scene = Scene::new();
    scene.gives("one", None);
    assert_eq!(scene.key().await.unwrap(), "one");
    assert_eq!(scene.session.time_left().await.unwrap(), None);
    scene.gives("two", None);
    scene.advance(MINUTE * 15).await;
    assert_eq!(scene.renewed_key().await.unwrap(), "two");
    // And kept where there is no other.
    scene.is_away();
    scene.advance(MINUTE * 600).await;
    assert_eq!(scene.renewed_key().await.unwrap(), "two");
    assert_eq!(scene.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_kept_to_its_end_while_there_is_no_other() {
    let scene = Scene::due().await;
    scene.is_away();
    for _ in 0..3 {
        assert_eq!(scene.renewed_key().await.unwrap(), "one");
    }
    // Not with every request.
    assert_eq!(scene.asked(), 2);
    scene.advance(PAUSE).await;
    assert_eq!(scene.renewed_key().await.unwrap(), "one");
    assert_eq!(scene.asked(), 3);

    scene.advance(MINUTE * 4).await;
    let refused = scene.key().await.unwrap_err();
    assert_eq!(refused, "there are no credentials for the store: away");
    assert_eq!(scene.key().await.unwrap_err(), refused);
    assert_eq!(scene.asked(), 4);
    scene.gives("two", Some(MINUTE * 60));
    scene.advance(PAUSE_WITHOUT_KEY).await;
    assert_eq!(scene.key().await.unwrap(), "two");
}

#[tokio::test(start_paused = true)]
async fn many_ask_and_the_source_is_asked_once() {
    let scene = Scene::new();
    scene.gives("one", Some(MINUTE * 60));
    let all = join_all((0..9).map(|_| scene.key())).await;
    assert!(all.iter().all(|key| key.as_deref() == Ok("one")), "{all:?}");
    assert_eq!(scene.asked(), 1);

    scene.advance(MINUTE * 56).await;
    join_all((0..9).map(|_| scene.renewed_key())).await;
    assert_eq!(scene.asked(), 2);

    let scene = Scene::new();
    let all = join_all((0..9).map(|_| scene.key())).await;
    assert!(all.iter().all(Result::is_err), "{all:?}");
    assert_eq!(scene.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_expired_key_is_none() {
    let scene = Scene::new();
    scene.gives("one", Some(Duration::ZERO));
    let refused = scene.key().await.unwrap_err();
    assert!(refused.ends_with("gave expired ones"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_goes_ahead_and_comes_back_does_no_lasting_harm() {
    let scene = Scene::new();
    scene.gives("one", Some(MINUTE * 60));
    assert_eq!(scene.key().await.unwrap(), "one");
    let right = scene.clock.now();
    scene.turn_clock(right.plus(MINUTE * 60 * 24));
    let refused = scene.key().await.unwrap_err();
    assert!(refused.ends_with("gave expired ones"), "{refused}");
    // The key that looked ended holds, and needs nobody.
    scene.turn_clock(right);
    scene.is_away();
    assert_eq!(scene.key().await.unwrap(), "one");

    // Nor is a source that was away under the wrong clock left alone until then.
    let scene = Scene::new();
    scene.turn_clock(right.plus(MINUTE * 60 * 24));
    scene.key().await.unwrap_err();
    scene.turn_clock(right);
    scene.gives("one", Some(MINUTE * 60));
    scene.advance(PAUSE_WITHOUT_KEY).await;
    assert_eq!(scene.key().await.unwrap(), "one");
}

#[tokio::test(start_paused = true)]
async fn a_silent_source_is_waited_for_in_vain_and_seldom_asked() {
    let scene = Scene::new();
    scene.thinks(Duration::MAX);
    for _ in 0..3 {
        let refused = scene.key().await.unwrap_err();
        assert!(refused.ends_with("did not answer in 8 s"), "{refused}");
        scene.advance(PAUSE).await;
    }
    assert_eq!(scene.asked(), 1);
    // It may have forgotten.
    scene.advance(GIVEN_UP_AFTER).await;
    let refused = scene.key().await.unwrap_err();
    assert!(refused.ends_with("did not answer in 300 s"), "{refused}");
    assert_eq!(scene.asked(), 1);
    scene.advance(PAUSE).await;
    scene.key().await.unwrap_err();
    assert_eq!(scene.asked(), 2);
    let shown = format!("{:?}", scene.session);
    assert!(!shown.contains("canary"), "{shown}");
    // Nobody is left who would want to know.
    let Scene {
        source, session, ..
    } = scene;
    drop(session);
    for _ in 0..9 {
        tokio::task::yield_now().await;
    }
    assert_eq!(Arc::strong_count(&source), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_late_is_kept() {
    let scene = Scene::new();
    scene.gives("one", Some(MINUTE * 60));
    scene.thinks(PATIENCE * 2);
    scene.key().await.unwrap_err();
    tokio::time::sleep(PATIENCE * 2).await;
    scene.thinks(Duration::MAX);
    assert_eq!(scene.key().await.unwrap(), "one");
    assert_eq!(scene.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_early_has_asked_for_the_others() {
    let scene = Scene::new();
    scene.gives("one", Some(MINUTE * 60));
    scene.thinks(Duration::from_secs(3));
    for _ in 0..3 {
        let leaves = timeout(Duration::from_secs(1), scene.key()).await;
        assert!(leaves.is_err(), "{leaves:?}");
    }
    // Under way for three seconds.
    assert_eq!(scene.key().await.unwrap(), "one");
    assert_eq!(scene.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_next_key_while_one_holds() {
    let scene = Scene::due().await;
    scene.thinks(Duration::from_secs(3));
    let asked_at = Instant::now();
    assert_eq!(scene.key().await.unwrap(), "one");
    assert_eq!(asked_at.elapsed(), Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(scene.key().await.unwrap(), "two");
    assert_eq!(scene.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_silent_source_takes_away_no_key_that_holds() {
    let scene = Scene::due().await;
    scene.thinks(Duration::MAX);
    for _ in 0..3 {
        assert_eq!(scene.renewed_key().await.unwrap(), "one");
        scene.advance(PAUSE * 2).await;
    }
    assert_eq!(scene.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_the_store_does_not_take_is_replaced_but_not_in_a_hurry() {
    let scene = Scene::new();
    scene.gives("one", Some(MINUTE * 60));
    assert_eq!(scene.key().await.unwrap(), "one");
    scene.gives("two", Some(MINUTE * 60));
    scene.session.doubt_key();
    assert_eq!(scene.renewed_key().await.unwrap(), "one");
    scene.advance(PAUSE).await;
    assert_eq!(scene.renewed_key().await.unwrap(), "two");
    assert_eq!(scene.asked(), 2);
    // Nor is it taken: asked again, but not with each refusal.
    for _ in 0..9 {
        scene.session.doubt_key();
        scene.renewed_key().await.unwrap();
    }
    assert_eq!(scene.asked(), 2);
    scene.advance(PAUSE).await;
    scene.renewed_key().await.unwrap();
    assert_eq!(scene.asked(), 3);
}

#[tokio::test]
async fn an_asking_that_ended_with_its_runtime_is_begun_anew() {
    let scene = Arc::new(Scene::new());
    scene.gives("one", Some(MINUTE * 60));
    scene.thinks(Duration::MAX);
    let asker = Arc::clone(&scene);
    let asks = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let wait = Duration::from_millis(1);
        runtime.block_on(async { timeout(wait, asker.key()).await.unwrap_err() });
    });
    asks.join().unwrap();
    scene.thinks(Duration::ZERO);
    assert_eq!(scene.key().await.unwrap(), "one");
}
