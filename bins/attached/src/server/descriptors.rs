//! The number of connections for which the process has file descriptors.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::limits::{CONNECTIONS_PER_STREAM_PLACE, STREAM_PLACES_MIN};

/// Descriptors for everything but connections: the database, listeners, and the files of the fewest
/// further streams.
const OTHER_DESCRIPTORS: u64 = 64 + STREAM_PLACES_MIN as u64;
/// The connections that share one place for a further stream.
const GROUP: u64 = CONNECTIONS_PER_STREAM_PLACE as u64;
/// Those connections, the file that each reads or writes, and the file of the further stream.
const DESCRIPTORS_PER_GROUP: u64 = 2 * GROUP + 1;

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
    let available = connections_for(descriptors);
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

/// Returns the number of connections for which so many descriptors are enough; at least one.
fn connections_for(descriptors: u64) -> usize {
    let free = descriptors.saturating_sub(OTHER_DESCRIPTORS);
    // The rest of the last group has no further stream.
    let rest = (free % DESCRIPTORS_PER_GROUP / 2).min(GROUP);
    let connections = free / DESCRIPTORS_PER_GROUP * GROUP + rest;
    usize::try_from(connections).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_files() {
        for (descriptors, connections) in [
            (0, 1),
            (OTHER_DESCRIPTORS, 1),
            (OTHER_DESCRIPTORS + 9, 4),
            (OTHER_DESCRIPTORS + 11, 5),
        ] {
            assert_eq!(connections_for(descriptors), connections, "{descriptors}");
        }
        // No limit at all.
        assert!(connections_for(u64::MAX) > 1 << 40);
    }
}
