//! One connection, from its first byte to its close.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use attache::HttpService;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::activity::Activity;
use super::io::{ConnectionIo, Protocol};
use super::limits::{
    BUFFER_MAX_BYTES, ERROR_RESETS_MAX, GOODBYE_TIMEOUT, HEAD_MAX_BYTES, HEAD_MAX_FIELDS,
    HEAD_TIMEOUT, HEADER_LIST_MAX_BYTES, IDLE_TIMEOUT, PENDING_RESETS_MAX, PING_INTERVAL,
    PING_TIMEOUT, STREAMS_MAX, WRITE_STALL_TIMEOUT,
};
use super::observed::Observed;

/// What a connection shares with the others of its server.
pub(super) struct Limits<'s> {
    pub(super) draining: &'s CancellationToken,
    pub(super) tasks: &'s TaskTracker,
    pub(super) requests: &'s Arc<Semaphore>,
}

/// Serves requests until the connection ends, or until the server drains and the last request that
/// came in time is answered.
pub(super) async fn serve(stream: TcpStream, service: HttpService, limits: &Limits<'_>) {
    // Without this an answer whose body comes later waits for an acknowledgement of its head.
    let _ = stream.set_nodelay(true);
    let activity = Activity::new();
    let mut io = ConnectionIo::new(stream, activity.clone());
    let protocol = tokio::select! {
        protocol = io.detect_protocol() => protocol,
        () = limits.draining.cancelled() => return,
    };
    let service = Observed::new(service, activity.clone(), limits.requests.clone());
    let ended = match protocol {
        Err(error) => Err(error.into()),
        Ok(Protocol::Http1) => {
            let connection = http1_builder().serve_connection(TokioIo::new(io), service);
            // Idle connections are cut by their input, which knows a head that has begun.
            drive(connection, limits.draining, std::future::pending()).await
        }
        Ok(Protocol::Http2) => {
            let executor = TrackedExecutor(limits.tasks.clone());
            let connection = http2_builder(executor).serve_connection(TokioIo::new(io), service);
            tokio::select! {
                ended = drive(connection, limits.draining, activity.idle_for(IDLE_TIMEOUT)) => ended,
                () = activity.stalled_for(WRITE_STALL_TIMEOUT) => {
                    Err("the client does not take an answer".into())
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = error.as_ref() as &dyn Error, "a connection broke");
    }
}

/// Runs a connection; lets it finish what it has begun, and no more, once the server drains or the
/// connection has been idle for too long.
async fn drive<C>(
    connection: C,
    draining: &CancellationToken,
    idle: impl Future<Output = ()>,
) -> Result<(), Box<dyn Error + Send + Sync>>
where
    C: GracefulConnection,
    C::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut connection = pin!(connection);
    let goodbye = tokio::select! {
        ended = connection.as_mut() => return ended.map_err(Into::into),
        // How long requests may still take is up to the server.
        () = draining.cancelled() => Duration::MAX,
        // None is under way: what is left is for the client to take.
        () = idle => GOODBYE_TIMEOUT,
    };
    connection.as_mut().graceful_shutdown();
    match tokio::time::timeout(goodbye, connection).await {
        Ok(ended) => ended.map_err(Into::into),
        Err(_) => Err("the client does not take its last answers".into()),
    }
}

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // The input's own limits are tighter; this one is behind them.
        .header_read_timeout(IDLE_TIMEOUT + HEAD_TIMEOUT)
        .max_header_size(HEAD_MAX_BYTES)
        .max_headers(HEAD_MAX_FIELDS)
        .max_buf_size(BUFFER_MAX_BYTES);
    builder
}

fn http2_builder(executor: TrackedExecutor) -> http2::Builder<TrackedExecutor> {
    let mut builder = http2::Builder::new(executor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(ERROR_RESETS_MAX)
        .max_header_list_size(HEADER_LIST_MAX_BYTES)
        .max_send_buf_size(BUFFER_MAX_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Runs the streams of HTTP/2 connections as tasks that the end of the server waits for.
#[derive(Debug, Clone)]
struct TrackedExecutor(TaskTracker);

impl<F> hyper::rt::Executor<F> for TrackedExecutor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
