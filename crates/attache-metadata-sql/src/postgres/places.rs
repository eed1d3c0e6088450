//! Places at the connections of the pool: fair among tenants, and lists have part of them.

use std::time::Duration;

use attache_lanes::{Gate, GateLimits, Permit, QueueMonitor};

use crate::call::{self, Call, Class, Lane};
use crate::failure::Failure;

/// The most calls of one lane that wait for a connection.
const WAITING_PER_LANE: usize = 1024;

/// Gives out places at the connections, before the pool is asked for one.
#[derive(Debug)]
pub(super) struct Places {
    connections: Gate<Lane>,
    lists: Gate<Lane>,
    acquire_for: Duration,
}

/// A place at a connection, until it is dropped.
pub(super) struct Place {
    _list: Option<Permit<Lane>>,
    _connection: Permit<Lane>,
}

impl Places {
    /// Makes a place for each connection.
    pub(super) fn new(connections: u32, acquire_for: Duration) -> Self {
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        let lists = call::share_of_lists(connections);
        Self {
            connections: Gate::new(GateLimits {
                name: "database_connections",
                permits: connections,
                permits_per_lane: call::share_of_lane(connections),
                waiting: call::calls(WAITING_PER_LANE),
            }),
            lists: Gate::new(GateLimits {
                name: "database_lists",
                permits: lists,
                permits_per_lane: lists,
                waiting: call::lists(),
            }),
            acquire_for,
        }
    }

    /// Waits for a place, for as long as a call may wait for a connection.
    pub(super) async fn take(&self, call: &Call) -> Result<Place, Failure> {
        let taken = tokio::time::timeout(self.acquire_for, self.wait(call)).await;
        taken.unwrap_or(Err(Failure::Unavailable("no connection became free")))
    }

    async fn wait(&self, call: &Call) -> Result<Place, Failure> {
        let list = match call.class {
            Class::Lookup => None,
            Class::List => Some(self.lists.acquire(call.lane.clone()).await?),
        };
        Ok(Place {
            _list: list,
            _connection: self.connections.acquire(call.lane.clone()).await?,
        })
    }

    pub(super) fn monitors(&self) -> Vec<QueueMonitor> {
        vec![self.connections.monitor(), self.lists.monitor()]
    }
}
