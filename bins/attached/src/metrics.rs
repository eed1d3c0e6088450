//! Metrics: their names, descriptions and recorder.

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;
use attache::lanes::QueueMonitor;
use attache::metadata::StorageUsage;
use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

const REQUESTS: &str = "attache_http_requests_total";
const DURATION: &str = "attache_http_request_duration_seconds";
const IN_FLIGHT: &str = "attache_http_requests_in_flight";
const RECEIVED: &str = "attache_http_received_bytes_total";
const SENT: &str = "attache_http_sent_bytes_total";
const CONNECTIONS: &str = "attache_http_connections";
const DATABASE_DURATION: &str = "attache_database_call_duration_seconds";
const DATABASE_ERRORS: &str = "attache_database_errors_total";
const STORE_DURATION: &str = "attache_store_call_duration_seconds";
const STORE_ERRORS: &str = "attache_store_errors_total";
const FREE: &str = "attache_store_free_bytes";
const STORED: &str = "attache_stored_bytes";
const BLOBS: &str = "attache_blobs";
const BACKLOG: &str = "attache_reaper_backlog";
const BUILD: &str = "attache_build_info";
/// Counted by the service.
const BLOB_FAULTS: &str = "attache_blob_faults_total";
/// Counted by the writer of SQLite.
const COMMIT_FAILURES: &str = "attache_database_commit_failures_total";
const REFUSED_CONNECTIONS: &str = "attache_http_connections_refused_total";
const EVICTED_CONNECTIONS: &str = "attache_http_connections_evicted_total";
const REFUSED_STREAMS: &str = "attache_http_streams_refused_total";
const RATE_LIMITED: &str = "attache_http_requests_rate_limited_total";
const QUEUE_WAITING: &str = "attache_queue_waiting";
const QUEUE_RUNNING: &str = "attache_queue_running";
const QUEUE_REFUSED: &str = "attache_queue_refused_total";

/// From a lookup to a large upload, in seconds.
const DURATION_BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0,
];
/// The interval of merging old samples into their buckets.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The recorded metrics, and the process that they are about.
pub(crate) struct Metrics {
    recorded: PrometheusHandle,
    process: Collector,
    queues: Vec<QueueMonitor>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Installs the recorder, for these queues too; without it, metrics cost next to nothing. Call it once, on
    /// a runtime.
    pub(crate) fn install(queues: Vec<QueueMonitor>) -> anyhow::Result<Self> {
        let durations = Matcher::Suffix("_duration_seconds".to_owned());
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(durations, &DURATION_BUCKETS)?
            .build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder)
            .context("a metrics recorder is already installed")?;
        describe();
        gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1);
        // A counter that is there from the start shows its first increase.
        for refusals in [
            REFUSED_CONNECTIONS,
            EVICTED_CONNECTIONS,
            REFUSED_STREAMS,
            RATE_LIMITED,
        ] {
            counter!(refusals).absolute(0);
        }
        counter!(BLOB_FAULTS, "fault" => "missing").absolute(0);
        counter!(COMMIT_FAILURES).absolute(0);
        for errors in [DATABASE_ERRORS, STORE_ERRORS] {
            counter!(errors, "operation" => "health", "kind" => "unavailable").absolute(0);
        }
        let upkeep = handle.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP_INTERVAL).await;
                upkeep.run_upkeep();
            }
        });
        let metrics = Self {
            queues,
            ..Self::of(handle)
        };
        metrics.process.describe();
        Ok(metrics)
    }

    /// Renders what a recorder holds.
    pub(crate) fn of(recorded: PrometheusHandle) -> Self {
        let process = Collector::default();
        Self {
            recorded,
            process,
            queues: Vec::new(),
        }
    }

    /// Returns all metrics in the Prometheus text format, those of the process and of the queues as they are now.
    pub(crate) fn render(&self) -> String {
        self.process.collect();
        record_queues(&self.queues);
        self.recorded.render()
    }
}

