//! The memory that JSON bodies share, since each is held in memory as a whole. It is taken as their
//! bytes arrive, so that a client that sends nothing holds nothing, and no tenant takes all of it.

use attache_model::TenantId;
use attache_service::{BudgetShare, FairBudget};

use crate::problem::{Problem, ProblemKind};

/// The longest JSON body other than an upload, in bytes.
pub(crate) const SMALL_JSON_BYTES: usize = 64 << 10;

/// The memory of JSON bodies that are not larger than [`SMALL_JSON_BYTES`]: it is apart, so that uploads
/// never keep a tenant from changing a record.
const SMALL_BODIES_BYTES: u64 = 64 << 20;

/// The number of copies of an upload in memory while it is read: as it came, as the text of a field,
/// and decoded.
const COPIES: u64 = 3;

/// The bytes that a tenant may hold beyond its share.
const FLOOR_BYTES: u64 = 1 << 20;

/// The memory that all JSON bodies share.
#[derive(Debug)]
pub(crate) struct JsonBudget {
    small: FairBudget,
    large: FairBudget,
}

/// The part of the budget that one body holds; returned on drop.
#[derive(Debug)]
pub(crate) struct JsonRoom {
    small: BudgetShare,
    large: BudgetShare,
}

impl JsonBudget {
    /// Creates a budget whose larger bodies share `limit_bytes`.
    pub(crate) fn new(limit_bytes: u64) -> Self {
        let floor_bytes = FLOOR_BYTES.min(limit_bytes);
        Self {
            small: FairBudget::new(SMALL_BODIES_BYTES, FLOOR_BYTES),
            large: FairBudget::new(limit_bytes, floor_bytes),
        }
    }

    /// Returns the room of a tenant's body, which holds nothing yet.
    pub(crate) fn begin(&self, tenant: TenantId) -> JsonRoom {
        let tenant = tenant.to_string();
        JsonRoom {
            small: self.small.begin(&tenant),
            large: self.large.begin(&tenant),
        }
    }
}

impl JsonRoom {
    /// Takes room for a body of `bytes` in all.
    ///
    /// # Errors
    ///
    /// `unavailable` if too much is held, by the tenant or in all.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Problem> {
        let held = if bytes <= SMALL_JSON_BYTES {
            self.small.try_hold(bytes as u64)
        } else {
            self.large.try_hold(COPIES * bytes as u64)
        };
        held.map_err(|_| {
            let detail =
                "too many JSON bodies at once; try again, or send the bytes of files as they are";
            Problem::new(ProblemKind::Unavailable, detail).retry_soon()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn tenant_leaves_room_for_others() {
        let budget = JsonBudget::new(256 << 20);
        let (greedy, other) = (TenantId::new(1), TenantId::new(2));
        let mut rooms = Vec::new();
        let refused = loop {
            let mut room = budget.begin(greedy);
            if let Err(problem) = room.hold(4 * MIB) {
                break problem;
            }
            rooms.push(room);
        };
        assert_eq!(rooms.len(), 10, "half of the budget");
        assert!(format!("{refused:?}").contains("too many JSON bodies"));
        budget.begin(other).hold(20 * MIB).unwrap();
        drop(rooms);
        budget.begin(greedy).hold(32 * MIB).unwrap();
    }

    #[test]
    fn uploads_leave_room_for_small_bodies() {
        let budget = JsonBudget::new(MIB as u64);
        let tenant = TenantId::new(1);
        let mut upload = budget.begin(tenant);
        upload.hold(32 * MIB).unwrap();
        assert!(budget.begin(tenant).hold(MIB).is_err());
        budget.begin(tenant).hold(SMALL_JSON_BYTES).unwrap();
    }

    #[test]
    fn small_bodies_of_a_tenant_are_bounded() {
        let budget = JsonBudget::new(MIB as u64);
        let (greedy, other) = (TenantId::new(1), TenantId::new(2));
        let mut held_bytes = 0;
        let mut rooms = Vec::new();
        for _ in 0..3500 {
            let mut room = budget.begin(greedy);
            if room.hold(SMALL_JSON_BYTES).is_ok() {
                held_bytes += SMALL_JSON_BYTES as u64;
            }
            rooms.push(room);
        }
        assert_eq!(held_bytes, SMALL_BODIES_BYTES / 2);
        budget.begin(other).hold(SMALL_JSON_BYTES).unwrap();
    }
}
