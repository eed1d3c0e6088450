//! The limits of the server: how long it waits, and how much a client can make it hold.

use std::time::Duration;

/// The time limit of a request's head, from its first byte (on a new connection: from its start).
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes.
pub(super) const HEAD_MAX_BYTES: usize = 32 << 10;
/// The most header fields of a request.
pub(super) const HEAD_MAX_FIELDS: usize = 64;
/// The most bytes that a connection reads ahead, and that an HTTP/1 connection or an HTTP/2 stream
/// buffers before it waits for its client.
pub(super) const BUFFER_MAX_BYTES: usize = 64 << 10;

/// The time limit of a connection without a request in flight.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// The time limit of the next bytes of a body.
pub(super) const BODY_STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The slowest body, in bytes per second of waiting for it…
pub(super) const BODY_MIN_BYTES_PER_SECOND: u64 = 1 << 10;
/// …on average over each window of this much waiting.
pub(super) const BODY_RATE_WINDOW: Duration = Duration::from_mins(1);
/// The time limit of a client that reads nothing; on HTTP/2 also of one stream, which then ends alone.
pub(super) const WRITE_STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// The time limit of reading on after the last response, so that a client that is still sending reads
/// the response instead of a reset…
pub(super) const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// …and the most bytes to read.
pub(super) const LINGER_MAX_BYTES: usize = 64 << 20;

/// The time limit of an idle HTTP/2 client to read its last responses.
pub(super) const GOODBYE_TIMEOUT: Duration = Duration::from_secs(10);
/// The most concurrent requests of an HTTP/2 connection.
pub(super) const STREAMS_MAX: u32 = 32;
/// The number of connections for each place of the stream pool…
pub(super) const CONNECTIONS_PER_STREAM_PLACE: usize = 4;
/// …whose number is at least this.
pub(super) const STREAM_PLACES_MIN: usize = 32;
/// The part of the free places of the stream pool that one connection may hold: one in this many.
pub(super) const STREAMS_SHARE: usize = 8;
/// The most bytes of request bodies that an HTTP/2 client may send before the server reads them, for
/// each stream and for all of a connection.
pub(super) const WINDOW_BYTES: u32 = 256 << 10;
/// The most streams that a client may reset before the server has accepted them.
pub(super) const PENDING_RESETS_MAX: usize = 20;
/// The most streams that the server resets because of errors of the client.
pub(super) const ERROR_RESETS_MAX: usize = 64;
/// The largest header list of an HTTP/2 request, in bytes.
pub(super) const HEADER_LIST_MAX_BYTES: u32 = 32 << 10;
/// The interval of pings to an HTTP/2 client…
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(30);
/// …and the time limit of its response.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The number of buckets that the peers of refused requests fall into.
pub(super) const REFUSAL_BUCKETS: usize = 4096;
/// The refusals that a peer may have at once: what it may have in this many seconds.
pub(super) const REFUSAL_BURST_SECONDS: u64 = 10;
/// The log lines of refusals of all peers together, as a multiple of those of one.
pub(super) const REFUSALS_OF_ALL: u32 = 10;
/// The interval of the lines that count what was left out.
pub(super) const SUMMARY_INTERVAL: Duration = Duration::from_secs(10);

/// The time limit of requests after a shutdown has started.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// The time limit of aborted tasks to stop.
pub(super) const ABORT_TIMEOUT: Duration = Duration::from_secs(5);
/// The time for which a connection must have been idle before it makes room for another.
pub(super) const IDLE_BEFORE_EVICTION: Duration = Duration::from_millis(100);
/// The interval of looking for an idle connection while all places are taken.
pub(super) const ADMISSION_RETRY: Duration = Duration::from_millis(20);
/// The pause after accepting a connection failed, for example for lack of file descriptors.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The most concurrent connections to the admin listener: scrapers are few.
pub(super) const SCRAPES_MAX: usize = 16;
/// The time limit of a connection to the admin listener.
pub(super) const SCRAPE_TIMEOUT: Duration = Duration::from_secs(20);
