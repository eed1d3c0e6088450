//! The commit of an upload: people, blobs and records, all of them or none.

use std::sync::Arc;
use std::time::Duration;

use attache_metadata::{
    CommittedFile, EventHook, FileEventKind, IdempotencyKey, NewFile, NewFiles, Refusal,
};
use attache_model::{BlobId, Context, FileRecord, ObjectKey, Person, PrincipalSeq, Timestamp};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection};

use super::decode::{self, FILE_COLUMNS};
use super::failure::{Failure, Stop};
use super::{blobs, events, people};
use crate::rows::RowError;

/// What every file of a commit shares.
pub(super) struct Commit {
    pub(super) cx: Context,
    /// Whose authority the bytes came in on.
    pub(super) uploaded_by: Option<PrincipalSeq>,
    pub(super) hook: Option<Arc<dyn EventHook>>,
    /// The database's moment, which leases go by.
    pub(super) now: Timestamp,
}

impl Commit {
    /// Commits the files in order. What was written before a refusal is undone by the caller.
    pub(super) async fn run(
        self,
        connection: &mut SqliteConnection,
        upload: &NewFiles,
    ) -> Result<Vec<CommittedFile>, Stop<Refusal>> {
        if let Some(key) = &upload.idempotency_key {
            self.refuse_repetition(connection, key).await?;
        }
        let mut committed = Vec::with_capacity(upload.files.len());
        for (file, index) in upload.files.iter().zip(0_i64..) {
            let request = upload.idempotency_key.as_ref().map(|key| (key, index));
            committed.push(self.commit_file(connection, file, request).await?);
        }
        Ok(committed)
    }

    async fn refuse_repetition(
        &self,
        connection: &mut SqliteConnection,
        key: &IdempotencyKey,
    ) -> Result<(), Stop<Refusal>> {
        let sql = "SELECT 1 FROM files WHERE tenant_id = ?1 AND request_key = ?2 LIMIT 1";
        let query = sqlx::query(sql)
            .bind(self.cx.tenant().get())
            .bind(key.as_str().to_owned());
        match query.fetch_optional(connection).await? {
            Some(_) => Err(Refusal::RequestRepeated.into()),
            None => Ok(()),
        }
    }

    pub(super) async fn commit_file(
        &self,
        connection: &mut SqliteConnection,
        file: &NewFile,
        request: Option<(&IdempotencyKey, i64)>,
    ) -> Result<CommittedFile, Stop<Refusal>> {
        let person = match &file.person {
            Some(person) => {
                let new_id = file.new_person_id;
                Some(people::find_or_register(connection, &self.cx, person, new_id).await?)
            }
            None => None,
        };
        let blob = self.acquire_blob(connection, file).await?;
        if file.dedup
            && let Some(record) = self
                .find_equal(connection, file, blob, person.as_ref())
                .await?
        {
            return Ok(CommittedFile {
                record,
                deduplicated: true,
            });
        }
        let record = self.insert(connection, file, blob, person, request).await?;
        let kind = FileEventKind::Created;
        events::tell(connection, self.hook.as_ref(), &self.cx, kind, &record).await?;
        Ok(CommittedFile {
            record,
            deduplicated: false,
        })
    }

    /// Decides which blob a record refers to, and makes it live: one with the same bytes where the
    /// tenant has it, else the upload's own.
    async fn acquire_blob(
        &self,
        connection: &mut SqliteConnection,
        file: &NewFile,
    ) -> Result<BlobId, Stop<Refusal>> {
        let sql = "UPDATE blobs SET state = 'live' WHERE tenant_id = ?1 AND sha256 = ?2 \
            AND size_bytes = ?3 AND state IN ('live', 'condemned') RETURNING id";
        let query = sqlx::query(sql)
            .bind(self.cx.tenant().get())
            .bind(file.facts.sha256.as_bytes().to_vec())
            .bind(integer("size_bytes", file.facts.size_bytes)?);
        let Some(existing) = query.fetch_optional(&mut *connection).await? else {
            self.promote_own_blob(connection, file).await?;
            return Ok(file.blob);
        };
        let existing = BlobId::from_uuid(existing.try_get(0)?);
        if existing != file.blob {
            let tenant = self.cx.tenant();
            blobs::give_up(connection, tenant, file.blob, file.lease, self.now).await?;
        }
        Ok(existing)
    }

