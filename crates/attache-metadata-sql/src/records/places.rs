//! The numbers and creation times of new records, each behind those of the tenant's records before.

use attache_model::{FileSeq, TenantId, Timestamp};

use crate::columns::Columns;
use crate::failure::Failure;
use crate::session::{Session, Statement};

/// The place of a new record in the order of its tenant's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) seq: FileSeq,
    pub(super) created_at: Timestamp,
}

/// Takes the next place: its time is now, or a millisecond behind the tenant's last record if that is
/// later.
///
/// Locks the tenant's sequence until the transaction ends. So places are taken in the order in which
/// commits become visible: a reader that sees a record sees every one with an earlier place. To be called
/// directly before the record is inserted, to hold the lock for a short time.
pub(super) async fn take<S: Session>(
    session: &mut S,
    tenant: TenantId,
    now: Timestamp,
) -> Result<Place, Failure> {
    let sql = "INSERT INTO tenant_sequences AS its (tenant_id, last_seq, last_created_at) \
        VALUES ($1, 1, $2) ON CONFLICT (tenant_id) DO UPDATE SET \
            last_seq = its.last_seq + 1, \
            last_created_at = CASE WHEN its.last_created_at < $2 THEN $2 \
                ELSE its.last_created_at + 1 END \
        RETURNING last_seq, last_created_at";
    let statement = Statement::new(sql).bind(tenant.get()).bind(now.as_millis());
    let read = |row: &dyn Columns| {
        Ok(Place {
            seq: FileSeq::new(row.integer(0)?),
            created_at: Timestamp::from_millis(row.integer(1)?),
        })
    };
    session.one(statement, read).await
}
