//! The commit of an upload: people, blobs and records, all of them or none.

use std::sync::Arc;

use attache_metadata::{
    CommittedFile, EventHook, FileEventKind, IdempotencyKey, NewFile, NewFiles, Refusal,
};
use attache_model::{BlobId, Context, FileRecord, Person, PersonRef, PrincipalSeq};

use super::insert::{self, NewRecord};
use super::{events, people, repair};
use crate::columns::{BY_SEQ, Columns, FILE_COLUMNS};
use crate::failure::{Failure, Stop};
use crate::leases;
use crate::rows;
use crate::session::{BlobLocks, Session, Statement, integer};

/// Files to commit.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) cx: Context,
    pub(crate) hook: Option<Arc<dyn EventHook>>,
    pub(crate) upload: NewFiles,
}

impl Commit {
    /// Commits the files in order, uploaded by a principal. What was written before a refusal is
    /// undone by the caller. `staging` is a blob that the same transaction will give up: it is locked
    /// with the others.
    pub(crate) async fn run<S: Session>(
        &self,
        session: &mut S,
        uploaded_by: Option<PrincipalSeq>,
        staging: Option<BlobId>,
    ) -> Result<Vec<CommittedFile>, Stop<Refusal>> {
        let key = self.upload.idempotency_key.as_ref();
        if let Some(key) = key {
            self.refuse_repetition(session, key).await?;
        }
        let people = self.people(session).await?;
        self.lock_blobs(session, staging).await?;
        let blobs = self.acquire_blobs(session).await?;
        let files = self.upload.files.iter().zip(blobs).zip(people);
        let mut committed = Vec::with_capacity(files.len());
        for (((file, blob), person), index) in files.zip(0_i64..) {
            let record = NewRecord {
                cx: &self.cx,
                file,
                blob,
                person,
                uploaded_by,
                request: key.map(|key| (key, index)),
            };
            committed.push(self.commit_file(session, record).await?);
        }
        Ok(committed)
    }

    async fn refuse_repetition<S: Session>(
        &self,
        session: &mut S,
        key: &IdempotencyKey,
    ) -> Result<(), Stop<Refusal>> {
        let sql = "SELECT 1 FROM files WHERE tenant_id = $1 AND request_key = $2 LIMIT 1";
        let tenant = self.cx.tenant().get();
        let statement = Statement::new(sql).bind(tenant).bind(key.as_str());
        if session.exists(statement).await? {
            return Err(Refusal::RequestRepeated.into());
        }
        Ok(())
    }

    /// Finds or registers the person of each file, in an order that is the same for every upload.
    async fn people<S: Session>(
        &self,
        session: &mut S,
    ) -> Result<Vec<Option<Person>>, Stop<Refusal>> {
        let files = &self.upload.files;
        let mut found = vec![None; files.len()];
        let mut order: Vec<_> = files.iter().zip(&mut found).collect();
        order.sort_by_key(|(file, _)| match &file.person {
            Some(PersonRef::Identifier(it)) => it.as_str(),
            _ => "",
        });
        for (file, found) in order {
            if let Some(person) = &file.person {
                let new_id = file.new_person_id;
                let person = people::find_or_register(session, &self.cx, person, new_id).await?;
                *found = Some(person);
            }
        }
        Ok(found)
    }

    /// Locks every blob the upload may touch, by id: its own and those with the same bytes.
    ///
    /// Its own in whatever state they are: a later question about the outcome of this transaction
    /// waits for it at these rows.
    async fn lock_blobs<S: Session>(
        &self,
        session: &mut S,
        staging: Option<BlobId>,
    ) -> Result<(), Failure> {
        let mut locks = BlobLocks::default();
        for file in &self.upload.files {
            let size = integer("size_bytes", file.facts.size_bytes)?;
            locks.ids.push(file.blob);
            locks.contents.push((&file.facts.sha256, size));
        }
        locks.ids.extend(staging);
        session.lock_blobs(self.cx.tenant(), locks).await
    }

    /// Acquires the blob of each file, in the order of their bytes, which is the same for every upload, and
    /// all before the first record takes its place: who waits for bytes keeps no other commit waiting.
    async fn acquire_blobs<S: Session>(
        &self,
        session: &mut S,
    ) -> Result<Vec<BlobId>, Stop<Refusal>> {
        let files = &self.upload.files;
        let mut blobs: Vec<_> = files.iter().map(|file| file.blob).collect();
        let mut order: Vec<_> = files.iter().zip(&mut blobs).collect();
        order.sort_by_key(|(file, _)| file.facts.sha256);
        for (file, blob) in order {
            *blob = self.acquire_blob(session, file).await?;
        }
        Ok(blobs)
    }

