//! How long and how much the server waits for, takes and holds. What a client can make it hold is
//! bounded by these.

use std::time::Duration;

/// From the first byte of a request's head (on a new connection: from its opening) to the last.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes.
pub(super) const HEAD_MAX_BYTES: usize = 32 << 10;
/// The most header fields of a request.
pub(super) const HEAD_MAX_FIELDS: usize = 64;
/// How many bytes one connection reads ahead, and holds back before it waits for its client.
pub(super) const BUFFER_MAX_BYTES: usize = 256 << 10;

/// How long a connection may stay open with no request under way.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// How long no byte of a body that is waited for may come.
pub(super) const BODY_STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The least a body must bring, in bytes for each second it is waited for…
pub(super) const BODY_MIN_BYTES_PER_SECOND: u64 = 1 << 10;
/// …on average over each stretch of this much waiting.
pub(super) const BODY_RATE_WINDOW: Duration = Duration::from_mins(1);
/// How long a client may take nothing of what is sent to it; on HTTP/2, of any one answer.
pub(super) const WRITE_STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a connection is still read from after the last answer, so that a client that was busy
/// sending reads the answer instead of a reset…
pub(super) const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// …and how many bytes of it at most.
pub(super) const LINGER_MAX_BYTES: usize = 64 << 20;

/// How long an HTTP/2 connection that was idle may take to take its last answers.
pub(super) const GOODBYE_TIMEOUT: Duration = Duration::from_secs(10);
/// How many requests one HTTP/2 connection runs at once.
pub(super) const STREAMS_MAX: u32 = 32;
/// How many streams may be reset by the client before the server has looked at them.
pub(super) const PENDING_RESETS_MAX: usize = 20;
/// How many streams may be reset by the server for the client's faults.
pub(super) const ERROR_RESETS_MAX: usize = 64;
/// The largest header list of an HTTP/2 request, in bytes.
pub(super) const HEADER_LIST_MAX_BYTES: u32 = 32 << 10;
/// How often an HTTP/2 client is asked for a sign of life…
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(30);
/// …and how long it may take to answer.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long requests may go on after the server was told to end.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long what was cut after that may take to notice.
pub(super) const ABORT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long accepting pauses after it failed, as for want of file descriptors.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
