//! The repair of a blob whose stored bytes were found missing or wrong.

use attache_metadata::{NewFile, Refusal};
use attache_model::{BlobId, TenantId};

use crate::columns::Columns;
use crate::failure::Stop;
use crate::session::{Session, Statement, integer};

/// Gives a faulty blob the bytes of an upload: the two blobs exchange their storage keys, so that every
/// record of the faulty one has good bytes again, and what was found wrong goes to the reaper. `faulty`
/// and the upload's own blob are locked.
///
/// The own row is written again between the two others, because a key is never in two rows at once.
pub(super) async fn give_bytes<S: Session>(
    session: &mut S,
    tenant: TenantId,
    file: &NewFile,
    faulty: BlobId,
    faulty_key: &str,
) -> Result<(), Stop<Refusal>> {
    let sql = "DELETE FROM blobs WHERE tenant_id = $1 AND id = $2 AND state = 'staging' \
        AND lease_token = $3 AND lease_until > database_clock() RETURNING storage_key, created_at";
    let take = Statement::new(sql)
        .bind(tenant.get())
        .bind(file.blob.as_uuid())
        .bind(file.lease.as_uuid());
    let read = |row: &dyn Columns| Ok((row.text(0)?.to_owned(), row.integer(1)?));
    let Some((own_key, created_at)) = session.optional(take, read).await? else {
        return Err(Refusal::LeaseLost.into());
    };

    let facts = &file.facts;
    let sql = "UPDATE blobs SET storage_key = $3, format = $4, stored_bytes = $5, \
        wrapped_key = $6, fault = NULL, fault_seen_at = NULL WHERE tenant_id = $1 AND id = $2";
    let repair = Statement::new(sql)
        .bind(tenant.get())
        .bind(faulty.as_uuid())
        .bind(own_key.as_str())
        .bind(i64::from(facts.format))
        .bind(integer("stored_bytes", facts.stored_bytes)?)
        .bind(facts.wrapped_key.as_deref());
    session.execute(repair).await?;

    let sql = "INSERT INTO blobs (id, tenant_id, storage_key, state, created_at, reap_at) \
        VALUES ($1, $2, $3, 'deleting', $4, database_now())";
    let discard = Statement::new(sql)
        .bind(file.blob.as_uuid())
        .bind(tenant.get())
        .bind(faulty_key)
        .bind(created_at);
    session.execute(discard).await?;
    Ok(())
}
