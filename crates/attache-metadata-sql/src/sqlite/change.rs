//! Changes of one record: fields, claim, archive, hold, deletion.
//!
//! Each is one conditional statement; only where it changed nothing is the record read, to say why.

use std::sync::Arc;

use attache_metadata::Change as Field;
use attache_metadata::{EventHook, FileChange, FileEventKind, Refusal};
use attache_model::{Claim, Context, FileId, FileRecord, Holder, Revision};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use super::decode::{self, FILE_COLUMN_COUNT, FILE_COLUMNS};
use super::failure::{Failure, Stop};
use super::{events, people};
use crate::alter::{check_revision, with_fields};
use crate::rows::RowError;

type Outcome = Result<FileRecord, Stop<Refusal>>;

/// A change of one record on its way.
pub(super) struct Changing {
    pub(super) cx: Context,
    pub(super) id: FileId,
    pub(super) hook: Option<Arc<dyn EventHook>>,
}

impl Changing {
    pub(super) async fn claim(self, connection: &mut SqliteConnection, holder: &Holder) -> Outcome {
        let sql = "used_at = ?3, used_by = ?4 \
            WHERE tenant_id = ?1 AND id = ?2 AND used_at IS NULL AND archived_at IS NULL";
        if let Some(row) = self.update(connection, sql, Some(holder)).await? {
            return self.made(connection, FileEventKind::Claimed, &row).await;
        }
        let record = self.read(connection).await?;
        let claim = Claim {
            used_by: holder.clone(),
            used_at: self.cx.now(),
        };
        match record.check_claim(claim).map_err(Refusal::from)? {
            None => Ok(record),
            Some(_) => Err(nonsense("used_at")),
        }
    }

    pub(super) async fn release(
        self,
        connection: &mut SqliteConnection,
        holder: &Holder,
    ) -> Outcome {
        let sql = "used_at = NULL, used_by = NULL \
            WHERE tenant_id = ?1 AND id = ?2 AND used_by = ?4";
        if let Some(row) = self.update(connection, sql, Some(holder)).await? {
            return self.made(connection, FileEventKind::Released, &row).await;
        }
        let record = self.read(connection).await?;
        record.check_unclaimed().map_err(Refusal::from)?;
        Ok(record)
    }

    pub(super) async fn archive(self, connection: &mut SqliteConnection) -> Outcome {
        let sql = "archived_at = ?3 \
            WHERE tenant_id = ?1 AND id = ?2 AND used_at IS NULL AND archived_at IS NULL";
        if let Some(row) = self.update(connection, sql, None).await? {
            return self.made(connection, FileEventKind::Archived, &row).await;
        }
        let record = self.read(connection).await?;
        record.check_unclaimed().map_err(Refusal::from)?;
        Ok(record)
    }

    pub(super) async fn restore(self, connection: &mut SqliteConnection) -> Outcome {
        let sql = "archived_at = NULL \
            WHERE tenant_id = ?1 AND id = ?2 AND archived_at IS NOT NULL";
        if let Some(row) = self.update(connection, sql, None).await? {
            return self.made(connection, FileEventKind::Restored, &row).await;
        }
        self.read(connection).await
    }

    pub(super) async fn release_hold(self, connection: &mut SqliteConnection) -> Outcome {
        let sql = "held_at = NULL WHERE tenant_id = ?1 AND id = ?2 AND held_at IS NOT NULL";
        if let Some(row) = self.update(connection, sql, None).await? {
            let kind = FileEventKind::HoldReleased;
            return self.made(connection, kind, &row).await;
        }
        self.read(connection).await
    }

