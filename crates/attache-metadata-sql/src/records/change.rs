//! Changes of one record: fields, claim, archive, hold, deletion.
//!
//! Each is one conditional statement; only where it changed nothing is the record read, to say why.
//! If the record no longer has a reason, another change came between the two, and the whole is
//! made again.

use std::sync::Arc;

use attache_metadata::Change as Field;
use attache_metadata::{EventHook, FileChange, FileEventKind, Refusal};
use attache_model::{
    BlobId, Category, Claim, Context, Description, FileId, FileRecord, Holder, Person, PersonId,
    PersonRef, Revision,
};

use super::fields::{check_revision, with_fields};
use super::{events, people};
use crate::columns::{Columns, FILE_COLUMNS};
use crate::failure::{Failure, Stop};
use crate::rows;
use crate::session::{BlobLocks, Session, Statement};

/// Sets the time of the last change to `$3`, and never back: the clock of another server may be behind, and
/// a record may have been created at a time behind its tenant's last one.
const LATER: &str = "updated_at = CASE WHEN updated_at < $3 THEN $3 ELSE updated_at END";

type Outcome = Result<FileRecord, Stop<Refusal>>;

/// A change of one record.
pub(super) struct RecordChange {
    pub(super) cx: Context,
    pub(super) id: FileId,
    pub(super) hook: Option<Arc<dyn EventHook>>,
}

impl RecordChange {
    pub(super) async fn claim<S: Session>(&self, session: &mut S, holder: &Holder) -> Outcome {
        let sql = "used_at = $3, used_by = $4 \
            WHERE tenant_id = $1 AND id = $2 AND used_at IS NULL AND archived_at IS NULL";
        if let Some(record) = self.update(session, sql, &[holder.as_str()]).await? {
            return self.recorded(session, FileEventKind::Claimed, record).await;
        }
        let record = self.read(session, "").await?;
        let claim = Claim {
            used_by: holder.clone(),
            used_at: self.cx.now(),
        };
        match record.check_claim(claim).map_err(Refusal::from)? {
            None => Ok(record),
            Some(_) => Err(Failure::Raced.into()),
        }
    }

    pub(super) async fn release<S: Session>(&self, session: &mut S, holder: &Holder) -> Outcome {
        let sql = "used_at = NULL, used_by = NULL \
            WHERE tenant_id = $1 AND id = $2 AND used_by IN ($4, $5)";
        // Earlier versions stored holders as they were sent.
        let holders = [holder.as_str(), &holder.decomposed()];
        if let Some(record) = self.update(session, sql, &holders).await? {
            let kind = FileEventKind::Released;
            return self.recorded(session, kind, record).await;
        }
        let record = self.read(session, "").await?;
        let claim = record.claim.as_ref();
        if claim.is_some_and(|it| it.used_by == *holder) {
            return Err(Failure::Raced.into());
        }
        record.check_unclaimed().map_err(Refusal::from)?;
        Ok(record)
    }

    pub(super) async fn archive<S: Session>(&self, session: &mut S) -> Outcome {
        let sql = "archived_at = $3 \
            WHERE tenant_id = $1 AND id = $2 AND used_at IS NULL AND archived_at IS NULL";
        if let Some(record) = self.update(session, sql, &[]).await? {
            let kind = FileEventKind::Archived;
            return self.recorded(session, kind, record).await;
        }
        let record = self.read(session, "").await?;
        record.check_unclaimed().map_err(Refusal::from)?;
        unchanged(record, |it| it.archived_at.is_some())
    }

    pub(super) async fn restore<S: Session>(&self, session: &mut S) -> Outcome {
        let sql = "archived_at = NULL \
            WHERE tenant_id = $1 AND id = $2 AND archived_at IS NOT NULL";
        if let Some(record) = self.update(session, sql, &[]).await? {
            let kind = FileEventKind::Restored;
            return self.recorded(session, kind, record).await;
        }
        let record = self.read(session, "").await?;
        unchanged(record, |it| it.archived_at.is_none())
    }

    pub(super) async fn release_hold<S: Session>(&self, session: &mut S) -> Outcome {
        let sql = "held_at = NULL WHERE tenant_id = $1 AND id = $2 AND held_at IS NOT NULL";
        if let Some(record) = self.update(session, sql, &[]).await? {
            let kind = FileEventKind::HoldReleased;
            return self.recorded(session, kind, record).await;
        }
        let record = self.read(session, "").await?;
        unchanged(record, |it| it.held_at.is_none())
    }

    /// Deletes the record. Locks the blob before it, as every change that needs both does.
    pub(super) async fn delete<S: Session>(
        &self,
        session: &mut S,
        expected: Option<Revision>,
    ) -> Outcome {
        self.delete_upload(session).await?;
        let blob = self.lock_blob(session).await?;
        let condition = expected.map_or("", |_| "AND revision = $3");
        let sql = format!(
            "DELETE FROM files WHERE tenant_id = $1 AND id = $2 AND used_at IS NULL {condition} \
            RETURNING {FILE_COLUMNS}"
        );
        let mut statement = self.about(sql);
        if let Some(expected) = expected {
            statement = statement.bind(expected.get());
        }
        let Some(record) = session.optional(statement, rows::file).await? else {
            let record = self.read(session, "").await?;
            record.check_unclaimed().map_err(Refusal::from)?;
            check_revision(&record, expected)?;
            return Err(Failure::Raced.into());
        };
        self.condemn(session, blob).await?;
        self.recorded(session, FileEventKind::Deleted, record).await
    }

