//! A call to the database, and the lane whose places it takes while it waits.

use attache_lanes::QueueLimits;
use attache_model::{Context, TenantId};

/// The owner of places in a queue. Owners take turns, and each has places of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// The service itself: the reaper, administration, health.
    Service,
    /// A tenant's calls.
    Tenant(TenantId),
    /// The leases of a tenant's uploads: what runs already goes on, however much the tenant asks for besides.
    Leases(TenantId),
    /// The authentication of one key. Its tenant is not known yet.
    Key(String),
    /// Callers without a key.
    Public,
}

/// The class of a read: lookups never wait behind lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Finds a row, or a change.
    Lookup,
    /// Reads a page of rows.
    List,
}

/// A call to the database.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The name in errors.
    pub(crate) operation: &'static str,
    pub(crate) lane: Lane,
    pub(crate) class: Class,
}

impl Call {
    /// Describes a call of a tenant.
    pub(crate) fn of(cx: &Context, operation: &'static str) -> Self {
        Self::in_lane(Lane::Tenant(cx.tenant()), operation)
    }

    /// Describes a call of the service's own.
    pub(crate) fn of_service(operation: &'static str) -> Self {
        Self::in_lane(Lane::Service, operation)
    }

    pub(crate) fn in_lane(lane: Lane, operation: &'static str) -> Self {
        Self {
            operation,
            lane,
            class: Class::Lookup,
        }
    }

    /// Describes the same call as one that reads a page.
    pub(crate) fn into_list(self) -> Self {
        Self {
            class: Class::List,
            ..self
        }
    }
}

/// The lanes that may be full at the same time before the fullest of them gives places up.
const FULL_LANES: usize = 8;

/// The most lists of one tenant that wait.
const LISTS_PER_LANE: usize = 128;

/// Returns the bounds on waiting calls, of which one lane may hold `per_lane`.
pub(crate) const fn calls(per_lane: usize) -> QueueLimits {
    QueueLimits {
        per_lane,
        in_all: per_lane.saturating_mul(FULL_LANES),
    }
}

/// Returns the bounds on waiting lists.
pub(crate) const fn lists() -> QueueLimits {
    calls(LISTS_PER_LANE)
}

/// Returns the share of `count` threads or connections that lists may take, so that lookups have the rest.
pub(crate) fn share_of_lists(count: usize) -> usize {
    (count / 2).max(1)
}

/// Returns the share of `count` connections that one lane may take, so that others find one free.
#[cfg(feature = "postgres")]
pub(crate) fn share_of_lane(count: usize) -> usize {
    (count * 3 / 4).max(1)
}
