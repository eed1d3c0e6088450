//! The HTTP server: accepts connections, limits them, and drains them at shutdown.

mod activity;
mod admin;
mod connection;
mod deadline;
mod descriptors;
mod head;
mod io;
mod limits;
mod linger;
mod protocol;
mod read_timer;
mod record;
mod request_body;
mod response_body;
mod service;

use std::future::pending;
use std::io::ErrorKind;
use std::sync::Arc;

use attache::HttpService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::admin::serve_metrics;
pub(crate) use self::descriptors::available_connections;
use self::limits::{ABORT_TIMEOUT, ACCEPT_PAUSE, DRAIN_TIMEOUT};
use crate::metrics;

/// A server of HTTP/1 and HTTP/2.
#[derive(Debug)]
pub(crate) struct Server {
    service: HttpService,
    connections: Arc<Semaphore>,
    requests: Arc<Semaphore>,
    /// The connections, and the streams of HTTP/2 connections.
    tasks: TaskTracker,
    draining: CancellationToken,
    aborting: CancellationToken,
    logs_addresses: bool,
}

impl Server {
    /// Creates a server with at most this many connections; more wait to be accepted.
    pub(crate) fn new(service: HttpService, max_connections: usize) -> Self {
        let permits = max_connections.min(Semaphore::MAX_PERMITS);
        Self {
            service,
            connections: Arc::new(Semaphore::new(permits)),
            // As many requests as connections: HTTP/1.1 needs one each, HTTP/2 shares the rest.
            requests: Arc::new(Semaphore::new(permits)),
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
            () = stop => {}
        }
        drop(listener);
        self.drain().await;
    }

    /// Accepts connections until the future is dropped.
    async fn accept(&self, listener: &TcpListener) {
        // The semaphore is never closed.
        while let Ok(permit) = self.connections.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => self.spawn(stream, permit),
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
        pending::<()>().await;
    }

    fn spawn(&self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        let service = self.service.clone();
        let (draining, aborting) = (self.draining.clone(), self.aborting.clone());
        let (tasks, requests) = (self.tasks.clone(), self.requests.clone());
        let logs_addresses = self.logs_addresses;
        self.tasks.spawn(async move {
            let _counted = (permit, metrics::count_connection());
            let shared = connection::Shared {
                draining: &draining,
                tasks: &tasks,
                requests: &requests,
                logs_addresses,
            };
            tokio::select! {
                () = connection::serve(stream, service, &shared) => {}
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
