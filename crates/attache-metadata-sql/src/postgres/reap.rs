//! The reaper's decisions. Any number of reapers may take at the same time: what one has locked, the
//! others pass over.

use attache_metadata::{ReapStage, ReapTask};
use attache_model::BlobId;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::failure::Failure;
use crate::rows::RowError;

/// Decides which blobs are to go, and hands out those whose time has come.
pub(super) async fn take(
    connection: &mut PgConnection,
    limit: i64,
    retry_after: i64,
) -> Result<Vec<ReapTask>, Failure> {
    give_up_ended(connection, limit).await?;
    let condemned = lock_condemned(connection, limit).await?;
    if !condemned.is_empty() {
        decide(connection, &condemned).await?;
    }
    hand_out(connection, limit, retry_after).await
}

/// Promises whose lease ended. Nothing refers to a promised blob, so its own row says it all.
async fn give_up_ended(connection: &mut PgConnection, limit: i64) -> Result<(), Failure> {
    let sql = "WITH ended AS MATERIALIZED (\
            SELECT id FROM blobs WHERE lease_until <= database_now() \
            ORDER BY lease_until LIMIT $1 FOR UPDATE SKIP LOCKED) \
        UPDATE blobs SET state = 'deleting', lease_token = NULL, lease_until = NULL, \
            reap_at = database_now() \
        FROM ended WHERE blobs.id = ended.id";
    sqlx::query(sql).bind(limit).execute(connection).await?;
    Ok(())
}

/// Locks condemned blobs, and asks nothing more: who refers to them is asked in the next statement,
/// which sees what was committed before the lock was given.
async fn lock_condemned(connection: &mut PgConnection, limit: i64) -> Result<Vec<Uuid>, Failure> {
    let sql = "SELECT id FROM blobs WHERE state = 'condemned' \
        ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED";
    let rows = sqlx::query(sql).bind(limit).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Gives locked blobs that something refers to back to life, and the others to deletion. Whoever
/// wants to refer to one waits for the lock, and finds it decided.
async fn decide(connection: &mut PgConnection, condemned: &[Uuid]) -> Result<(), Failure> {
    let referenced = "UPDATE blobs SET state = 'live' \
        WHERE id = ANY($1) AND state = 'condemned' AND EXISTS (SELECT 1 FROM files \
            WHERE files.tenant_id = blobs.tenant_id AND files.blob_id = blobs.id)";
    let unreferenced = "UPDATE blobs SET state = 'deleting', reap_at = database_now() \
        WHERE id = ANY($1) AND state = 'condemned' AND NOT EXISTS (SELECT 1 FROM files \
            WHERE files.tenant_id = blobs.tenant_id AND files.blob_id = blobs.id)";
    for sql in [referenced, unreferenced] {
        let query = sqlx::query(sql).bind(condemned.to_vec());
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn hand_out(
    connection: &mut PgConnection,
    limit: i64,
    retry_after: i64,
) -> Result<Vec<ReapTask>, Failure> {
    let sql = "WITH due AS MATERIALIZED (\
            SELECT id FROM blobs WHERE reap_at <= database_now() \
            ORDER BY reap_at LIMIT $1 FOR UPDATE SKIP LOCKED) \
        UPDATE blobs SET reap_at = database_clock() + $2 \
        FROM due WHERE blobs.id = due.id RETURNING blobs.id, blobs.storage_key, blobs.state";
    let query = sqlx::query(sql).bind(limit).bind(retry_after);
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(task).collect()
}

fn task(row: &PgRow) -> Result<ReapTask, Failure> {
    let stage = match row.try_get::<String, _>(2)?.as_str() {
        "deleting" => ReapStage::Delete,
        "gone" => ReapStage::Purge,
        _ => return Err(RowError::Column("state").into()),
    };
    Ok(ReapTask {
        id: BlobId::from_uuid(row.try_get(0)?),
        storage_key: row.try_get(1)?,
        stage,
    })
}
