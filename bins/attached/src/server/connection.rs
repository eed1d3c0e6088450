//! Serves one connection, from its first byte to its close.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::activity::Activity;
use super::io::ConnectionIo;
use super::limits::{
    BUFFER_MAX_BYTES, ERROR_RESETS_MAX, GOODBYE_TIMEOUT, HEAD_MAX_BYTES, HEAD_MAX_FIELDS,
    HEAD_TIMEOUT, HEADER_LIST_MAX_BYTES, IDLE_TIMEOUT, PENDING_RESETS_MAX, PING_INTERVAL,
    PING_TIMEOUT, STREAMS_MAX, WINDOW_BYTES, WRITE_STALL_TIMEOUT,
};
use super::protocol::Protocol;
use super::service::{ConnectionService, Service};
use super::stream_watch::StreamWatch;
use super::streams::StreamPool;

/// The state that all connections of a server share.
pub(super) struct Shared<'s> {
    pub(super) draining: &'s CancellationToken,
    pub(super) tasks: &'s TaskTracker,
    pub(super) streams: &'s StreamPool,
}

/// Serves requests until the connection ends, or until the server drains and all requests in flight
/// have their responses.
pub(super) async fn serve<T, S>(
    stream: T,
    activity: &Arc<Activity>,
    service: S,
    shared: &Shared<'_>,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service,
{
    let mut io = ConnectionIo::new(stream, activity.clone());
    let protocol = tokio::select! {
        protocol = io.detect_protocol() => protocol,
        () = shared.draining.cancelled() => return,
    };
    let service = ConnectionService::new(service, activity.clone(), shared.streams.clone());
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
            drive(connection, shared.draining, activity.idle_for(IDLE_TIMEOUT)).await
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
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(ERROR_RESETS_MAX)
        .max_header_list_size(HEADER_LIST_MAX_BYTES)
        .max_send_buf_size(BUFFER_MAX_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Spawns the streams of HTTP/2 connections as tasks that a shutdown waits for, and that end if their
/// client does not read.
#[derive(Debug, Clone)]
struct TrackedExecutor(TaskTracker);

impl<F> hyper::rt::Executor<F> for TrackedExecutor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0
            .spawn(StreamWatch::watch(future, WRITE_STALL_TIMEOUT));
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures_util::stream;
    use h2::client::SendRequest;
    use http::{Request, Response, StatusCode};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use hyper::body::Incoming;
    use tokio::task::JoinHandle;

    use super::super::request_body::RequestBody;
    use super::*;

    const FRAME_BYTES: usize = BUFFER_MAX_BYTES;
    /// More than the client's window and the server's buffer for a stream.
    const FRAMES: usize = 5;

    type Frames = stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>;

    /// Serves `/large` at once, and `/slow` after more than the time limit of a stalled stream.
    async fn respond(
        request: Request<RequestBody<Incoming>>,
    ) -> Result<Response<StreamBody<Frames>>, Infallible> {
        if request.uri().path() == "/slow" {
            tokio::time::sleep(WRITE_STALL_TIMEOUT * 3).await;
        }
        let frame = Bytes::from(vec![7; FRAME_BYTES]);
        let frames = vec![frame; FRAMES]
            .into_iter()
            .map(|frame| Ok(Frame::data(frame)));
        let frames: Vec<_> = frames.collect();
        Ok(Response::new(StreamBody::new(stream::iter(frames))))
    }

    /// Connects an HTTP/2 client to a connection that shares `streams` with others.
    async fn connect(streams: StreamPool) -> (SendRequest<Bytes>, JoinHandle<()>) {
        let (client, server) = tokio::io::duplex(1 << 20);
        let serving = tokio::spawn(async move {
            let shared = Shared {
                draining: &CancellationToken::new(),
                tasks: &TaskTracker::new(),
                streams: &streams,
            };
            serve(
                server,
                &Activity::new(),
                tower::service_fn(respond),
                &shared,
            )
            .await;
        });
        let (requests, connection) = h2::client::handshake(client).await.unwrap();
        tokio::spawn(connection);
        (requests, serving)
    }

    async fn get(
        requests: &mut SendRequest<Bytes>,
        path: &str,
    ) -> Result<Response<h2::RecvStream>, h2::Error> {
        let request = Request::get(format!("http://server{path}"))
            .body(())
            .unwrap();
        let mut ready = requests.clone().ready().await?;
        let (response, _) = ready.send_request(request, true)?;
        response.await
    }

    /// Reads a body to its end and returns its length.
    async fn read(mut body: h2::RecvStream) -> Result<usize, h2::Error> {
        let mut length = 0;
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            length += chunk.len();
            body.flow_control().release_capacity(chunk.len())?;
        }
        Ok(length)
    }

    #[tokio::test(start_paused = true)]
    async fn stalled_stream_ends_and_others_go_on() {
        let (mut requests, serving) = connect(StreamPool::new(9)).await;
        let stalled = get(&mut requests, "/large").await.unwrap().into_body();
        let slow = get(&mut requests, "/slow").await.unwrap();
        let reset = read(stalled).await.unwrap_err();
        assert!(reset.is_reset(), "{reset}");
        assert_eq!(read(slow.into_body()).await.unwrap(), FRAMES * FRAME_BYTES);
        let later = get(&mut requests, "/large").await.unwrap();
        assert_eq!(read(later.into_body()).await.unwrap(), FRAMES * FRAME_BYTES);
        assert!(!serving.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn streams_beyond_the_pool_are_refused() {
        let streams = StreamPool::new(1);
        let (mut greedy, _serving) = connect(streams.clone()).await;
        let mut held = Vec::new();
        for expected in [
            StatusCode::OK,
            StatusCode::OK,
            StatusCode::SERVICE_UNAVAILABLE,
        ] {
            let response = get(&mut greedy, "/large").await.unwrap();
            assert_eq!(response.status(), expected);
            held.push(response);
        }
        assert_eq!(held[2].headers()["retry-after"], "1");
        let health = get(&mut greedy, "/livez").await.unwrap();
        assert_eq!(health.status(), StatusCode::OK);
        // The first request of another connection needs no place.
        let (mut other, _serving) = connect(streams.clone()).await;
        let first = get(&mut other, "/large").await.unwrap();
        assert_eq!(first.status(), StatusCode::OK);
        let second = get(&mut other, "/large").await.unwrap();
        assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
        // Places return with their streams.
        drop(held);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let second = get(&mut other, "/large").await.unwrap();
        assert_eq!(second.status(), StatusCode::OK);
    }
}
