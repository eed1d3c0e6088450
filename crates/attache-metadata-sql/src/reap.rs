//! The reaper's decisions. Any number of reapers may take at the same time: rows that one has locked
//! the others pass over.

use attache_metadata::{ReapStage, ReapTask, StorageUsage};
use attache_model::BlobId;
use uuid::Uuid;

use crate::columns::Columns;
use crate::failure::{Failure, RowError};
use crate::session::{Session, Statement};

const SKIP_LOCKED: &str = "FOR UPDATE SKIP LOCKED";

/// Returns `true` if there may be something for the reaper to take or to decide.
pub(crate) async fn has_reapable<S: Session>(session: &mut S) -> Result<bool, Failure> {
    let sql = "SELECT 1 WHERE EXISTS (SELECT 1 FROM blobs WHERE lease_until <= database_now()) \
        OR EXISTS (SELECT 1 FROM blobs WHERE state = 'condemned') \
        OR EXISTS (SELECT 1 FROM blobs WHERE reap_at <= database_now())";
    session.exists(Statement::new(sql)).await
}

/// Counts the blobs with a record, and those that the reaper has work with.
pub(crate) async fn usage<S: Session>(session: &mut S) -> Result<StorageUsage, Failure> {
    let sql = "SELECT count(*), CAST(coalesce(sum(stored_bytes), 0) AS BIGINT), \
        (SELECT count(*) FROM blobs WHERE lease_until <= database_now()) \
        + (SELECT count(*) FROM blobs WHERE state = 'condemned') \
        + (SELECT count(*) FROM blobs WHERE reap_at <= database_now()) \
        FROM blobs WHERE state = 'live'";
    let read = |row: &dyn Columns| {
        let count = |at, column| {
            u64::try_from(row.integer(at)?).map_err(|_| Failure::from(RowError::Column(column)))
        };
        Ok(StorageUsage {
            live_blobs: count(0, "count")?,
            live_bytes: count(1, "stored_bytes")?,
            reapable_blobs: count(2, "reap_at")?,
        })
    };
    let usage = session.optional(Statement::new(sql), read).await?;
    Ok(usage.ok_or(RowError::Missing)?)
}

/// Decides which blobs are to go, and hands out those that are due.
pub(crate) async fn take<S: Session>(
    session: &mut S,
    limit: i64,
    retry_after: i64,
) -> Result<Vec<ReapTask>, Failure> {
    give_up_ended(session, limit).await?;
    let condemned = lock_condemned(session, limit).await?;
    if !condemned.is_empty() {
        decide(session, &condemned).await?;
    }
    hand_out(session, limit, retry_after).await
}

/// Gives up staging blobs whose lease ended. Nothing refers to them, so their own row says it all.
async fn give_up_ended<S: Session>(session: &mut S, limit: i64) -> Result<(), Failure> {
    let lock = S::lock(SKIP_LOCKED);
    let sql = format!(
        "WITH ended AS MATERIALIZED (\
            SELECT id FROM blobs WHERE lease_until <= database_now() \
            ORDER BY lease_until LIMIT $1 {lock}) \
        UPDATE blobs SET state = 'deleting', lease_token = NULL, lease_until = NULL, \
            reap_at = database_now() \
        FROM ended WHERE blobs.id = ended.id"
    );
    session.execute(Statement::new(sql).bind(limit)).await?;
    Ok(())
}

/// Locks condemned blobs, and asks nothing more: the next statement asks for references, and sees
/// what was committed before the lock was given.
async fn lock_condemned<S: Session>(session: &mut S, limit: i64) -> Result<Vec<Uuid>, Failure> {
    let lock = S::lock(SKIP_LOCKED);
    let sql = format!("SELECT id FROM blobs WHERE state = 'condemned' ORDER BY id LIMIT $1 {lock}");
    let statement = Statement::new(sql).bind(limit);
    session.rows(statement, |row| row.id(0)).await
}

/// Gives locked blobs with a reference back to life, and the others to deletion. An upload that
/// wants to refer to one waits for the lock, and finds it decided.
async fn decide<S: Session>(session: &mut S, condemned: &[Uuid]) -> Result<(), Failure> {
    for (decision, exists) in [
        ("state = 'live'", "EXISTS"),
        ("state = 'deleting', reap_at = database_now()", "NOT EXISTS"),
    ] {
        let mut statement = Statement::new("");
        let ids = condemned.iter().map(|id| statement.parameter(*id));
        let ids = ids.collect::<Vec<_>>().join(", ");
        statement.push(&format!(
            "UPDATE blobs SET {decision} WHERE id IN ({ids}) AND state = 'condemned' \
            AND {exists} (SELECT 1 FROM files \
                WHERE files.tenant_id = blobs.tenant_id AND files.blob_id = blobs.id)"
        ));
        session.execute(statement).await?;
    }
    Ok(())
}

async fn hand_out<S: Session>(
    session: &mut S,
    limit: i64,
    retry_after: i64,
) -> Result<Vec<ReapTask>, Failure> {
    let lock = S::lock(SKIP_LOCKED);
    let sql = format!(
        "WITH due AS MATERIALIZED (\
            SELECT id FROM blobs WHERE reap_at <= database_now() \
            ORDER BY reap_at LIMIT $1 {lock}) \
        UPDATE blobs SET reap_at = database_clock() + $2 \
        FROM due WHERE blobs.id = due.id RETURNING blobs.id, blobs.storage_key, blobs.state"
    );
    let statement = Statement::new(sql).bind(limit).bind(retry_after);
    session.rows(statement, task).await
}

fn task(row: &dyn Columns) -> Result<ReapTask, Failure> {
    let stage = match row.text(2)? {
        "deleting" => ReapStage::Delete,
        "gone" => ReapStage::Purge,
        _ => return Err(RowError::Column("state").into()),
    };
    Ok(ReapTask {
        id: BlobId::from_uuid(row.id(0)?),
        storage_key: row.text(1)?.to_owned(),
        stage,
    })
}
