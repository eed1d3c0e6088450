//! Pending uploads: begun, found, and completed into records.

use std::time::Duration;

use attache_model::{
    Actor, BlobId, Category, Context, Description, DisplayName, FileId, FileRecord, Filename,
    MediaType, PersonId, PersonRef, Revision, Upload, UploadState, Visibility,
};

use super::world::{
    CheckResult, HOUR, Problem, World, accepted, digest, ensure, ensure_eq, is_deleted, person,
    refused, storage_key,
};
use crate::{BlobIntent, LeaseToken, NewFile, NewUpload, Refusal, StagingBlob, StoredUpload};

/// Describes an upload whose bytes come through the service.
pub(super) fn new_upload(world: &World, cx: &Context) -> Result<NewUpload, Problem> {
    Ok(NewUpload {
        id: FileId::generate(cx.now(), &world.random),
        person: None,
        category: None,
        name: None,
        filename: Filename::parse("report.pdf")?,
        description: None,
        content_type: MediaType::parse("application/pdf")?,
        size_bytes: None,
        sha256: None,
        visibility: Visibility::Private,
        expires_at: cx.now().plus(HOUR),
        staging: None,
    })
}

/// Describes an upload whose client writes the bytes into the store.
pub(super) fn new_staged_upload(
    world: &World,
    cx: &Context,
    lease_for: Duration,
) -> Result<NewUpload, Problem> {
    let blob = BlobId::generate(cx.now(), &world.random);
    let staging = BlobIntent {
        id: blob,
        storage_key: storage_key(cx, blob),
        lease: LeaseToken::generate(&world.random),
        lease_for,
    };
    Ok(NewUpload {
        staging: Some(staging),
        ..new_upload(world, cx)?
    })
}

pub(super) fn staging_of(new: &NewUpload) -> Result<StagingBlob, Problem> {
    let intent = new.staging.as_ref();
    let intent = intent.ok_or_else(|| Problem::new("the upload has no staging blob"))?;
    Ok(StagingBlob {
        id: intent.id,
        storage_key: intent.storage_key.clone(),
        lease: intent.lease,
    })
}

pub(super) async fn begin(world: &World, cx: &Context, new: NewUpload) -> Result<Upload, Problem> {
    accepted(world.repository().begin_upload(cx, &new).await)
}

pub(super) async fn find(world: &World, cx: &Context, id: FileId) -> Result<StoredUpload, Problem> {
    let found = world.repository().find_upload(cx, id).await?;
    found.ok_or_else(|| Problem::new(format!("the upload {id} is not found")))
}

pub(super) async fn complete(
    world: &World,
    cx: &Context,
    id: FileId,
    file: &NewFile,
) -> Result<FileRecord, Problem> {
    accepted(world.repository().complete_upload(cx, id, file).await)
}

/// Counts the tasks to delete this blob that the reaper gets from now on.
pub(super) async fn count_deletions(world: &World, blob: BlobId) -> Result<usize, Problem> {
    let tasks = world.reapable().await?;
    let count = tasks.iter().filter(|task| task.id == blob).count();
    ensure!(
        count == 0 || is_deleted(&tasks, blob),
        "a staging blob is purged, not deleted"
    );
    Ok(count)
}