fn describe() {
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
    describe_counter!(
        BLOB_FAULTS,
        "Blobs that were newly found missing or wrong, by fault."
    );
    describe_counter!(
        COMMIT_FAILURES,
        "Groups of changes whose commit may not have reached the disk."
    );
    describe_counter!(
        REFUSED_CONNECTIONS,
        "Connections closed at once, because their peer had all it may have."
    );
    describe_counter!(
        EVICTED_CONNECTIONS,
        "Idle connections closed to make room for others."
    );
    describe_counter!(
        RATE_LIMITED,
        "Refused requests whose peer had caused too many."
    );
    describe_counter!(
        REFUSED_STREAMS,
        "Further requests of HTTP/2 connections refused for lack of places."
    );
    describe_histogram!(
        DATABASE_DURATION,
        Unit::Seconds,
        "Calls to the database, by operation."
    );
    describe_counter!(
        DATABASE_ERRORS,
        "Failed calls to the database, by operation and kind."
    );
    describe_histogram!(
        STORE_DURATION,
        Unit::Seconds,
        "Calls to the store, by operation; a put lasts as long as its sender."
    );
    describe_counter!(
        STORE_ERRORS,
        "Failed calls to the store, by operation and kind."
    );
    describe_gauge!(FREE, Unit::Bytes, "Bytes that uploads may still store.");
    describe_gauge!(STORED, Unit::Bytes, "Bytes of all blobs with a record.");
    describe_gauge!(BLOBS, "Blobs with a record.");
    describe_gauge!(BACKLOG, "Blobs that the reaper has to delete now.");
    describe_gauge!(QUEUE_WAITING, "Calls that wait for their turn, by queue.");
    describe_gauge!(
        QUEUE_RUNNING,
        "Calls that had their turn and run, by queue."
    );
    describe_counter!(
        QUEUE_REFUSED,
        "Calls refused a place in a queue: because their tenant had all of its own (`lane`), or \
         all places were taken (`all`)."
    );
    describe_gauge!(BUILD, "The version, as a label; the value is always 1.");
}

/// Records the space that the store has left.
#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a floating-point number"
)]
pub(crate) fn record_free_bytes(free_bytes: u64) {
    gauge!(FREE).set(free_bytes as f64);
}

/// Records what the store holds.
#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a floating-point number"
)]
pub(crate) fn record_usage(usage: &StorageUsage) {
    gauge!(STORED).set(usage.live_bytes as f64);
    gauge!(BLOBS).set(usage.live_blobs as f64);
    gauge!(BACKLOG).set(usage.reapable_blobs as f64);
}

/// Records the state of queues, which count by themselves.
fn record_queues(queues: &[QueueMonitor]) {
    for status in queues.iter().flat_map(QueueMonitor::statuses) {
        let queue = status.name;
        gauge!(QUEUE_WAITING, "queue" => queue).set(approximate(status.waiting));
        gauge!(QUEUE_RUNNING, "queue" => queue).set(approximate(status.running));
        let refused = |full| counter!(QUEUE_REFUSED, "queue" => queue, "full" => full);
        refused("lane").absolute(status.refused_by_lane);
        refused("all").absolute(status.refused_by_all);
    }
}

/// Returns a count as a gauge holds it.
fn approximate(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
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

/// Records a connection that was closed because its peer had all it may have.
pub(crate) fn record_refused_connection() {
    counter!(REFUSED_CONNECTIONS).increment(1);
}

/// Records an idle connection that was closed to make room.
pub(crate) fn record_evicted_connection() {
    counter!(EVICTED_CONNECTIONS).increment(1);
}

/// Records a request of an HTTP/2 connection that was refused for lack of places.
pub(crate) fn record_refused_stream() {
    counter!(REFUSED_STREAMS).increment(1);
}

/// Records a refused request whose peer had caused too many.
pub(crate) fn record_rate_limited() {
    counter!(RATE_LIMITED).increment(1);
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
