//! Staging blobs: a lease for bytes that are being uploaded.

use std::time::Duration;

use attache_metadata::{BlobIntent, LeaseToken};
use attache_model::{BlobId, TenantId};

use crate::failure::Failure;
use crate::session::{Session, Statement};

/// Returns a duration as the database adds it to a timestamp: so short that the sum is still one.
pub(crate) fn millis(duration: Duration) -> i64 {
    const MOST: i64 = 1 << 52;
    i64::try_from(duration.as_millis()).map_or(MOST, |millis| millis.min(MOST))
}

pub(crate) async fn begin<S: Session>(
    session: &mut S,
    tenant: TenantId,
    intents: &[BlobIntent],
) -> Result<(), Failure> {
    let mut insert = Statement::new(
        "INSERT INTO blobs \
        (id, tenant_id, storage_key, state, lease_token, lease_until, created_at) VALUES",
    )
    .bind(tenant.get());
    for (separator, intent) in std::iter::once(" ")
        .chain(std::iter::repeat(", "))
        .zip(intents)
    {
        let id = insert.parameter(intent.id.as_uuid());
        let key = insert.parameter(intent.storage_key.as_str());
        let token = insert.parameter(intent.lease.as_uuid());
        let lease_for = insert.parameter(millis(intent.lease_for));
        insert.push(&format!(
            "{separator}({id}, $1, {key}, 'staging', {token}, database_clock() + {lease_for}, \
            database_clock())"
        ));
    }
    if !intents.is_empty() {
        session.execute(insert).await?;
    }
    Ok(())
}

/// Sends a blob whose lease was lost to the reaper again: its writer may have written after the first
/// deletion. Does nothing to a blob that is staging or referenced.
pub(crate) async fn delete_again<S: Session>(
    session: &mut S,
    tenant: TenantId,
    blob: BlobId,
) -> Result<(), Failure> {
    let sql = "UPDATE blobs SET state = 'deleting', reap_at = database_now() \
        WHERE tenant_id = $1 AND id = $2 AND state IN ('deleting', 'gone')";
    let update = Statement::new(sql).bind(tenant.get()).bind(blob.as_uuid());
    session.execute(update).await?;
    Ok(())
}

/// Sends a staging blob to the reaper; does nothing where the lease is lost already.
pub(crate) async fn give_up<S: Session>(
    session: &mut S,
    tenant: TenantId,
    blob: BlobId,
    lease: LeaseToken,
) -> Result<(), Failure> {
    let sql = "UPDATE blobs SET state = 'deleting', lease_token = NULL, lease_until = NULL, \
        reap_at = database_now() \
        WHERE tenant_id = $1 AND id = $2 AND state = 'staging' AND lease_token = $3";
    let update = Statement::new(sql)
        .bind(tenant.get())
        .bind(blob.as_uuid())
        .bind(lease.as_uuid());
    session.execute(update).await?;
    Ok(())
}
