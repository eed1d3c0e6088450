//! What is measured, under which names, and where it is collected.

use std::time::Duration;

use anyhow::Context as _;
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

const REQUESTS: &str = "attache_http_requests_total";
const DURATION: &str = "attache_http_request_duration_seconds";
const IN_FLIGHT: &str = "attache_http_requests_in_flight";
const RECEIVED: &str = "attache_http_received_bytes_total";
const SENT: &str = "attache_http_sent_bytes_total";
const CONNECTIONS: &str = "attache_http_connections";

/// From a lookup to a large upload, in seconds.
const DURATION_BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0,
];
/// How often old samples are folded into their buckets.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Begins to collect. Without this, measuring costs next to nothing. Call it once, on a runtime.
pub(crate) fn install() -> anyhow::Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &DURATION_BUCKETS)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("metrics are collected already")?;
    describe_counter!(REQUESTS, "Requests that ended, by operation and status.");
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "From the head of a request to the end of its answer."
    );
    describe_gauge!(IN_FLIGHT, "Requests under way.");
    describe_counter!(RECEIVED, Unit::Bytes, "Bytes of request bodies.");
    describe_counter!(SENT, Unit::Bytes, "Bytes of answer bodies.");
    describe_gauge!(CONNECTIONS, "Open connections.");
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP_INTERVAL).await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// A request that is over.
#[derive(Debug)]
pub(crate) struct EndedRequest {
    /// The operation's name; `unknown` where no route matched.
    pub(crate) operation: &'static str,
    /// The answer's status; `None` where the client went away before there was one.
    pub(crate) status: Option<u16>,
    /// From its head to the end of its answer.
    pub(crate) duration: Duration,
    /// Bytes of its body that came.
    pub(crate) received_bytes: u64,
    /// Bytes of the answer's body that were sent.
    pub(crate) sent_bytes: u64,
}

/// Counts a request that begins.
pub(crate) fn request_began() {
    gauge!(IN_FLIGHT).increment(1);
}

/// Counts a request that ended.
pub(crate) fn request_ended(request: &EndedRequest) {
    gauge!(IN_FLIGHT).decrement(1);
    let status = request
        .status
        .map_or_else(|| "none".to_owned(), |status| status.to_string());
    counter!(REQUESTS, "operation" => request.operation, "status" => status).increment(1);
    histogram!(DURATION, "operation" => request.operation).record(request.duration);
    counter!(RECEIVED).increment(request.received_bytes);
    counter!(SENT).increment(request.sent_bytes);
}

/// Counts a connection for as long as the answer lives.
pub(crate) fn connection_began() -> OpenConnection {
    gauge!(CONNECTIONS).increment(1);
    OpenConnection(())
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct OpenConnection(());

impl Drop for OpenConnection {
    fn drop(&mut self) {
        gauge!(CONNECTIONS).decrement(1);
    }
}
