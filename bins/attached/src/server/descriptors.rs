//! The number of connections for which the process has file descriptors.

use super::limits::{CONNECTIONS_PER_STREAM_PLACE, STREAM_PLACES_MIN};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for everything but connections: the database, listeners, and the files of the fewest
/// further streams.
const OTHER_DESCRIPTORS: u64 = 64 + STREAM_PLACES_MIN as u64;
/// A connection, and the file that it reads or writes, four times; and the file of one further stream.
const DESCRIPTORS_PER_FOUR_CONNECTIONS: u64 = 2 * CONNECTIONS_PER_STREAM_PLACE as u64 + 1;

/// Raises the limit of open files to the maximum, and returns how many of the wanted connections fit;
/// at least one.
pub(crate) fn available_connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // If that fails, the current limit applies.
    let _ = setrlimit(Resource::Nofile, raised);
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let available = descriptors.saturating_sub(OTHER_DESCRIPTORS)
        * CONNECTIONS_PER_STREAM_PLACE as u64
        / DESCRIPTORS_PER_FOUR_CONNECTIONS;
    let available = usize::try_from(available).unwrap_or(usize::MAX).max(1);
    if available < wanted {
        tracing::warn!(
            wanted,
            connections = available,
            descriptors,
            "the limit of open files allows fewer connections than configured"
        );
    }
    wanted.min(available)
}
