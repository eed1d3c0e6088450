//! The pool, and the settings that the guarantees rest on.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool};

use super::address;
use super::options::PostgresOptions;
use crate::open_error::OpenError;

/// For every session.
const SETTINGS: [(&str, &str); 7] = [
    // Nothing waits without end, and a transaction whose process was lost gives its locks back.
    ("statement_timeout", "30s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "30s"),
    // Every list has an index that returns it in order, bounded by a limit. Where the planner guesses
    // that few rows match, it would rather fetch all of them and sort them; and its guess for a
    // prepared statement is the same for all tenants, the large ones too. A statement that sorts
    // what no index holds in order still does, but one that could walk an index instead must be
    // written so that the walk is short.
    ("enable_bitmapscan", "off"),
    ("enable_sort", "off"),
    // The price put on a sort would have such a statement compiled, which takes longer than running it.
    ("jit", "off"),
    // No statement reads so much that it pays to start helpers for it.
    ("max_parallel_workers_per_gather", "0"),
];

/// A reply means durable. A stronger setting, such as `remote_apply`, is left as it is.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') = 'off'";

/// A connection that has been idle for longer is probed before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// The time that such a probe waits. A connection that does not respond is replaced.
const PING_LIMIT: Duration = Duration::from_secs(1);

/// Returns the options of a session at an address.
pub(crate) fn session(url: &str) -> Result<PgConnectOptions, OpenError> {
    Ok(address::parse(url)?.options(SETTINGS))
}

/// Returns the reason why no connection could be made. The pool goes on trying until its time is out,
/// and then reports nothing else: one attempt beside it yields the reason.
pub(crate) async fn explain(error: sqlx::Error, options: &PostgresOptions) -> sqlx::Error {
    if !matches!(error, sqlx::Error::PoolTimedOut) {
        return error;
    }
    let Ok(session) = session(&options.url) else {
        return error;
    };
    match tokio::time::timeout(options.acquire_for, session.connect()).await {
        Ok(Err(reason)) => reason,
        Ok(Ok(_)) | Err(_) => error,
    }
}

/// Makes a pool; its first connection is made when it is first needed.
pub(crate) fn pool(options: &PostgresOptions) -> Result<PgPool, OpenError> {
    let address = session(&options.url)?;
    let pool = PgPoolOptions::new()
        .max_connections(options.max_connections.max(1))
        .acquire_timeout(options.acquire_for)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_IDLE {
                    // One that the network has forgotten would never respond.
                    match tokio::time::timeout(PING_LIMIT, connection.ping()).await {
                        Ok(pong) => pong?,
                        Err(_) => return Ok(false),
                    }
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| Box::pin(make_durable(connection)));
    Ok(pool.connect_lazy_with(address))
}

async fn make_durable(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute(DURABLE).await.map(drop)
}