    async fn commit_file<S: Session>(
        &self,
        session: &mut S,
        new: NewRecord<'_>,
    ) -> Result<CommittedFile, Stop<Refusal>> {
        if new.file.dedup
            && let Some(record) = self.find_equal(session, &new).await?
        {
            return Ok(CommittedFile {
                record,
                deduplicated: true,
            });
        }
        let record = insert::insert(session, &new).await?;
        let kind = FileEventKind::Created;
        events::record(session, self.hook.as_deref(), &self.cx, kind, &record).await?;
        Ok(CommittedFile {
            record,
            deduplicated: false,
        })
    }

    /// Decides which blob a record refers to, locks it and makes it live: one with the same bytes
    /// where the tenant has it, else the upload's own.
    async fn acquire_blob<S: Session>(
        &self,
        session: &mut S,
        file: &NewFile,
    ) -> Result<BlobId, Stop<Refusal>> {
        let sql = "UPDATE blobs SET state = 'live' WHERE tenant_id = $1 AND sha256 = $2 \
            AND size_bytes = $3 AND state IN ('live', 'condemned') \
            RETURNING id, storage_key, fault";
        let statement = Statement::new(sql)
            .bind(self.cx.tenant().get())
            .bind(file.facts.sha256.as_bytes().as_slice())
            .bind(integer("size_bytes", file.facts.size_bytes)?);
        let read = |row: &dyn Columns| {
            let blob = BlobId::from_uuid(row.id(0)?);
            let fault = row.text_or_null(2)?;
            Ok((blob, fault.map(|_| row.text(1).map(str::to_owned))))
        };
        let Some((existing, faulty_key)) = session.optional(statement, read).await? else {
            self.promote_own_blob(session, file).await?;
            return Ok(file.blob);
        };
        if let Some(faulty_key) = faulty_key {
            repair::give_bytes(session, self.cx.tenant(), file, existing, &faulty_key?).await?;
        } else if existing != file.blob {
            leases::give_up(session, self.cx.tenant(), file.blob, file.lease).await?;
        }
        Ok(existing)
    }

    /// Makes the upload's own blob live. Where another transaction makes the same bytes live at this
    /// time, this fails at the unique index once that one is committed; made again, it finds the
    /// other's.
    async fn promote_own_blob<S: Session>(
        &self,
        session: &mut S,
        file: &NewFile,
    ) -> Result<(), Stop<Refusal>> {
        let sql = "UPDATE blobs SET state = 'live', lease_token = NULL, lease_until = NULL, \
            size_bytes = $4, sha256 = $5, format = $6, stored_bytes = $7, wrapped_key = $8 \
            WHERE tenant_id = $1 AND id = $2 AND state = 'staging' AND lease_token = $3 \
            AND lease_until > database_clock()";
        let facts = &file.facts;
        let statement = Statement::new(sql)
            .bind(self.cx.tenant().get())
            .bind(file.blob.as_uuid())
            .bind(file.lease.as_uuid())
            .bind(integer("size_bytes", facts.size_bytes)?)
            .bind(facts.sha256.as_bytes().as_slice())
            .bind(i64::from(facts.format))
            .bind(integer("stored_bytes", facts.stored_bytes)?)
            .bind(facts.wrapped_key.as_deref());
        if session.execute(statement).await? == 1 {
            Ok(())
        } else {
            Err(Refusal::LeaseLost.into())
        }
    }

    /// Finds the oldest record that an identical upload may return, and locks it: nobody claims it
    /// before this upload is committed.
    async fn find_equal<S: Session>(
        &self,
        session: &mut S,
        new: &NewRecord<'_>,
    ) -> Result<Option<FileRecord>, Failure> {
        let file = new.file;
        let mut statement = Statement::new("")
            .bind(self.cx.tenant().get())
            .bind(new.blob.as_uuid())
            .bind(file.visibility.as_str())
            .bind(file.content_type.as_str());
        // `IS NOT DISTINCT FROM` would keep Postgres from using the index.
        let person = match &new.person {
            Some(person) => format!("= {}", statement.parameter(person.id.as_uuid())),
            None => "IS NULL".to_owned(),
        };
        let category = match &file.category {
            Some(category) => format!("= {}", statement.parameter(category.as_str())),
            None => "IS NULL".to_owned(),
        };
        let lock = S::lock("FOR NO KEY UPDATE OF files");
        statement.push(&format!(
            "SELECT {FILE_COLUMNS} FROM files WHERE tenant_id = $1 AND blob_id = $2 \
            AND used = false AND archived = false AND visibility = $3 AND content_type = $4 \
            AND person_id {person} AND category {category} ORDER BY {BY_SEQ} LIMIT 1 {lock}"
        ));
        session.optional(statement, rows::file).await
    }
}
