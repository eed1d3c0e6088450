//! Marks of blobs whose stored bytes were found missing or wrong, and the lists that a verification
//! walks.

use async_trait::async_trait;
use attache_metadata::{
    BlobFault, BlobHealthRepository, BlobLocation, BlobTotals, LiveBlob, RepositoryError,
    StoredFile,
};
use attache_model::{BlobId, Context, FileSeq, Sha256Digest, TenantId};

use crate::call::Call;
use crate::columns::{BLOB_COLUMNS, Columns};
use crate::failure::{Failure, RowError};
use crate::records::find;
use crate::repository::{Backend, SqlRepository};
use crate::rows;
use crate::session::{Session, Statement, integer};

#[async_trait]
impl<B: Backend> BlobHealthRepository for SqlRepository<B> {
    async fn find_kept_blob(
        &self,
        cx: &Context,
        sha256: &Sha256Digest,
        size_bytes: u64,
    ) -> Result<Option<BlobLocation>, RepositoryError> {
        let input = (cx.tenant(), *sha256, size_bytes);
        self.backend
            .read(Call::of(cx, "find_kept_blob"), input, |session, input| {
                Box::pin(find_kept(session, input))
            })
            .await
    }

    async fn mark_blob(
        &self,
        blob: BlobId,
        storage_key: &str,
        fault: Option<BlobFault>,
    ) -> Result<bool, RepositoryError> {
        let input = (blob, storage_key.to_owned(), fault);
        self.backend
            .write(
                Call::of_service("mark_blob"),
                input,
                |session, (blob, key, fault)| Box::pin(mark(session, *blob, key, *fault)),
            )
            .await
    }

    async fn count_live_blobs(
        &self,
        tenant: Option<TenantId>,
    ) -> Result<BlobTotals, RepositoryError> {
        self.backend
            .read(
                Call::of_service("count_live_blobs").into_list(),
                tenant,
                |session, tenant| Box::pin(count(session, *tenant)),
            )
            .await
    }

    async fn list_live_blobs(
        &self,
        tenant: Option<TenantId>,
        after: Option<BlobId>,
        limit: u32,
    ) -> Result<Vec<LiveBlob>, RepositoryError> {
        let input = (tenant, after, limit);
        self.backend
            .read(
                Call::of_service("list_live_blobs").into_list(),
                input,
                |session, input| Box::pin(list(session, *input)),
            )
            .await
    }

    async fn list_files_of_blob(
        &self,
        tenant: TenantId,
        blob: BlobId,
        after: Option<FileSeq>,
        limit: u32,
    ) -> Result<Vec<StoredFile>, RepositoryError> {
        let input = (tenant, blob, after, limit);
        self.backend
            .read(
                Call::of_service("list_files_of_blob").into_list(),
                input,
                |session, input| {
                    let (tenant, blob, after, limit) = *input;
                    Box::pin(find::by_blob(session, tenant, blob, after, limit))
                },
            )
            .await
    }
}

async fn find_kept<S: Session>(
    session: &mut S,
    (tenant, sha256, size_bytes): &(TenantId, Sha256Digest, u64),
) -> Result<Option<BlobLocation>, Failure> {
    let sql = format!(
        "SELECT {BLOB_COLUMNS} FROM blobs WHERE tenant_id = $1 AND sha256 = $2 \
        AND size_bytes = $3 AND state IN ('live', 'condemned') AND fault IS NULL"
    );
    let statement = Statement::new(sql)
        .bind(tenant.get())
        .bind(sha256.as_bytes().as_slice())
        .bind(integer("size_bytes", *size_bytes)?);
    session.optional(statement, |row| rows::blob(row, 0)).await
}

/// Only a changed mark is written, so that its time is when the fault was first seen.
async fn mark<S: Session>(
    session: &mut S,
    blob: BlobId,
    storage_key: &str,
    fault: Option<BlobFault>,
) -> Result<bool, Failure> {
    let statement = match fault {
        Some(fault) => Statement::new(
            "UPDATE blobs SET fault = $3, fault_seen_at = database_now() \
            WHERE id = $1 AND storage_key = $2 AND state IN ('live', 'condemned') \
            AND (fault IS NULL OR fault <> $3)",
        )
        .bind(blob.as_uuid())
        .bind(storage_key)
        .bind(fault.as_str()),
        None => Statement::new(
            "UPDATE blobs SET fault = NULL, fault_seen_at = NULL \
            WHERE id = $1 AND storage_key = $2 AND fault IS NOT NULL",
        )
        .bind(blob.as_uuid())
        .bind(storage_key),
    };
    Ok(session.execute(statement).await? == 1)
}

async fn count<S: Session>(
    session: &mut S,
    tenant: Option<TenantId>,
) -> Result<BlobTotals, Failure> {
    let mut statement = Statement::new(
        "SELECT count(*), CAST(coalesce(sum(stored_bytes), 0) AS BIGINT) FROM blobs \
        WHERE state = 'live'",
    );
    restrict(&mut statement, tenant);
    let read = |row: &dyn Columns| {
        let number = |at| {
            let number = u64::try_from(row.integer(at)?);
            number.map_err(|_| Failure::from(RowError::Column("stored_bytes")))
        };
        Ok(BlobTotals {
            blobs: number(0)?,
            stored_bytes: number(1)?,
        })
    };
    session.one(statement, read).await
}

async fn list<S: Session>(
    session: &mut S,
    (tenant, after, limit): (Option<TenantId>, Option<BlobId>, u32),
) -> Result<Vec<LiveBlob>, Failure> {
    let sql = format!("SELECT {BLOB_COLUMNS}, tenant_id, fault FROM blobs WHERE state = 'live'");
    let mut statement = Statement::new(sql);
    restrict(&mut statement, tenant);
    if let Some(after) = after {
        let after = statement.parameter(after.as_uuid());
        statement.push(&format!(" AND id > {after}"));
    }
    let limit = statement.parameter(i64::from(limit));
    statement.push(&format!(" ORDER BY id LIMIT {limit}"));
    session.rows(statement, live_blob).await
}

fn restrict(statement: &mut Statement<'_>, tenant: Option<TenantId>) {
    if let Some(tenant) = tenant {
        let tenant = statement.parameter(tenant.get());
        statement.push(&format!(" AND tenant_id = {tenant}"));
    }
}

fn live_blob(row: &dyn Columns) -> Result<LiveBlob, Failure> {
    let fault = row.text_or_null(8)?.map(str::parse);
    Ok(LiveBlob {
        location: rows::blob(row, 0)?,
        tenant: TenantId::new(row.integer(7)?),
        fault: fault.transpose().map_err(|_| RowError::Column("fault"))?,
    })
}
