//! The HTTP server: accepts connections, limits them, and drains them at shutdown.

mod activity;
mod admin;
mod connection;
mod connections;
mod deadline;
mod descriptors;
mod head;
mod io;
mod limit_refusals;
mod limits;
mod linger;
mod peer;
mod protocol;
mod read_timer;
mod record;
mod refusals;
mod request_body;
mod response_body;
mod service;
mod stream_watch;
mod streams;

use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::Arc;

use attache::HttpService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::admin::serve_metrics;
use self::connections::{Connections, Place};
pub(crate) use self::descriptors::available_connections;
use self::limit_refusals::LimitRefusals;
use self::limits::{
    ABORT_TIMEOUT, ACCEPT_PAUSE, CONNECTIONS_PER_STREAM_PLACE, DRAIN_TIMEOUT, STREAM_PLACES_MIN,
    SUMMARY_INTERVAL,
};
use self::peer::Peer;
use self::refusals::Refusals;
use self::streams::StreamPool;

/// A server of HTTP/1 and HTTP/2.
#[derive(Debug)]
pub(crate) struct Server {
    service: HttpService,
    connections: Arc<Connections>,
    streams: StreamPool,
    refusals: Arc<Refusals>,
    /// The connections, and the streams of HTTP/2 connections.
    tasks: TaskTracker,
    draining: CancellationToken,
    aborting: CancellationToken,
    logs_addresses: bool,
}

impl Server {
    /// Creates a server with at most this many connections in all and of one peer; more wait to be
    /// accepted until one is idle. Of the refused requests of one peer, `refusals_per_second` get their own
    /// response and log line.
    pub(crate) fn new(
        service: HttpService,
        max_connections: usize,
        max_connections_per_peer: usize,
        refusals_per_second: u32,
    ) -> Self {
        let stream_places = max_connections / CONNECTIONS_PER_STREAM_PLACE;
        Self {
            service,
            connections: Connections::new(max_connections, max_connections_per_peer),
            streams: StreamPool::new(stream_places.max(STREAM_PLACES_MIN)),
            refusals: Refusals::new(refusals_per_second),
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            aborting: CancellationToken::new(),
            logs_addresses: false,
        }
    }

    /// Adds the addresses of clients to the log lines of requests.
    pub(crate) fn log_addresses(mut self, logs_addresses: bool) -> Self {
        self.logs_addresses = logs_addresses;
        self
    }

    /// Serves until `stop` is ready, then accepts no more connections, gives requests in flight 30
    /// seconds, and aborts the rest. When this returns, no request is running.
    pub(crate) async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = self.accept(&listener) => {}
            () = self.summarise_refusals() => {}
            () = stop => {}
        }
        drop(listener);
        self.drain().await;
        self.log_omitted_lines();
    }

    /// Accepts connections until the future is dropped.
    async fn accept(&self, listener: &TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    // A refused connection is closed.
                    if let Some(place) = self.connections.admit(address.ip()).await {
                        self.spawn(stream, address.ip(), place);
                    }
                }
                // The client disconnected before it was accepted.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted
                            | ErrorKind::ConnectionReset
                            | ErrorKind::ConnectionRefused
                    ) => {}
                // Most likely all file descriptors are in use, until some connections close.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Logs from time to time how many lines were left out, until the future is dropped.
    async fn summarise_refusals(&self) {
        loop {
            tokio::time::sleep(SUMMARY_INTERVAL).await;
            self.log_omitted_lines();
        }
    }

    fn log_omitted_lines(&self) {
        let count = self.refusals.take_omitted_lines();
        if count > 0 {
            tracing::warn!(
                count,
                "requests without valid credentials have no line of their own"
            );
        }
    }

    fn spawn(&self, stream: TcpStream, address: IpAddr, place: Place) {
        // Otherwise a response whose body comes later waits for an acknowledgement of its head.
        let _ = stream.set_nodelay(true);
        let refusals = self.refusals.of(Peer::of(address));
        let service = LimitRefusals::new(self.service.clone(), refusals.clone());
        place.activity.limit_refusals(refusals);
        let (draining, aborting) = (self.draining.clone(), self.aborting.clone());
        let (tasks, streams) = (self.tasks.clone(), self.streams.clone());
        if self.logs_addresses {
            place.activity.log_address(address);
        }
        self.tasks.spawn(async move {
            let shared = connection::Shared {
                draining: &draining,
                tasks: &tasks,
                streams: &streams,
            };
            tokio::select! {
                () = connection::serve(stream, &place.activity, service, &shared) => {}
                () = place.evicted.cancelled() => {}
                () = aborting.cancelled() => {}
            }
        });
    }

    async fn drain(&self) {
        self.draining.cancel();
        self.tasks.close();
        if tokio::time::timeout(DRAIN_TIMEOUT, self.tasks.wait())
            .await
            .is_ok()
        {
            return;
        }
        tracing::warn!("aborting requests that are still in flight after 30 seconds");
        self.aborting.cancel();
        if tokio::time::timeout(ABORT_TIMEOUT, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not stop");
        }
    }
}
