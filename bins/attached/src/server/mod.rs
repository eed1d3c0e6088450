//! Serving HTTP on a listener: accepting, limiting, draining.

mod activity;
mod admin;
mod body_guard;
mod connection;
mod deadline;
mod descriptors;
mod io;
mod limits;
mod observed;
mod record;

use std::future::pending;
use std::io::ErrorKind;
use std::sync::Arc;

use attache::HttpService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::admin::serve_metrics;
pub(crate) use self::descriptors::room_for_connections;
use self::limits::{ABORT_TIMEOUT, ACCEPT_PAUSE, DRAIN_TIMEOUT};
use crate::metrics;

/// Accepts connections and serves them.
#[derive(Debug)]
pub(crate) struct Server {
    service: HttpService,
    connections: Arc<Semaphore>,
    requests: Arc<Semaphore>,
    /// Connections, and the streams of those that have many.
    tasks: TaskTracker,
    draining: CancellationToken,
    aborting: CancellationToken,
}

impl Server {
    /// Serves at most so many connections at once; more wait to be accepted.
    pub(crate) fn new(service: HttpService, max_connections: usize) -> Self {
        let permits = max_connections.min(Semaphore::MAX_PERMITS);
        Self {
            service,
            connections: Arc::new(Semaphore::new(permits)),
            // As many as connections: HTTP/1.1 has one each, and HTTP/2 shares what is left.
            requests: Arc::new(Semaphore::new(permits)),
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            aborting: CancellationToken::new(),
        }
    }

    /// Serves until `stop` is ready; then accepts no more, gives requests under way
    /// 30 seconds, and cuts what is left. When this returns, no request runs.
    pub(crate) async fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = self.accept(&listener) => {}
            () = stop => {}
        }
        drop(listener);
        self.drain().await;
    }

    /// Accepts for ever.
    async fn accept(&self, listener: &TcpListener) {
        // The semaphore is never closed.
        while let Ok(permit) = self.connections.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => self.spawn(stream, permit),
                // The client went away before it was accepted.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted
                            | ErrorKind::ConnectionReset
                            | ErrorKind::ConnectionRefused
                    ) => {}
                // Most likely all file descriptors are in use: connections that end give some back.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
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
        self.tasks.spawn(async move {
            let _counted = (permit, metrics::connection_began());
            let limits = connection::Limits {
                draining: &draining,
                tasks: &tasks,
                requests: &requests,
            };
            tokio::select! {
                () = connection::serve(stream, service, &limits) => {}
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
        tracing::warn!("requests are still under way after 30 seconds and are cut");
        self.aborting.cancel();
        if tokio::time::timeout(ABORT_TIMEOUT, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some requests did not end");
        }
    }
}
