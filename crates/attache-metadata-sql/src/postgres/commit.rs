//! The commit of an upload: people, blobs and records, all of them or none.

use std::time::Duration;

use attache_metadata::{
    CommittedFile, EventHook, FileEventKind, IdempotencyKey, NewFile, NewFiles, Refusal,
};
use attache_model::{BlobId, Context, FileRecord, ObjectKey, Person, PrincipalSeq, Timestamp};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::failure::{Failure, Stop};
use super::{blobs, decode, events, people};
use crate::columns::FILE_COLUMNS;
use crate::rows::RowError;

/// Files on their way.
pub(super) struct Commit<'u> {
    pub(super) cx: &'u Context,
    pub(super) hook: Option<&'u dyn EventHook>,
    pub(super) files: &'u NewFiles,
    /// Whose authority the bytes came in on.
    pub(super) uploaded_by: Option<PrincipalSeq>,
    /// A blob that the same transaction will give up, to be locked with the others.
    pub(super) staging: Option<BlobId>,
}

impl Commit<'_> {
    /// Commits the files in order. What was written before a refusal is undone by the caller.
    pub(super) async fn run(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Vec<CommittedFile>, Stop<Refusal>> {
        let key = self.files.idempotency_key.as_ref();
        if let Some(key) = key {
            self.refuse_repetition(connection, key).await?;
        }
        let people = self.people(connection).await?;
        self.lock_blobs(connection).await?;
        let mut committed = Vec::with_capacity(people.len());
        for ((file, person), index) in self.files.files.iter().zip(people).zip(0_i64..) {
            let request = key.map(|key| (key, index));
            let done = self.commit_file(connection, file, person, request).await?;
            committed.push(done);
        }
        Ok(committed)
    }

    async fn refuse_repetition(
        &self,
        connection: &mut PgConnection,
        key: &IdempotencyKey,
    ) -> Result<(), Stop<Refusal>> {
        if key.as_str().contains('\0') {
            return Err(Failure::NotStorable("request_key").into());
        }
        let sql = "SELECT 1 FROM files WHERE tenant_id = $1 AND request_key = $2 LIMIT 1";
        let query = sqlx::query(sql)
            .bind(self.cx.tenant().get())
            .bind(key.as_str().to_owned());
        match query.fetch_optional(connection).await? {
            Some(_) => Err(Refusal::RequestRepeated.into()),
            None => Ok(()),
        }
    }

    /// Finds or registers the person of each file, in an order that is the same for every upload.
    async fn people(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Vec<Option<Person>>, Stop<Refusal>> {
        let files = &self.files.files;
        let mut found = vec![None; files.len()];
        let mut order: Vec<_> = files.iter().zip(&mut found).collect();
        order.sort_by_key(|(file, _)| match &file.person {
            Some(attache_model::PersonRef::Identifier(it)) => it.as_str(),
            _ => "",
        });
        for (file, person) in order {
            if let Some(asked) = &file.person {
                let new_id = file.new_person_id;
                let it = people::find_or_register(connection, self.cx, asked, new_id).await?;
                *person = Some(it);
            }
        }
        Ok(found)
    }

    /// Locks every blob the upload may touch, by id: its own and those with the same bytes.
    ///
    /// Its own in whatever state they are: whoever comes later to find out what became of this
    /// transaction waits for it at these rows.
    async fn lock_blobs(&self, connection: &mut PgConnection) -> Result<(), Failure> {
        let files = &self.files.files;
        let (mut digests, mut sizes) = (Vec::new(), Vec::new());
        for file in files {
            digests.push(file.facts.sha256.as_bytes().to_vec());
            sizes.push(integer("size_bytes", file.facts.size_bytes)?);
        }
        let sql = "SELECT blobs.id FROM unnest($2::bytea[], $3::bigint[]) AS bytes (sha256, size) \
            JOIN blobs ON blobs.tenant_id = $1 AND blobs.sha256 = bytes.sha256 \
                AND blobs.size_bytes = bytes.size AND blobs.state IN ('live', 'condemned')";
        let query = sqlx::query(sql)
            .bind(self.cx.tenant().get())
            .bind(digests)
            .bind(sizes);
        let equal = query.fetch_all(&mut *connection).await?;
        let own = files.iter().map(|file| file.blob).chain(self.staging);
        let own = own.map(|blob| Ok(blob.as_uuid()));
        let equal = equal.iter().map(|row| Ok(row.try_get(0)?));
        let ids = own.chain(equal).collect::<Result<Vec<Uuid>, Failure>>()?;
        blobs::lock(connection, self.cx.tenant(), ids).await?;
        Ok(())
    }

    async fn commit_file(
        &self,
        connection: &mut PgConnection,
        file: &NewFile,
        person: Option<Person>,
        request: Option<(&IdempotencyKey, i64)>,
    ) -> Result<CommittedFile, Stop<Refusal>> {
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
        events::tell(connection, self.hook, self.cx, kind, &record).await?;
        Ok(CommittedFile {
            record,
            deduplicated: false,
        })
    }

    /// Decides which blob a record refers to, locks it and makes it live: one with the same bytes
    /// where the tenant has it, else the upload's own.
    async fn acquire_blob(
        &self,
        connection: &mut PgConnection,
        file: &NewFile,
    ) -> Result<BlobId, Stop<Refusal>> {
        let sql = "UPDATE blobs SET state = 'live' WHERE tenant_id = $1 AND sha256 = $2 \
            AND size_bytes = $3 AND state IN ('live', 'condemned') RETURNING id";
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
            blobs::give_up(connection, tenant, file.blob, file.lease).await?;
        }
        Ok(existing)
    }

    /// Where another transaction makes the same bytes live at this moment, this fails at the unique
    /// index once that one is committed; made again, it finds the other's.
    async fn promote_own_blob(
        &self,
        connection: &mut PgConnection,
        file: &NewFile,
    ) -> Result<(), Stop<Refusal>> {
        let sql = "UPDATE blobs SET state = 'live', lease_token = NULL, lease_until = NULL, \
            size_bytes = $4, sha256 = $5, format = $6, stored_bytes = $7, wrapped_key = $8 \
            WHERE tenant_id = $1 AND id = $2 AND state = 'staging' AND lease_token = $3 \
            AND lease_until > database_clock()";
        let facts = &file.facts;
        let promoted = sqlx::query(sql)
            .bind(self.cx.tenant().get())
            .bind(file.blob.as_uuid())
            .bind(file.lease.as_uuid())
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

    /// Finds the oldest record that an identical upload may be answered with, and locks it: nobody
    /// claims it before this upload is committed.
    async fn find_equal(
        &self,
        connection: &mut PgConnection,
        file: &NewFile,
        blob: BlobId,
        person: Option<&Person>,
    ) -> Result<Option<FileRecord>, Failure> {
        // `IS NOT DISTINCT FROM` would keep the index from being used; the sum keeps the one by
        // `seq` from being walked in search of the first match.
        let is_theirs = person.map_or(
            "$4::uuid IS NULL AND person_id IS NULL",
            |_| "person_id = $4",
        );
        let is_of_category = match &file.category {
            Some(_) => "category = $5",
            None => "$5::text IS NULL AND category IS NULL",
        };
        let sql = format!(
            "SELECT {FILE_COLUMNS} FROM files WHERE tenant_id = $1 AND blob_id = $2 \
            AND used = false AND archived = false AND visibility = $3 \
            AND content_type = $6 AND {is_theirs} AND {is_of_category} \
            ORDER BY seq + 0 LIMIT 1 FOR NO KEY UPDATE OF files"
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(self.cx.tenant().get())
            .bind(blob.as_uuid())
            .bind(file.visibility.as_str())
            .bind(person.map(|person| person.id.as_uuid()))
            .bind(file.category.as_ref().map(|it| it.as_str().to_owned()))
            .bind(file.content_type.as_str())
            .fetch_optional(connection)
            .await?;
        row.as_ref().map(decode::file).transpose()
    }

    /// Writes the record under the first moment, from now on, at which its key is free.
    async fn insert(
        &self,
        connection: &mut PgConnection,
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
        connection: &mut PgConnection,
        row: NewRow<'_>,
    ) -> Result<Option<FileRecord>, Failure> {
        let sql = format!(
            "INSERT INTO files (id, tenant_id, blob_id, person_id, category, name, filename, \
            description, content_type, size_bytes, sha256, visibility, key, uploaded_by, \
            created_at, updated_at, held_at, request_key, request_index) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, \
            $17, $18) ON CONFLICT (tenant_id, key) DO NOTHING RETURNING {FILE_COLUMNS}"
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
    i64::try_from(value).map_err(|_| Failure::NotStorable(column))
}
