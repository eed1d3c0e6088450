//! One connection, from its first byte to its close.

use std::error::Error;
use std::pin::pin;

use attache::HttpService;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::activity::Activity;
use super::io::{ConnectionIo, Protocol};
use super::limits::{
    BUFFER_MAX_BYTES, ERROR_RESETS_MAX, HEAD_MAX_BYTES, HEAD_MAX_FIELDS, HEAD_TIMEOUT,
    HEADER_LIST_MAX_BYTES, IDLE_TIMEOUT, PENDING_RESETS_MAX, PING_INTERVAL, PING_TIMEOUT,
    STREAMS_MAX,
};
use super::observed::Observed;

/// Serves requests until the connection ends, or until the server drains and the last request that
/// came in time is answered.
pub(super) async fn serve(
    stream: TcpStream,
    service: HttpService,
    draining: &CancellationToken,
    tasks: &TaskTracker,
) {
    // Without this an answer whose body comes later waits for an acknowledgement of its head.
    let _ = stream.set_nodelay(true);
    let activity = Activity::new();
    let mut io = ConnectionIo::new(stream, activity.clone());
    let protocol = tokio::select! {
        protocol = io.detect_protocol() => protocol,
        () = draining.cancelled() => return,
    };
    let service = Observed::new(service, activity.clone());
    let ended = match protocol {
        Err(error) => Err(error.into()),
        Ok(Protocol::Http1) => {
            let connection = http1_builder().serve_connection(TokioIo::new(io), service);
            // Idle connections are cut by their input, which knows a head that has begun.
            drive(connection, draining, std::future::pending()).await
        }
        Ok(Protocol::Http2) => {
            let executor = TrackedExecutor(tasks.clone());
            let connection = http2_builder(executor).serve_connection(TokioIo::new(io), service);
            drive(connection, draining, activity.idle_for(IDLE_TIMEOUT)).await
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
    tokio::select! {
        ended = connection.as_mut() => return ended.map_err(Into::into),
        () = draining.cancelled() => {}
        () = idle => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await.map_err(Into::into)
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