pub(super) async fn uploads_are_found_as_they_were_begun(world: &World) -> CheckResult {
    let cx = world.context(&world.tenant("north").await?);
    let new = NewUpload {
        person: Some(person("PT-1")?),
        category: Some(Category::parse("images")?),
        name: Some(DisplayName::parse("Naïve — “scan”")?),
        filename: Filename::parse("scan (1).pdf")?,
        description: Some(Description::parse("two\nlines")?),
        content_type: MediaType::parse("text/plain; charset=utf-8")?,
        size_bytes: Some(7),
        sha256: Some(digest("announced")),
        visibility: Visibility::Public,
        ..new_staged_upload(world, &cx, HOUR)?
    };
    let upload = begin(world, &cx, new.clone()).await?;
    let expected = Upload {
        id: new.id,
        tenant: cx.tenant(),
        person: new.person.clone(),
        category: new.category.clone(),
        name: new.name.clone(),
        filename: new.filename.clone(),
        description: new.description.clone(),
        content_type: new.content_type.clone(),
        size_bytes: new.size_bytes,
        sha256: new.sha256,
        visibility: new.visibility,
        created_by: cx.principal_seq(),
        offset_bytes: 0,
        created_at: cx.now(),
        expires_at: new.expires_at,
        completed_at: None,
    };
    ensure_eq!(upload, expected, "the upload that was begun");
    let stored = find(world, &cx, new.id).await?;
    ensure_eq!(stored.upload, expected, "the upload found");
    let staging = staging_of(&new)?;
    ensure_eq!(stored.staging, Some(staging.clone()), "its staging blob");
    let renewed = world
        .repository()
        .renew_lease(&cx, staging.id, staging.lease, HOUR);
    ensure!(renewed.await?, "the lease of the staging blob is not held");
    let registered = world
        .repository()
        .find_person(&cx, &person("PT-1")?)
        .await?;
    ensure_eq!(registered, None, "a person named by a pending upload");

    let plain = begin(world, &cx, new_upload(world, &cx)?).await?;
    let stored = find(world, &cx, plain.id).await?;
    ensure_eq!(stored.upload, plain, "a plain upload found");
    ensure_eq!(stored.staging, None, "the staging blob of a plain upload");
    let file = world.repository().find_file(&cx, plain.id).await?;
    ensure_eq!(file, None, "the record of an upload that is pending");
    let unknown = FileId::generate(cx.now(), &world.random);
    let unknown = world.repository().find_upload(&cx, unknown).await?;
    ensure_eq!(unknown, None, "an unknown upload");
    Ok(())
}

pub(super) async fn unknown_people_are_refused(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let stranger = PersonRef::Id(PersonId::generate(cx.now(), &world.random));
    let new = NewUpload {
        person: Some(stranger.clone()),
        ..new_staged_upload(world, &cx, HOUR)?
    };
    let attempt = repository.begin_upload(&cx, &new).await;
    refused(
        attempt,
        &Refusal::UnknownPerson,
        "an upload about an unknown person",
    )?;
    let kept = repository.find_upload(&cx, new.id).await?;
    ensure_eq!(kept, None, "an upload that was refused");
    let key = staging_of(&new)?.storage_key;
    let known = repository.knows_storage_key(&key).await?;
    ensure!(!known, "the staging blob of a refused upload is known");

    let upload = begin(world, &cx, new_upload(world, &cx)?).await?;
    let mut file = world.draft(&cx, "about nobody").await?;
    file.person = Some(stranger);
    let attempt = repository.complete_upload(&cx, upload.id, &file).await;
    refused(
        attempt,
        &Refusal::UnknownPerson,
        "a completion about an unknown person",
    )?;
    let known = PersonRef::Id(file.new_person_id);
    file.person = Some(person("PT-1")?);
    complete(world, &cx, upload.id, &file).await?;
    let again = NewUpload {
        person: Some(known.clone()),
        ..new_upload(world, &cx)?
    };
    let upload = begin(world, &cx, again).await?;
    ensure_eq!(
        upload.person,
        Some(known),
        "a person who has been registered since"
    );
    Ok(())
}

