//! Writing a new record.

use attache_metadata::{IdempotencyKey, NewFile};
use attache_model::{
    BlobId, Category, Context, Description, FileRecord, ObjectKey, Person, PrincipalSeq,
};

use super::places::{self, Place};
use crate::columns::FILE_COLUMNS;
use crate::failure::Failure;
use crate::rows;
use crate::session::{Session, Statement, integer};

/// A record to insert.
pub(super) struct NewRecord<'r> {
    pub(super) cx: &'r Context,
    pub(super) file: &'r NewFile,
    pub(super) blob: BlobId,
    pub(super) person: Option<Person>,
    pub(super) uploaded_by: Option<PrincipalSeq>,
    pub(super) request: Option<(&'r IdempotencyKey, i64)>,
}

/// Writes the record at the next place of its tenant. No other record has its key: no other was created at
/// that time.
pub(super) async fn insert<S: Session>(
    session: &mut S,
    new: &NewRecord<'_>,
) -> Result<FileRecord, Failure> {
    let Place { seq, created_at } = places::take(session, new.cx.tenant(), new.cx.now()).await?;
    let sql = format!(
        "INSERT INTO files (id, tenant_id, blob_id, person_id, category, name, filename, \
        description, content_type, size_bytes, sha256, visibility, key, uploaded_by, \
        created_at, updated_at, held_at, request_key, request_index, seq) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, \
        $17, $18, $19) RETURNING {FILE_COLUMNS}"
    );
    let NewRecord { file, person, .. } = new;
    let category = file.category.as_ref();
    let key = ObjectKey::compose(person.as_ref(), category, created_at, &file.filename);
    let statement = Statement::new(sql)
        .bind(file.id.as_uuid())
        .bind(new.cx.tenant().get())
        .bind(new.blob.as_uuid())
        .bind(person.as_ref().map(|person| person.id.as_uuid()))
        .bind(category.map(Category::as_str))
        .bind(file.name.as_str())
        .bind(file.filename.as_str())
        .bind(file.description.as_ref().map(Description::as_str))
        .bind(file.content_type.as_str())
        .bind(integer("size_bytes", file.facts.size_bytes)?)
        .bind(file.facts.sha256.as_bytes().as_slice())
        .bind(file.visibility.as_str())
        .bind(key.as_str())
        .bind(new.uploaded_by.map(PrincipalSeq::get))
        .bind(created_at.as_millis())
        .bind(file.held.then_some(created_at.as_millis()))
        .bind(new.request.map(|(key, _)| key.as_str()))
        .bind(new.request.map(|(_, index)| index))
        .bind(seq.get());
    session.one(statement, rows::file).await
}