    pub(super) async fn change<S: Session>(
        &self,
        session: &mut S,
        change: &FileChange,
        expected: Option<Revision>,
    ) -> Outcome {
        // Before the record is locked. A fault of the record's is reported first all the same.
        let person = self.changed_person(session, &change.person).await;
        let lock = S::lock("FOR NO KEY UPDATE OF files");
        let before = self.read(session, lock).await?;
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
        let record = self.write(session, &after).await?;
        self.recorded(session, FileEventKind::Changed, record).await
    }

    async fn changed_person<S: Session>(
        &self,
        session: &mut S,
        change: &Field<(PersonRef, PersonId)>,
    ) -> Result<Field<Person>, Stop<Refusal>> {
        Ok(match change {
            Field::Keep => Field::Keep,
            Field::Clear => Field::Clear,
            Field::Set((person, new_id)) => {
                Field::Set(people::find_or_register(session, &self.cx, person, *new_id).await?)
            }
        })
    }

    /// Begins a statement about the record: `$1` is its tenant, `$2` its id.
    fn about<'v>(&self, sql: String) -> Statement<'v> {
        let tenant = self.cx.tenant().get();
        Statement::new(sql).bind(tenant).bind(self.id.as_uuid())
    }

    /// Writes the fields that a change may alter.
    async fn write<S: Session>(
        &self,
        session: &mut S,
        after: &FileRecord,
    ) -> Result<FileRecord, Failure> {
        let sql = format!(
            "UPDATE files SET name = $4, filename = $5, description = $6, category = $7, \
            person_id = $8, visibility = $9, {LATER}, revision = revision + 1 \
            WHERE tenant_id = $1 AND id = $2 RETURNING {FILE_COLUMNS}"
        );
        let statement = self
            .about(sql)
            .bind(self.cx.now().as_millis())
            .bind(after.name.as_str())
            .bind(after.filename.as_str())
            .bind(after.description.as_ref().map(Description::as_str))
            .bind(after.category.as_ref().map(Category::as_str))
            .bind(after.person.as_ref().map(|person| person.id.as_uuid()))
            .bind(after.visibility.as_str());
        session.one(statement, rows::file).await
    }

    /// Runs one conditional update: `$3` is now, `$4` the holder. Returns `None` where its condition
    /// did not hold.
    async fn update<S: Session>(
        &self,
        session: &mut S,
        assignment_and_condition: &str,
        holders: &[&str],
    ) -> Result<Option<FileRecord>, Failure> {
        let sql = format!(
            "UPDATE files SET revision = revision + 1, {LATER}, \
            {assignment_and_condition} RETURNING {FILE_COLUMNS}"
        );
        let mut statement = self.about(sql).bind(self.cx.now().as_millis());
        for holder in holders {
            statement = statement.bind(*holder);
        }
        session.optional(statement, rows::file).await
    }

    /// Reads the record, locked or to explain why nothing changed.
    async fn read<S: Session>(&self, session: &mut S, lock: &str) -> Outcome {
        let sql =
            format!("SELECT {FILE_COLUMNS} FROM files WHERE tenant_id = $1 AND id = $2 {lock}");
        let found = session.optional(self.about(sql), rows::file).await?;
        Ok(found.ok_or(Refusal::NotFound)?)
    }

    /// Locks the blob of the record, which stays the same for the record's life.
    async fn lock_blob<S: Session>(&self, session: &mut S) -> Result<BlobId, Stop<Refusal>> {
        let sql = "SELECT blob_id FROM files WHERE tenant_id = $1 AND id = $2";
        let read = |row: &dyn Columns| Ok(BlobId::from_uuid(row.id(0)?));
        let found = session.optional(self.about(sql.to_owned()), read).await?;
        let blob = found.ok_or(Refusal::NotFound)?;
        let locks = BlobLocks {
            ids: vec![blob],
            contents: Vec::new(),
        };
        session.lock_blobs(self.cx.tenant(), locks).await?;
        Ok(blob)
    }

    /// Condemns the blob of a deleted record, if nothing else refers to it. The blob has been locked
    /// since an earlier statement, so that this one sees every reference.
    async fn condemn<S: Session>(&self, session: &mut S, blob: BlobId) -> Result<(), Failure> {
        let sql = "UPDATE blobs SET state = 'condemned' \
            WHERE tenant_id = $1 AND id = $2 AND state = 'live' \
            AND NOT EXISTS (SELECT 1 FROM files WHERE tenant_id = $1 AND blob_id = $2)";
        let tenant = self.cx.tenant().get();
        let statement = Statement::new(sql).bind(tenant).bind(blob.as_uuid());
        session.execute(statement).await?;
        Ok(())
    }

    /// Deletes the upload that a deleted record was made of, which names its person too. Done first,
    /// in the order in which a completion locks; a refusal undoes it.
    async fn delete_upload<S: Session>(&self, session: &mut S) -> Result<(), Failure> {
        let sql = "DELETE FROM uploads WHERE tenant_id = $1 AND id = $2";
        session.execute(self.about(sql.to_owned())).await?;
        Ok(())
    }

    /// Records the event of the changed record.
    async fn recorded<S: Session>(
        &self,
        session: &mut S,
        kind: FileEventKind,
        record: FileRecord,
    ) -> Outcome {
        events::record(session, self.hook.as_deref(), &self.cx, kind, &record).await?;
        Ok(record)
    }
}

/// Returns the record where nothing was to be changed, if that is still so.
fn unchanged(record: FileRecord, is_so: impl Fn(&FileRecord) -> bool) -> Outcome {
    if is_so(&record) {
        Ok(record)
    } else {
        Err(Failure::Raced.into())
    }
}
