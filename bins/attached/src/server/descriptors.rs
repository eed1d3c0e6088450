//! How many connections the process has file descriptors for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for everything but connections: the database, listeners, files being stored.
const OTHER_DESCRIPTORS: u64 = 64;
/// A connection and the file it reads or writes.
const DESCRIPTORS_PER_CONNECTION: u64 = 2;

/// Takes as many file descriptors as the system allows the process, and answers how many of the
/// connections wished for they suffice for; at least one.
pub(crate) fn room_for_connections(wished: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Failing that, the process lives with what it has.
    let _ = setrlimit(Resource::Nofile, raised);
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let room = descriptors.saturating_sub(OTHER_DESCRIPTORS) / DESCRIPTORS_PER_CONNECTION;
    let room = usize::try_from(room).unwrap_or(usize::MAX).max(1);
    if room < wished {
        tracing::warn!(
            wished,
            connections = room,
            descriptors,
            "the limit of open files allows fewer connections than configured"
        );
    }
    wished.min(room)
}
