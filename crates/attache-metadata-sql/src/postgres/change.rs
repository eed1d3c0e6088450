//! Changes of one record: fields, claim, archive, hold, deletion.
//!
//! Each is one conditional statement; only where it changed nothing is the record read, to say why.
//! Where the record has no reason any more, another change came between the two, and the whole is
//! made again.

use attache_metadata::Change as Field;
use attache_metadata::{EventHook, FileChange, FileEventKind, Refusal};
use attache_model::{BlobId, Claim, Context, FileId, FileRecord, Holder, Person, Revision};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::failure::{Failure, Stop};
use super::{decode, events, people};
use crate::alter::{check_revision, with_fields};
use crate::columns::FILE_COLUMNS;

type Outcome = Result<FileRecord, Stop<Refusal>>;

/// A change of one record on its way.
pub(super) struct Changing<'c> {
    pub(super) cx: &'c Context,
    pub(super) id: FileId,
    pub(super) hook: Option<&'c dyn EventHook>,
}

impl Changing<'_> {
    pub(super) async fn claim(&self, connection: &mut PgConnection, holder: &Holder) -> Outcome {
        let sql = "used_at = $3, used_by = $4 \
            WHERE tenant_id = $1 AND id = $2 AND used_at IS NULL AND archived_at IS NULL";
        if let Some(row) = self.update(connection, sql, Some(holder)).await? {
            return self.made(connection, FileEventKind::Claimed, &row).await;
        }
        let record = self.read(connection, "").await?;
        let claim = Claim {
            used_by: holder.clone(),
            used_at: self.cx.now(),
        };
        match record.check_claim(claim).map_err(Refusal::from)? {
            None => Ok(record),
            Some(_) => Err(Failure::Raced.into()),
        }
    }

    pub(super) async fn release(&self, connection: &mut PgConnection, holder: &Holder) -> Outcome {
        let sql = "used_at = NULL, used_by = NULL \
            WHERE tenant_id = $1 AND id = $2 AND used_by = $4";
        if let Some(row) = self.update(connection, sql, Some(holder)).await? {
            return self.made(connection, FileEventKind::Released, &row).await;
        }
        let record = self.read(connection, "").await?;
        if record
            .claim
            .as_ref()
            .is_some_and(|it| it.used_by == *holder)
        {
            return Err(Failure::Raced.into());
        }
        record.check_unclaimed().map_err(Refusal::from)?;
        Ok(record)
    }

    pub(super) async fn archive(&self, connection: &mut PgConnection) -> Outcome {
        let sql = "archived_at = $3 \
            WHERE tenant_id = $1 AND id = $2 AND used_at IS NULL AND archived_at IS NULL";
        if let Some(row) = self.update(connection, sql, None).await? {
            return self.made(connection, FileEventKind::Archived, &row).await;
        }
        let record = self.read(connection, "").await?;
        record.check_unclaimed().map_err(Refusal::from)?;
        unchanged(record, |it| it.archived_at.is_some())
    }

    pub(super) async fn restore(&self, connection: &mut PgConnection) -> Outcome {
        let sql = "archived_at = NULL \
            WHERE tenant_id = $1 AND id = $2 AND archived_at IS NOT NULL";
        if let Some(row) = self.update(connection, sql, None).await? {
            return self.made(connection, FileEventKind::Restored, &row).await;
        }
        let record = self.read(connection, "").await?;
        unchanged(record, |it| it.archived_at.is_none())
    }

    pub(super) async fn release_hold(&self, connection: &mut PgConnection) -> Outcome {
        let sql = "held_at = NULL WHERE tenant_id = $1 AND id = $2 AND held_at IS NOT NULL";
        if let Some(row) = self.update(connection, sql, None).await? {
            let kind = FileEventKind::HoldReleased;
            return self.made(connection, kind, &row).await;
        }
        let record = self.read(connection, "").await?;
        unchanged(record, |it| it.held_at.is_none())
    }

    /// Locks the blob before the record, as every change that needs both does.
    pub(super) async fn delete(
        &self,
        connection: &mut PgConnection,
        expected: Option<Revision>,
    ) -> Outcome {
        self.forget_upload(connection).await?;
        let blob = self.lock_blob(connection).await?;
        let sql = format!(
            "DELETE FROM files WHERE tenant_id = $1 AND id = $2 AND used_at IS NULL \
            AND ($3::bigint IS NULL OR revision = $3) RETURNING {FILE_COLUMNS}"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(self.cx.tenant().get())
            .bind(self.id.as_uuid())
            .bind(expected.map(Revision::get));
        let Some(row) = query.fetch_optional(&mut *connection).await? else {
            let record = self.read(connection, "").await?;
            record.check_unclaimed().map_err(Refusal::from)?;
            check_revision(&record, expected)?;
            return Err(Failure::Raced.into());
        };
        self.condemn(connection, blob).await?;
        self.made(connection, FileEventKind::Deleted, &row).await
    }

    pub(super) async fn change(
        &self,
        connection: &mut PgConnection,
        change: &FileChange,
        expected: Option<Revision>,
    ) -> Outcome {
        // Before the record is locked; what is wrong with the record is said first all the same.
        let person = self.changed_person(connection, &change.person).await;
        let before = self.read(connection, "FOR NO KEY UPDATE OF files").await?;
        check_revision(&before, expected)?;
        let mut after = with_fields(&before, change);
        match person? {
            Field::Keep => {}
            Field::Clear => after.person = None,
            Field::Set(found) => after.person = Some(found),
        }
        if after == before {
            return Ok(before);
        }
        let row = self.write(connection, &after).await?;
        self.made(connection, FileEventKind::Changed, &row).await
    }

    async fn changed_person(
        &self,
        connection: &mut PgConnection,
        change: &Field<(attache_model::PersonRef, attache_model::PersonId)>,
    ) -> Result<Field<Person>, Stop<Refusal>> {
        Ok(match change {
            Field::Keep => Field::Keep,
            Field::Clear => Field::Clear,
            Field::Set((person, new_id)) => {
                let found = people::find_or_register(connection, self.cx, person, *new_id).await?;
                Field::Set(found)
            }
        })
    }

    /// Writes the fields that a change may alter.
    async fn write(
        &self,
        connection: &mut PgConnection,
        after: &FileRecord,
    ) -> Result<PgRow, Failure> {
        let sql = format!(
            "UPDATE files SET name = $4, filename = $5, description = $6, category = $7, \
            person_id = $8, visibility = $9, updated_at = $3, revision = revision + 1 \
            WHERE tenant_id = $1 AND id = $2 RETURNING {FILE_COLUMNS}"
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

    /// Runs one conditional update: `$1` is the tenant, `$2` the file, `$3` now, `$4` the holder.
    /// `None` where its condition did not hold.
    async fn update(
        &self,
        connection: &mut PgConnection,
        assignment_and_condition: &str,
        holder: Option<&Holder>,
    ) -> Result<Option<PgRow>, Failure> {
        let sql = format!(
            "UPDATE files SET revision = revision + 1, updated_at = $3, \
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

    /// Reads the record, locked or to explain why nothing changed.
    async fn read(&self, connection: &mut PgConnection, lock: &str) -> Outcome {
        let sql =
            format!("SELECT {FILE_COLUMNS} FROM files WHERE tenant_id = $1 AND id = $2 {lock}");
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(self.cx.tenant().get())
            .bind(self.id.as_uuid());
        match query.fetch_optional(connection).await? {
            Some(row) => Ok(decode::file(&row)?),
            None => Err(Refusal::NotFound.into()),
        }
    }

    /// Locks the blob of the record, which stays the same for the record's life.
    async fn lock_blob(&self, connection: &mut PgConnection) -> Result<BlobId, Stop<Refusal>> {
        let sql = "SELECT blob_id FROM files WHERE tenant_id = $1 AND id = $2";
        let query = sqlx::query(sql)
            .bind(self.cx.tenant().get())
            .bind(self.id.as_uuid());
        let Some(row) = query.fetch_optional(&mut *connection).await? else {
            return Err(Refusal::NotFound.into());
        };
        let blob = BlobId::from_uuid(row.try_get(0)?);
        let sql = "SELECT 1 FROM blobs WHERE tenant_id = $1 AND id = $2 FOR UPDATE";
        let query = sqlx::query(sql)
            .bind(self.cx.tenant().get())
            .bind(blob.as_uuid());
        query.execute(connection).await?;
        Ok(blob)
    }

    /// Condemns the blob of a deleted record, if nothing else refers to it. The blob is locked since
    /// an earlier statement, so that this one sees everybody who does.
    async fn condemn(&self, connection: &mut PgConnection, blob: BlobId) -> Result<(), Failure> {
        let sql = "UPDATE blobs SET state = 'condemned' \
            WHERE tenant_id = $1 AND id = $2 AND state = 'live' \
            AND NOT EXISTS (SELECT 1 FROM files WHERE tenant_id = $1 AND blob_id = $2)";
        sqlx::query(sql)
            .bind(self.cx.tenant().get())
            .bind(blob.as_uuid())
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Deletes the upload that a deleted record was made of: it says whom and what about. Done first,
    /// in the order in which a completion locks; a refusal undoes it.
    async fn forget_upload(&self, connection: &mut PgConnection) -> Result<(), Failure> {
        let sql = "DELETE FROM uploads WHERE tenant_id = $1 AND id = $2";
        let query = sqlx::query(sql)
            .bind(self.cx.tenant().get())
            .bind(self.id.as_uuid());
        query.execute(connection).await?;
        Ok(())
    }

    /// Reads the changed record and tells the hook.
    async fn made(
        &self,
        connection: &mut PgConnection,
        kind: FileEventKind,
        row: &PgRow,
    ) -> Outcome {
        let record = decode::file(row)?;
        events::tell(connection, self.hook, self.cx, kind, &record).await?;
        Ok(record)
    }
}

/// The answer where nothing was to be changed, if that is still so.
fn unchanged(record: FileRecord, is_so: impl Fn(&FileRecord) -> bool) -> Outcome {
    if is_so(&record) {
        Ok(record)
    } else {
        Err(Failure::Raced.into())
    }
}