pub(super) async fn uploads_become_records(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let upload = begin(world, &cx, new_upload(world, &cx)?).await?;
    // The bearer of the link, who is no principal, completes it.
    let request_id = cx.request_id().clone();
    let bearer = Context::for_bearer(cx.tenant(), Actor::LinkBearer, request_id, world.now());
    let mut file = world.draft(&bearer, "sent").await?;
    file.person = Some(person("PT-1")?);
    file.content_type = MediaType::parse("image/png")?;
    let record = complete(world, &bearer, upload.id, &file).await?;
    ensure_eq!(record.id, upload.id, "the id of an upload's record");
    ensure_eq!(
        record.uploaded_by,
        upload.created_by,
        "the principal that uploaded it"
    );
    ensure_eq!(record.created_at, bearer.now(), "the time of the commit");
    ensure_eq!(record.content_type, file.content_type, "the type");
    ensure_eq!(record.sha256, file.facts.sha256, "the digest");
    let about = record.person.as_ref().map(|person| person.id);
    ensure_eq!(about, Some(file.new_person_id), "the person registered");
    let stored = world.stored(&cx, upload.id).await?;
    ensure_eq!(stored.record, record, "the record found");
    ensure_eq!(stored.blob.id, file.blob, "the blob of the record");
    let other = world.repository().find_file(&cx, file.id).await?;
    ensure_eq!(other, None, "a record under the file's own id");

    let after = find(world, &cx, upload.id).await?.upload;
    let expected = Upload {
        completed_at: Some(bearer.now()),
        ..upload
    };
    ensure_eq!(after, expected, "the upload after its completion");
    let state = after.state(after.expires_at);
    ensure_eq!(state, UploadState::Completed, "its state after its expiry");
    Ok(())
}

pub(super) async fn uploads_complete_once(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let upload = begin(world, &cx, new_upload(world, &cx)?).await?;
    let first = world.draft(&cx, "first").await?;
    let record = complete(world, &cx, upload.id, &first).await?;
    let later = world.context(&tenancy);
    let second = world.draft(&later, "second").await?;
    let attempt = repository.complete_upload(&later, upload.id, &second);
    let complete = Refusal::UploadCompleted;
    refused(attempt.await, &complete, "a second completion")?;
    let renewed = repository.renew_lease(&later, second.blob, second.lease, HOUR);
    ensure!(renewed.await?, "a refused completion ended a lease");
    let attempt = repository.cancel_upload(&later, upload.id).await;
    refused(attempt, &complete, "a cancellation after completion")?;
    let stored = world.stored(&cx, upload.id).await?.record;
    ensure_eq!(stored, record, "the record after the second completion");
    let at = find(world, &cx, upload.id).await?.upload.completed_at;
    ensure_eq!(at, Some(cx.now()), "the time of the completion");
    // Deleting the record does not open the upload again.
    accepted(repository.delete_file(&later, upload.id, None).await)?;
    let attempt = repository.complete_upload(&later, upload.id, &second).await;
    refused(
        attempt,
        &Refusal::NotFound,
        "a completion after the record's deletion",
    )
}

pub(super) async fn deleting_a_record_deletes_its_upload(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let [deleted, pending] = [
        begin(world, &cx, new_upload(world, &cx)?).await?,
        begin(world, &cx, new_upload(world, &cx)?).await?,
    ];
    let file = world.draft(&cx, "personal").await?;
    let record = complete(world, &cx, deleted.id, &file).await?;
    let attempt = repository.delete_file(&cx, pending.id, None).await;
    refused(
        attempt,
        &Refusal::NotFound,
        "the deletion of a pending upload",
    )?;
    let stale = Some(Revision::new(record.revision.get() + 1));
    let current = record.revision;
    let attempt = repository.delete_file(&cx, deleted.id, stale).await;
    let mismatch = Refusal::RevisionMismatch { current };
    refused(attempt, &mismatch, "a deletion of another revision")?;
    find(world, &cx, deleted.id).await?;

    accepted(repository.delete_file(&cx, deleted.id, None).await)?;
    let kept = repository.find_upload(&cx, deleted.id).await?;
    ensure_eq!(kept, None, "the upload of a deleted record");
    let kept = find(world, &cx, pending.id).await?.upload;
    ensure_eq!(kept, pending, "an upload that is still pending");
    Ok(())
}

