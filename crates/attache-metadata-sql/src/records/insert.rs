//! Writing a new record, under a key that is free.

use std::time::Duration;

use attache_metadata::{IdempotencyKey, NewFile};
use attache_model::{
    BlobId, Category, Context, Description, FileRecord, ObjectKey, Person, PrincipalSeq, Timestamp,
};

use crate::columns::{Columns, FILE_COLUMNS};
use crate::failure::{Failure, RowError};
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

/// Writes the record under a timestamp, from now on, at which its key is free: now, or behind the last
/// record of the same name. Of many records with one name, none searches through those before it.
pub(super) async fn insert<S: Session>(
    session: &mut S,
    new: &NewRecord<'_>,
) -> Result<FileRecord, Failure> {
    let mut created_at = new.cx.now();
    loop {
        if let Some(record) = try_insert(session, new, created_at).await? {
            return Ok(record);
        }
        let last = last_of_name(session, new, created_at).await?;
        let later = last.unwrap_or(created_at).plus(Duration::from_millis(1));
        if later <= created_at {
            return Err(RowError::Column("created_at").into());
        }
        created_at = later;
    }
}

/// Returns the last timestamp, from `taken` on, of the records whose keys differ by nothing else. The
/// keys themselves are asked, in their order: a record keeps its key when it is renamed.
async fn last_of_name<S: Session>(
    session: &mut S,
    new: &NewRecord<'_>,
    taken: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let NewRecord { file, person, .. } = new;
    let key = |at| ObjectKey::compose(person.as_ref(), file.category.as_ref(), at, &file.filename);
    let (from, last) = (key(taken), key(Timestamp::from_millis(i64::MAX)));
    let sql = "SELECT created_at FROM files WHERE tenant_id = $1 AND key >= $2 AND key < $3 \
        AND filename = $4 ORDER BY key DESC LIMIT 1";
    let statement = Statement::new(sql)
        .bind(new.cx.tenant().get())
        .bind(from.as_str())
        .bind(last.as_str())
        .bind(file.filename.as_str());
    let read = |row: &dyn Columns| Ok(Timestamp::from_millis(row.integer(0)?));
    session.optional(statement, read).await
}

/// Writes the record unless its key is taken.
async fn try_insert<S: Session>(
    session: &mut S,
    new: &NewRecord<'_>,
    created_at: Timestamp,
) -> Result<Option<FileRecord>, Failure> {
    let sql = format!(
        "INSERT INTO files (id, tenant_id, blob_id, person_id, category, name, filename, \
        description, content_type, size_bytes, sha256, visibility, key, uploaded_by, \
        created_at, updated_at, held_at, request_key, request_index) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15, $16, \
        $17, $18) ON CONFLICT (tenant_id, key) DO NOTHING RETURNING {FILE_COLUMNS}"
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
        .bind(new.request.map(|(_, index)| index));
    session.optional(statement, rows::file).await
}
