//! What every upload does last, whichever way its bytes came: inspecting them, and saying what the
//! repository is to commit.

use std::sync::atomic::Ordering;

use attache_metadata::NewFile;
use attache_model::{Context, DisplayName, FileId, PersonId};

use crate::inspect::inspect;
use crate::service::Parts;
use crate::staging::{LeaseKeeper, Staged};
use crate::{ServiceError, UploadFields};

/// Keeps the leases from here on without bytes that flow, and answers the context to commit in.
///
/// A record is as old as its commit, however long its bytes took: whoever asks for what came after a
/// moment must not miss what was on its way then.
pub(crate) fn begin_commit(parts: &Parts, cx: &Context, keeper: &LeaseKeeper) -> Context {
    keeper.activity.store_is_busy.store(true, Ordering::Relaxed);
    cx.at(parts.clock.now())
}

/// Inspects a staged file, and answers what the repository is to commit of it.
pub(crate) async fn prepare(
    parts: &Parts,
    cx: &Context,
    file: &Staged,
    fields: &UploadFields,
) -> Result<NewFile, ServiceError> {
    let held = inspect(parts, cx, file).await?;
    Ok(NewFile {
        id: FileId::generate(cx.now(), parts.entropy.as_ref()),
        blob: file.promise.blob,
        lease: file.promise.lease,
        facts: file.facts.clone(),
        person: fields.person.clone(),
        new_person_id: PersonId::generate(cx.now(), parts.entropy.as_ref()),
        category: fields.category.clone(),
        name: fields
            .name
            .clone()
            .unwrap_or_else(|| DisplayName::from(&file.filename)),
        filename: file.filename.clone(),
        description: fields.description.clone(),
        content_type: file.content_type.clone(),
        visibility: fields.visibility,
        dedup: fields.dedup,
        held,
    })
}
