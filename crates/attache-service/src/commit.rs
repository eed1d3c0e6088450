//! The last step of every upload, whichever way its bytes arrived: inspect, check the copy that
//! is there already, then describe what the repository is to commit.

use attache_metadata::NewFile;
use attache_model::{Context, DisplayName, FileId, PersonId};

use crate::lease::LeaseRenewer;
use crate::service::Parts;
use crate::staging::Staged;
use crate::{ServiceError, StagedFile, UploadFields, Verdict};

/// Keeps the leases alive from here on without flowing bytes, and returns the context to commit in.
///
/// A record is dated by its commit, however long its bytes took: a client that asks for records after
/// a timestamp must not miss one that was in flight at that time.
pub(crate) fn begin_commit(parts: &Parts, cx: &Context, renewer: &LeaseRenewer) -> Context {
    renewer.activity.set_processing(true);
    cx.at(parts.clock.now())
}

/// Inspects a staged file, checks the copy that it may share, and returns what the repository is to commit of it.
pub(crate) async fn prepare(
    parts: &Parts,
    cx: &Context,
    file: &Staged,
    fields: &UploadFields,
) -> Result<NewFile, ServiceError> {
    let held = inspect(parts, cx, file, fields).await?;
    parts.check_kept_copy(cx, &file.facts).await?;
    Ok(NewFile {
        id: FileId::generate(cx.now(), parts.entropy.as_ref()),
        blob: file.reservation.blob,
        lease: file.reservation.lease,
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

/// Runs the inspector, if there is one. Returns `true` if the bytes are to be withheld.
async fn inspect(
    parts: &Parts,
    cx: &Context,
    file: &Staged,
    fields: &UploadFields,
) -> Result<bool, ServiceError> {
    let Some(inspector) = &parts.inspector else {
        return Ok(false);
    };
    let staged = StagedFile {
        filename: file.filename.clone(),
        content_type: file.content_type.clone(),
        facts: file.facts.clone(),
        person: fields.person.clone(),
        category: fields.category.clone(),
        key: file.reservation.key.clone(),
        store: parts.store.clone(),
    };
    match inspector.inspect(cx, &staged).await? {
        Verdict::Accept => Ok(false),
        Verdict::Hold => Ok(true),
        Verdict::Refuse(reason) => Err(ServiceError::Refused {
            filename: file.filename.to_string(),
            reason,
        }),
    }
}
