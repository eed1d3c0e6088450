//! Metrics: their names, descriptions and recorder.

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
/// The interval of merging old samples into their buckets.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Installs the recorder; without it, metrics cost next to nothing. Call it once, on a runtime.
pub(crate) fn install() -> anyhow::Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &DURATION_BUCKETS)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("a metrics recorder is already installed")?;
    describe_counter!(REQUESTS, "Completed requests, by operation and status.");
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "From the head of a request to the end of its response."
    );
    describe_gauge!(IN_FLIGHT, "Requests in flight.");
    describe_counter!(RECEIVED, Unit::Bytes, "Bytes of request bodies.");
    describe_counter!(SENT, Unit::Bytes, "Bytes of response bodies.");
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

/// A completed request.
#[derive(Debug)]
pub(crate) struct CompletedRequest {
    /// The operation's name, or `unknown` if no route matched.
    pub(crate) operation: &'static str,
    /// The response's status; `None` if the client disconnected before there was one.
    pub(crate) status: Option<u16>,
    /// From the head of the request to the end of the response.
    pub(crate) duration: Duration,
    /// Received bytes of the request body.
    pub(crate) received_bytes: u64,
    /// Sent bytes of the response body.
    pub(crate) sent_bytes: u64,
}

/// Records the start of a request.
pub(crate) fn record_request_start() {
    gauge!(IN_FLIGHT).increment(1);
}

/// Records a completed request.
pub(crate) fn record_request(request: &CompletedRequest) {
    gauge!(IN_FLIGHT).decrement(1);
    let status = request
        .status
        .map_or_else(|| "none".to_owned(), |status| status.to_string());
    counter!(REQUESTS, "operation" => request.operation, "status" => status).increment(1);
    histogram!(DURATION, "operation" => request.operation).record(request.duration);
    counter!(RECEIVED).increment(request.received_bytes);
    counter!(SENT).increment(request.sent_bytes);
}

/// Counts a connection until the returned guard is dropped.
pub(crate) fn count_connection() -> OpenConnection {
    gauge!(CONNECTIONS).increment(1);
    OpenConnection(())
}

/// The guard of a counted connection.
#[derive(Debug)]
pub(crate) struct OpenConnection(());

impl Drop for OpenConnection {
    fn drop(&mut self) {
        gauge!(CONNECTIONS).decrement(1);
    }
}