    async fn promote_own_blob(
        &self,
        connection: &mut SqliteConnection,
        file: &NewFile,
    ) -> Result<(), Stop<Refusal>> {
        let sql = "UPDATE blobs SET state = 'live', lease_token = NULL, lease_until = NULL, \
            size_bytes = ?5, sha256 = ?6, format = ?7, stored_bytes = ?8, wrapped_key = ?9 \
            WHERE tenant_id = ?1 AND id = ?2 AND state = 'staging' AND lease_token = ?3 \
            AND lease_until > ?4";
        let facts = &file.facts;
        let promoted = sqlx::query(sql)
            .bind(self.cx.tenant().get())
            .bind(file.blob.as_uuid())
            .bind(file.lease.as_uuid())
            .bind(self.now.as_millis())
            .bind(integer("size_bytes", facts.size_bytes)?)
            .bind(facts.sha256.as_bytes().to_vec())
            .bind(i64::from(facts.format))
            .bind(integer("stored_bytes", facts.stored_bytes)?)
            .bind(facts.wrapped_key.clone())
            .execute(connection)
            .await?;
        if promoted.rows_affected() == 1 {
            Ok(())
        } else {
            Err(Refusal::LeaseLost.into())
        }
    }

    /// Finds the oldest record that an identical upload may be answered with.
    async fn find_equal(
        &self,
        connection: &mut SqliteConnection,
        file: &NewFile,
        blob: BlobId,
        person: Option<&Person>,
    ) -> Result<Option<FileRecord>, Failure> {
        let sql = format!(
            "SELECT {FILE_COLUMNS} FROM files WHERE tenant_id = ?1 AND blob_id = ?2 AND used = 0 \
            AND archived = 0 AND person_id IS ?3 AND category IS ?4 AND visibility = ?5 \
            AND content_type = ?6 ORDER BY seq LIMIT 1"
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(self.cx.tenant().get())
            .bind(blob.as_uuid())
            .bind(person.map(|person| person.id.as_uuid()))
            .bind(file.category.as_ref().map(|it| it.as_str().to_owned()))
            .bind(file.visibility.as_str())
            .bind(file.content_type.as_str())
            .fetch_optional(connection)
            .await?;
        row.as_ref().map(decode::file).transpose()
    }

    /// Writes the record under the first moment, from now on, at which its key is free.
    async fn insert(
        &self,
        connection: &mut SqliteConnection,
        file: &NewFile,
        blob: BlobId,
        person: Option<Person>,
        request: Option<(&IdempotencyKey, i64)>,
    ) -> Result<FileRecord, Stop<Refusal>> {
        let mut created_at = self.cx.now();
        loop {
            let key = ObjectKey::compose(
                person.as_ref(),
                file.category.as_ref(),
                created_at,
                &file.filename,
            );
            let row = NewRow {
                file,
                blob,
                person: person.as_ref(),
                created_at,
                key,
                request,
            };
            if let Some(record) = self.try_insert(connection, row).await? {
                return Ok(record);
            }
            let later = created_at.plus(Duration::from_millis(1));
            if later == created_at {
                return Err(Failure::from(RowError::Column("created_at")).into());
            }
            created_at = later;
        }
    }

    /// Writes the record unless its key is taken.
    async fn try_insert(
        &self,
        connection: &mut SqliteConnection,
        row: NewRow<'_>,
    ) -> Result<Option<FileRecord>, Failure> {
        let sql = format!(
            "INSERT INTO files (id, tenant_id, blob_id, person_id, category, name, filename, \
            description, content_type, size_bytes, sha256, visibility, key, uploaded_by, \
            created_at, updated_at, held_at, request_key, request_index) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?15, ?16, \
            ?17, ?18) ON CONFLICT (tenant_id, key) DO NOTHING RETURNING {FILE_COLUMNS}"
        );
        let file = row.file;
        let created_at = row.created_at.as_millis();
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(file.id.as_uuid())
            .bind(self.cx.tenant().get())
            .bind(row.blob.as_uuid())
            .bind(row.person.map(|person| person.id.as_uuid()))
            .bind(file.category.as_ref().map(|it| it.as_str().to_owned()))
            .bind(file.name.as_str().to_owned())
            .bind(file.filename.as_str().to_owned())
            .bind(file.description.as_ref().map(|it| it.as_str().to_owned()))
            .bind(file.content_type.as_str().to_owned())
            .bind(integer("size_bytes", file.facts.size_bytes)?)
            .bind(file.facts.sha256.as_bytes().to_vec())
            .bind(file.visibility.as_str())
            .bind(row.key.as_str().to_owned())
            .bind(self.uploaded_by.map(PrincipalSeq::get))
            .bind(created_at)
            .bind(file.held.then_some(created_at))
            .bind(row.request.map(|(key, _)| key.as_str().to_owned()))
            .bind(row.request.map(|(_, index)| index));
        let inserted = query.fetch_optional(connection).await?;
        inserted.as_ref().map(decode::file).transpose()
    }
}

/// A record to insert.
struct NewRow<'r> {
    file: &'r NewFile,
    blob: BlobId,
    person: Option<&'r Person>,
    created_at: Timestamp,
    key: ObjectKey,
    request: Option<(&'r IdempotencyKey, i64)>,
}

/// A number as the database holds it.
pub(super) fn integer(column: &'static str, value: u64) -> Result<i64, Failure> {
    i64::try_from(value).map_err(|_| Failure::TooLarge(column))
}
