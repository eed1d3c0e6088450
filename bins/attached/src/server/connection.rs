//! Serves one connection, from its first byte to its close.

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
use super::io::ConnectionIo;
use super::limits::{
    BUFFER_MAX_BYTES, ERROR_RESETS_MAX, GOODBYE_TIMEOUT, HEAD_MAX_BYTES, HEAD_MAX_FIELDS,
    HEAD_TIMEOUT, HEADER_LIST_MAX_BYTES, IDLE_TIMEOUT, PENDING_RESETS_MAX, PING_INTERVAL,
    PING_TIMEOUT, STREAMS_MAX, WRITE_STALL_TIMEOUT,
};
use super::protocol::Protocol;
use super::service::ConnectionService;

/// The state that all connections of a server share.
pub(super) struct Shared<'s> {
    pub(super) draining: &'s CancellationToken,
    pub(super) tasks: &'s TaskTracker,
    pub(super) requests: &'s Arc<Semaphore>,
    pub(super) logs_addresses: bool,
}

/// Serves requests until the connection ends, or until the server drains and all requests in flight
/// have their responses.
pub(super) async fn serve(stream: TcpStream, service: HttpService, shared: &Shared<'_>) {
    // Otherwise a response whose body comes later waits for an acknowledgement of its head.
    let _ = stream.set_nodelay(true);
    let activity = Activity::new();
    if shared.logs_addresses
        && let Ok(address) = stream.peer_addr()
    {
        activity.log_address(address.ip());
    }
    let mut io = ConnectionIo::new(stream, activity.clone());
    let protocol = tokio::select! {
        protocol = io.detect_protocol() => protocol,
        () = shared.draining.cancelled() => return,
    };
    let service = ConnectionService::new(service, activity.clone(), shared.requests.clone());
    let outcome = match protocol {
        Err(error) => Err(error.into()),
        Ok(Protocol::Http1) => {
            let connection = http1_builder().serve_connection(TokioIo::new(io), service);
            // The I/O ends idle connections: it knows whether a head has started.
            drive(connection, shared.draining, std::future::pending()).await
        }
        Ok(Protocol::Http2) => {
            let executor = TrackedExecutor(shared.tasks.clone());
            let connection = http2_builder(executor).serve_connection(TokioIo::new(io), service);
            tokio::select! {
                outcome = drive(connection, shared.draining, activity.idle_for(IDLE_TIMEOUT)) => outcome,
                () = activity.stalled_for(WRITE_STALL_TIMEOUT) => {
                    Err("the client does not read a response".into())
                }
            }
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(error = error.as_ref() as &dyn Error, "connection failed");
    }
}

/// Drives a connection. Once the server drains or the connection has been idle for too long, it
/// finishes the requests in flight and accepts no more.
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
        outcome = connection.as_mut() => return outcome.map_err(Into::into),
        // The server limits how long draining may take.
        () = draining.cancelled() => Duration::MAX,
        // No request is in flight; the client may still have to read the last responses.
        () = idle => GOODBYE_TIMEOUT,
    };
    connection.as_mut().graceful_shutdown();
    match tokio::time::timeout(goodbye, connection).await {
        Ok(outcome) => outcome.map_err(Into::into),
        Err(_) => Err("the client does not read its last responses".into()),
    }
}

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // The read timer is tighter. This timeout makes hyper read after each response, which the read
        // timer needs to notice that the connection is idle.
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

/// Spawns the streams of HTTP/2 connections as tasks that a shutdown waits for.
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
