//! A session on a connection to the server.

use std::borrow::Cow;

use attache_model::{Sha256Digest, TenantId};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row as _, SqlSafeStr as _};
use uuid::Uuid;

use crate::columns::Columns;
use crate::failure::Failure;
use crate::session::{BlobLocks, Session, Statement, Value};

impl Session for PgConnection {
    async fn fetch<T, F>(
        &mut self,
        statement: Statement<'_>,
        mut read: F,
    ) -> Result<Vec<T>, Failure>
    where
        T: Send,
        F: FnMut(&dyn Columns) -> Result<Option<T>, Failure> + Send,
    {
        // The server sends every row, so a statement whose rows may be long must bound them itself.
        let rows = query(statement).fetch_all(self).await?;
        rows.iter().map_while(|row| read(row).transpose()).collect()
    }

    async fn run(&mut self, statement: Statement<'_>) -> Result<u64, Failure> {
        Ok(query(statement).execute(self).await?.rows_affected())
    }

    fn lock(clause: &'static str) -> &'static str {
        clause
    }

    async fn lock_blobs(&mut self, tenant: TenantId, blobs: BlobLocks<'_>) -> Result<(), Failure> {
        let BlobLocks { ids, contents } = blobs;
        let mut ids: Vec<Uuid> = ids.into_iter().map(|id| id.as_uuid()).collect();
        if !contents.is_empty() {
            let bytes = |(digest, _): &(&Sha256Digest, i64)| digest.as_bytes().to_vec();
            let digests: Vec<_> = contents.iter().map(bytes).collect();
            let sizes: Vec<_> = contents.iter().map(|(_, size)| *size).collect();
            let sql = "SELECT blobs.id \
                FROM unnest($2::bytea[], $3::bigint[]) AS bytes (sha256, size) \
                JOIN blobs ON blobs.tenant_id = $1 AND blobs.sha256 = bytes.sha256 \
                    AND blobs.size_bytes = bytes.size AND blobs.state IN ('live', 'condemned')";
            let equal = sqlx::query(sql)
                .bind(tenant.get())
                .bind(digests)
                .bind(sizes);
            for row in equal.fetch_all(&mut *self).await? {
                ids.push(row.try_get(0)?);
            }
        }
        let sql = "SELECT id FROM blobs WHERE tenant_id = $1 AND id = ANY($2) \
            ORDER BY id FOR UPDATE";
        let lock = sqlx::query(sql).bind(tenant.get()).bind(ids);
        lock.execute(self).await?;
        Ok(())
    }
}

fn query(statement: Statement<'_>) -> Query<'_, Postgres, PgArguments> {
    let sql = match statement.sql {
        Cow::Borrowed(sql) => sql.into_sql_str(),
        Cow::Owned(sql) => AssertSqlSafe(sql).into_sql_str(),
    };
    let values = statement.values.into_iter();
    values.fold(sqlx::query(sql), |query, value| match value {
        Value::Integer(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
        Value::Id(value) => query.bind(value),
    })
}

impl Columns for PgRow {
    fn integer_or_null(&self, at: usize) -> Result<Option<i64>, Failure> {
        Ok(self.try_get(at)?)
    }

    fn text_or_null(&self, at: usize) -> Result<Option<&str>, Failure> {
        Ok(self.try_get(at)?)
    }

    fn bytes_or_null(&self, at: usize) -> Result<Option<&[u8]>, Failure> {
        Ok(self.try_get(at)?)
    }

    fn id_or_null(&self, at: usize) -> Result<Option<Uuid>, Failure> {
        Ok(self.try_get(at)?)
    }
}
