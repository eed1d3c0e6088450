//! Places at the runtime's threads for blocking work. A slow disk takes part of them, and a tenant part of these:
//! the rest is there for others, and for the health of the store.

use std::sync::Arc;

use attache_lanes::{Gate, GateLimits, Permit, QueueLimits, QueueMonitor};

use super::error::LocalError;
use crate::BlobKey;

/// The changes that run at once: writes, syncs, removals. More are no faster on any disk that was measured.
const CHANGES: usize = 64;

/// The reads that run at once because the bytes are not in the page cache.
const READS: usize = 256;

/// The calls of one lane that wait.
const WAITING: QueueLimits = QueueLimits {
    per_lane: 4096,
    in_all: 16_384,
};

/// A lane: the first segment of a key, which the service makes the tenant's.
type Lane = Arc<str>;

/// A place at a thread, until it is dropped.
pub(super) type Place = Permit<Lane>;

/// The places of one store.
#[derive(Debug)]
pub(super) struct Places {
    changes: Gate<Lane>,
    reads: Gate<Lane>,
}

impl Places {
    pub(super) fn new() -> Self {
        Self {
            changes: gate("store_changes", CHANGES),
            reads: gate("store_reads", READS),
        }
    }

    /// Waits for a place to change a blob.
    pub(super) async fn change(&self, key: &BlobKey) -> Result<Place, LocalError> {
        Ok(self.changes.acquire(lane(key)).await?)
    }

    /// Waits for a place to remove something that no caller waits for.
    pub(super) async fn remove(&self) -> Result<Place, LocalError> {
        // No key begins with an empty segment.
        Ok(self.changes.acquire(Lane::from("")).await?)
    }

    /// Waits for a place to read from the disk.
    pub(super) async fn read(&self, key: &BlobKey) -> Result<Place, LocalError> {
        Ok(self.reads.acquire(lane(key)).await?)
    }

    pub(super) fn monitors(&self) -> Vec<QueueMonitor> {
        vec![self.changes.monitor(), self.reads.monitor()]
    }
}

fn gate(name: &'static str, permits: usize) -> Gate<Lane> {
    Gate::new(GateLimits {
        name,
        permits,
        permits_per_lane: permits * 3 / 4,
        waiting: WAITING,
    })
}

fn lane(key: &BlobKey) -> Lane {
    let key = key.as_str();
    Lane::from(key.split_once('/').map_or(key, |(first, _)| first))
}

#[cfg(test)]
mod tests;
