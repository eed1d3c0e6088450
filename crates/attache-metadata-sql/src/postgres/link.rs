//! The way to the server. A call to a server that does not respond ends, and while it is known to be away
//! calls fail at once; meanwhile one task probes it.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgPool};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::connect;
use super::failure::is_refusal_of_a_living_server;
use super::options::PostgresOptions;
use crate::failure::Failure;
use crate::open_error::OpenError;

/// The time after which a call without a response has the server probed.
const SUSPECT_AFTER: Duration = Duration::from_secs(1);
/// The time that a probe, or a health check, waits for the server.
pub(super) const PROBE_LIMIT: Duration = Duration::from_secs(3);
/// The pause between two probes of a server that is away.
const PROBE_PAUSE: Duration = Duration::from_millis(250);
/// The time limit of a call. The server ends a statement after 30 seconds by itself; this is for a
/// connection that is lost while others work.
const CALL_LIMIT: Duration = Duration::from_secs(35);
/// The time that closing waits for the connections.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);

const AWAY: &str = "the database server does not respond";

/// The pool of connections, and whether the server is known to be away.
#[derive(Debug)]
pub(crate) struct Link {
    options: PostgresOptions,
    session: PgConnectOptions,
    pool: Mutex<PgPool>,
    is_away: watch::Sender<bool>,
    is_probing: AtomicBool,
}

impl Link {
    /// Makes a pool; its first connection is made when it is first needed.
    pub(super) fn new(options: PostgresOptions) -> Result<Arc<Self>, OpenError> {
        Ok(Arc::new(Self {
            session: connect::session(&options.url)?,
            pool: Mutex::new(connect::pool(&options)?),
            options,
            is_away: watch::Sender::new(false),
            is_probing: AtomicBool::new(false),
        }))
    }

    /// Returns the pool.
    pub(super) fn pool(&self) -> PgPool {
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.clone()
    }

    /// Waits for a call to the server, at most until the server is found to be away.
    ///
    /// # Errors
    ///
    /// Fails as unavailable, at once if the server is known to be away. The call is dropped then.
    pub(super) async fn reach<T>(
        self: &Arc<Self>,
        call: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let mut is_away = self.is_away.subscribe();
        let mut call = pin!(call);
        let deadline = Instant::now() + CALL_LIMIT;
        loop {
            if *is_away.borrow_and_update() {
                return Err(Failure::Unavailable(AWAY));
            }
            tokio::select! {
                biased;
                done = &mut call => return Ok(done),
                // The sender is in `self`.
                _ = is_away.changed() => {}
                () = sleep(SUSPECT_AFTER) => {
                    if Instant::now() >= deadline {
                        return Err(Failure::Unavailable("the database server did not respond in time"));
                    }
                    self.suspect();
                }
            }
        }
    }

    /// Has the server probed after a failure that may mean that it is away.
    pub(super) fn note(self: &Arc<Self>, failure: &Failure) {
        if failure.may_mean_an_outage() {
            self.suspect();
        }
    }

    /// Starts to probe the server, unless a task does so already.
    pub(super) fn suspect(self: &Arc<Self>) {
        if !self.is_probing.swap(true, Ordering::AcqRel) {
            tokio::spawn(probe_until_up(Arc::downgrade(self)));
        }
    }

    /// Connects without the pool, whose connections may all wait for the server.
    async fn responds(&self) -> bool {
        let probe = async {
            let mut connection = self.session.connect().await?;
            connection.ping().await
        };
        match timeout(PROBE_LIMIT, probe).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => is_refusal_of_a_living_server(&error),
            Err(_) => false,
        }
    }

    fn set_away(&self, away: bool) {
        let has_changed = self.is_away.send_if_modified(|is_away| {
            let has_changed = *is_away != away;
            *is_away = away;
            has_changed
        });
        // Connections of before the outage may be dead without knowing it, and hold their places.
        if has_changed
            && away
            && let Ok(fresh) = connect::pool(&self.options)
        {
            let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
            if pool.is_closed() {
                return;
            }
            // Marks it as closed; nobody waits for its connections.
            drop(std::mem::replace(&mut *pool, fresh).close());
        }
    }

    /// Lets the running calls end and closes every connection, unless the server does not respond.
    pub(super) async fn close(&self) {
        // Past the limit the connections end with the process.
        let _ = timeout(CLOSE_LIMIT, self.pool().close()).await;
    }
}

async fn probe_until_up(link: Weak<Link>) {
    while let Some(link) = link.upgrade() {
        let responds = link.responds().await;
        link.set_away(!responds);
        if responds {
            link.is_probing.store(false, Ordering::Release);
            return;
        }
        drop(link);
        sleep(PROBE_PAUSE).await;
    }
}