pub(super) async fn refusals_leave_an_upload_pending(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let new = new_staged_upload(world, &cx, HOUR)?;
    let staging = staging_of(&new)?;
    let upload = begin(world, &cx, new).await?;
    let mut late = world
        .draft_leased(&cx, "late", world.short_duration)
        .await?;
    late.person = Some(person("PT-1")?);
    world.advance_past_short().await;
    let attempt = repository.complete_upload(&cx, upload.id, &late).await;
    refused(
        attempt,
        &Refusal::LeaseLost,
        "a completion with an ended lease",
    )?;
    let mut stranger = world.draft(&cx, "stranger").await?;
    stranger.person = Some(PersonRef::Id(PersonId::generate(cx.now(), &world.random)));
    let attempt = repository.complete_upload(&cx, upload.id, &stranger).await;
    refused(
        attempt,
        &Refusal::UnknownPerson,
        "a completion about an unknown person",
    )?;

    let after = find(world, &cx, upload.id).await?.upload;
    ensure_eq!(after, upload, "the upload after refused completions");
    let file = repository.find_file(&cx, upload.id).await?;
    ensure_eq!(file, None, "the record of a refused completion");
    let registered = repository.find_person(&cx, &person("PT-1")?).await?;
    ensure_eq!(registered, None, "a person named by a refused completion");
    let count = count_deletions(world, staging.id).await?;
    ensure_eq!(
        count,
        0,
        "deletions of the staging blob of a pending upload"
    );
    stranger.person = None;
    let record = complete(world, &cx, upload.id, &stranger).await?;
    ensure_eq!(record.id, upload.id, "the record of the last completion");
    Ok(())
}

pub(super) async fn equal_bytes_of_uploads_are_stored_once(world: &World) -> CheckResult {
    let cx = world.context(&world.tenant("north").await?);
    let existing = world.file(&cx, "equal").await?;
    let blob = world.stored(&cx, existing.id).await?.blob.id;
    let upload = begin(world, &cx, new_upload(world, &cx)?).await?;
    let mut file = world.draft(&cx, "equal").await?;
    file.dedup = true;
    let record = complete(world, &cx, upload.id, &file).await?;
    ensure_eq!(record.id, upload.id, "the record of an upload");
    let shared = world.stored(&cx, upload.id).await?.blob.id;
    ensure_eq!(shared, blob, "the blob of an upload with known bytes");
    let count = count_deletions(world, file.blob).await?;
    ensure_eq!(count, 1, "deletions of the redundant copy");
    Ok(())
}

pub(super) async fn foreign_uploads_are_not_found(world: &World) -> CheckResult {
    let repository = world.repository();
    let north = world.context(&world.tenant("north").await?);
    let south = world.context(&world.tenant("south").await?);
    let new = new_staged_upload(world, &north, HOUR)?;
    let staging = staging_of(&new)?;
    let upload = begin(world, &north, new).await?;
    let foreign = repository.find_upload(&south, upload.id).await?;
    ensure_eq!(foreign, None, "a foreign upload");
    let file = world.draft(&south, "not theirs").await?;
    let attempt = repository.complete_upload(&south, upload.id, &file).await;
    let unknown = Refusal::NotFound;
    refused(attempt, &unknown, "the completion of a foreign upload")?;
    let attempt = repository.cancel_upload(&south, upload.id).await;
    refused(attempt, &unknown, "the cancellation of a foreign upload")?;
    let count = count_deletions(world, staging.id).await?;
    ensure_eq!(count, 0, "deletions of a staging blob after foreign calls");
    let after = find(world, &north, upload.id).await?.upload;
    ensure_eq!(after, upload, "an upload after another tenant tried");

    let mut file = world.draft(&north, "ours").await?;
    file.person = Some(person("PT-1")?);
    complete(world, &north, upload.id, &file).await?;
    let about_ours = NewUpload {
        person: Some(PersonRef::Id(file.new_person_id)),
        ..new_upload(world, &south)?
    };
    let attempt = repository.begin_upload(&south, &about_ours).await;
    refused(
        attempt,
        &Refusal::UnknownPerson,
        "an upload about a foreign person",
    )
}