    pub(super) async fn delete(
        self,
        connection: &mut SqliteConnection,
        expected: Option<Revision>,
    ) -> Outcome {
        let sql = format!(
            "DELETE FROM files WHERE tenant_id = ?1 AND id = ?2 AND used_at IS NULL \
            AND (?3 IS NULL OR revision = ?3) RETURNING {FILE_COLUMNS}, files.blob_id"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(self.cx.tenant().get())
            .bind(self.id.as_uuid())
            .bind(expected.map(Revision::get));
        let Some(row) = query.fetch_optional(&mut *connection).await? else {
            let record = self.read(connection).await?;
            record.check_unclaimed().map_err(Refusal::from)?;
            check_revision(&record, expected)?;
            return Err(nonsense("revision"));
        };
        self.condemn(connection, &row).await?;
        self.forget_upload(connection).await?;
        self.made(connection, FileEventKind::Deleted, &row).await
    }

    pub(super) async fn change(
        self,
        connection: &mut SqliteConnection,
        change: FileChange,
        expected: Option<Revision>,
    ) -> Outcome {
        let before = self.read(connection).await?;
        check_revision(&before, expected)?;
        let mut after = with_fields(&before, &change);
        match change.person {
            Field::Keep => {}
            Field::Clear => after.person = None,
            Field::Set((person, new_id)) => {
                let found = people::find_or_register(connection, &self.cx, &person, new_id).await?;
                after.person = Some(found);
            }
        }
        if after == before {
            return Ok(before);
        }
        let row = self.write(connection, &after).await?;
        self.made(connection, FileEventKind::Changed, &row).await
    }

    /// Writes the fields that a change may alter.
    async fn write(
        &self,
        connection: &mut SqliteConnection,
        after: &FileRecord,
    ) -> Result<SqliteRow, Failure> {
        let sql = format!(
            "UPDATE files SET name = ?4, filename = ?5, description = ?6, category = ?7, \
            person_id = ?8, visibility = ?9, updated_at = ?3, revision = revision + 1 \
            WHERE tenant_id = ?1 AND id = ?2 RETURNING {FILE_COLUMNS}"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(self.cx.tenant().get())
            .bind(self.id.as_uuid())
            .bind(self.cx.now().as_millis())
            .bind(after.name.as_str().to_owned())
            .bind(after.filename.as_str().to_owned())
            .bind(after.description.as_ref().map(|it| it.as_str().to_owned()))
            .bind(after.category.as_ref().map(|it| it.as_str().to_owned()))
            .bind(after.person.as_ref().map(|person| person.id.as_uuid()))
            .bind(after.visibility.as_str());
        Ok(query.fetch_one(connection).await?)
    }

    /// Runs one conditional update: `?1` is the tenant, `?2` the file, `?3` now, `?4` the holder.
    /// `None` where its condition did not hold.
    async fn update(
        &self,
        connection: &mut SqliteConnection,
        assignment_and_condition: &str,
        holder: Option<&Holder>,
    ) -> Result<Option<SqliteRow>, Failure> {
        let sql = format!(
            "UPDATE files SET revision = revision + 1, updated_at = ?3, \
            {assignment_and_condition} RETURNING {FILE_COLUMNS}"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(self.cx.tenant().get())
            .bind(self.id.as_uuid())
            .bind(self.cx.now().as_millis());
        let query = match holder {
            Some(holder) => query.bind(holder.as_str().to_owned()),
            None => query,
        };
        Ok(query.fetch_optional(connection).await?)
    }

    /// Reads the record, to explain why nothing changed.
    async fn read(&self, connection: &mut SqliteConnection) -> Outcome {
        let sql = format!("SELECT {FILE_COLUMNS} FROM files WHERE tenant_id = ?1 AND id = ?2");
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(self.cx.tenant().get())
            .bind(self.id.as_uuid());
        match query.fetch_optional(connection).await? {
            Some(row) => Ok(decode::file(&row)?),
            None => Err(Refusal::NotFound.into()),
        }
    }

    /// Condemns the blob of a deleted record, if nothing else refers to it.
    async fn condemn(
        &self,
        connection: &mut SqliteConnection,
        deleted: &SqliteRow,
    ) -> Result<(), Failure> {
        let sql = "UPDATE blobs SET state = 'condemned' \
            WHERE tenant_id = ?1 AND id = ?2 AND state = 'live' \
            AND NOT EXISTS (SELECT 1 FROM files WHERE tenant_id = ?1 AND blob_id = ?2)";
        sqlx::query(sql)
            .bind(self.cx.tenant().get())
            .bind(deleted.try_get::<uuid::Uuid, _>(FILE_COLUMN_COUNT)?)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Deletes the upload that a deleted record was made of: it says whom and what about.
    async fn forget_upload(&self, connection: &mut SqliteConnection) -> Result<(), Failure> {
        let sql = "DELETE FROM uploads WHERE tenant_id = ?1 AND id = ?2";
        let query = sqlx::query(sql)
            .bind(self.cx.tenant().get())
            .bind(self.id.as_uuid());
        query.execute(connection).await?;
        Ok(())
    }

    /// Reads the changed record and tells the hook.
    async fn made(
        &self,
        connection: &mut SqliteConnection,
        kind: FileEventKind,
        row: &SqliteRow,
    ) -> Outcome {
        let record = decode::file(row)?;
        events::tell(connection, self.hook.as_ref(), &self.cx, kind, &record).await?;
        Ok(record)
    }
}

/// A row that neither meets a statement's condition nor fails to.
fn nonsense(column: &'static str) -> Stop<Refusal> {
    Failure::from(RowError::Column(column)).into()
}
