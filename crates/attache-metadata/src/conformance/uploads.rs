//! Uploads: promised, and made into records.

use std::time::Duration;

use attache_model::{
    Actor, BlobId, Category, Context, Description, DisplayName, FileId, FileRecord, Filename,
    MediaType, PersonId, PersonRef, Revision, Upload, UploadState, Visibility,
};

use super::world::{
    LONG, Outcome, Problem, World, digest, ensure, ensure_eq, is_deleted, made, person, refused,
    storage_key,
};
use crate::{BlobIntent, LeaseToken, NewFile, NewUpload, Refusal, StagingBlob, StoredUpload};

/// A plain promise whose bytes come through the service.
pub(super) fn promise(world: &World, cx: &Context) -> Result<NewUpload, Problem> {
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
        expires_at: cx.now().plus(LONG),
        staging: None,
    })
}

/// A plain promise whose client writes the bytes itself.
pub(super) fn staged_promise(
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
        ..promise(world, cx)?
    })
}

pub(super) fn staging_of(promise: &NewUpload) -> Result<StagingBlob, Problem> {
    let intent = promise.staging.as_ref();
    let intent = intent.ok_or_else(|| Problem::new("the promise has no staging blob"))?;
    Ok(StagingBlob {
        id: intent.id,
        storage_key: intent.storage_key.clone(),
        lease: intent.lease,
    })
}

pub(super) async fn begun(
    world: &World,
    cx: &Context,
    promise: NewUpload,
) -> Result<Upload, Problem> {
    made(world.repository().begin_upload(cx, &promise).await)
}

pub(super) async fn found(
    world: &World,
    cx: &Context,
    id: FileId,
) -> Result<StoredUpload, Problem> {
    let found = world.repository().find_upload(cx, id).await?;
    found.ok_or_else(|| Problem::new(format!("the upload {id} is not found")))
}

pub(super) async fn completed(
    world: &World,
    cx: &Context,
    id: FileId,
    file: &NewFile,
) -> Result<FileRecord, Problem> {
    made(world.repository().complete_upload(cx, id, file).await)
}

/// How often the reaper is told, from now on, to delete this blob.
pub(super) async fn deletions(world: &World, blob: BlobId) -> Result<usize, Problem> {
    let tasks = world.reapable().await?;
    let told = tasks.iter().filter(|task| task.id == blob).count();
    ensure!(
        told == 0 || is_deleted(&tasks, blob),
        "a staging blob is purged, not deleted"
    );
    Ok(told)
}

pub(super) async fn uploads_are_found_as_they_were_promised(world: &World) -> Outcome {
    let cx = world.context(&world.tenant("north").await?);
    let promise = NewUpload {
        person: Some(person("PT-1")?),
        category: Some(Category::parse("images")?),
        name: Some(DisplayName::parse("Naïve — «scan»")?),
        filename: Filename::parse("scan (1).pdf")?,
        description: Some(Description::parse("two\nlines")?),
        content_type: MediaType::parse("text/plain; charset=utf-8")?,
        size_bytes: Some(7),
        sha256: Some(digest("promised")),
        visibility: Visibility::Public,
        ..staged_promise(world, &cx, LONG)?
    };
    let upload = begun(world, &cx, promise.clone()).await?;
    let expected = Upload {
        id: promise.id,
        tenant: cx.tenant(),
        person: promise.person.clone(),
        category: promise.category.clone(),
        name: promise.name.clone(),
        filename: promise.filename.clone(),
        description: promise.description.clone(),
        content_type: promise.content_type.clone(),
        size_bytes: promise.size_bytes,
        sha256: promise.sha256,
        visibility: promise.visibility,
        created_by: cx.principal_seq(),
        offset_bytes: 0,
        created_at: cx.now(),
        expires_at: promise.expires_at,
        completed_at: None,
    };
    ensure_eq!(upload, expected, "the upload that was begun");
    let stored = found(world, &cx, promise.id).await?;
    ensure_eq!(stored.upload, expected, "the upload found");
    let staging = staging_of(&promise)?;
    ensure_eq!(stored.staging, Some(staging.clone()), "its staging blob");
    let renewed = world
        .repository()
        .renew_lease(&cx, staging.id, staging.lease, LONG);
    ensure!(renewed.await?, "the staging blob is not promised");
    let registered = world
        .repository()
        .find_person(&cx, &person("PT-1")?)
        .await?;
    ensure_eq!(registered, None, "a person named by a promise");

    let plain = begun(world, &cx, self::promise(world, &cx)?).await?;
    let stored = found(world, &cx, plain.id).await?;
    ensure_eq!(stored.upload, plain, "a plain upload found");
    ensure_eq!(stored.staging, None, "the staging blob of a plain upload");
    let file = world.repository().find_file(&cx, plain.id).await?;
    ensure_eq!(file, None, "the record of an upload that is pending");
    let unknown = FileId::generate(cx.now(), &world.random);
    let unknown = world.repository().find_upload(&cx, unknown).await?;
    ensure_eq!(unknown, None, "an unknown upload");
    Ok(())
}

pub(super) async fn unknown_people_are_refused(world: &World) -> Outcome {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let stranger = PersonRef::Id(PersonId::generate(cx.now(), &world.random));
    let promise = NewUpload {
        person: Some(stranger.clone()),
        ..staged_promise(world, &cx, LONG)?
    };
    let attempt = repository.begin_upload(&cx, &promise).await;
    refused(attempt, &Refusal::UnknownPerson, "a promise about nobody")?;
    let kept = repository.find_upload(&cx, promise.id).await?;
    ensure_eq!(kept, None, "an upload that was refused");
    let key = staging_of(&promise)?.storage_key;
    let known = repository.knows_storage_key(&key).await?;
    ensure!(!known, "the staging blob of a refused upload is promised");

    let upload = begun(world, &cx, self::promise(world, &cx)?).await?;
    let mut file = world.draft(&cx, "about nobody").await?;
    file.person = Some(stranger);
    let attempt = repository.complete_upload(&cx, upload.id, &file).await;
    refused(
        attempt,
        &Refusal::UnknownPerson,
        "a completion about nobody",
    )?;
    let known = PersonRef::Id(file.new_person_id);
    file.person = Some(person("PT-1")?);
    completed(world, &cx, upload.id, &file).await?;
    let again = NewUpload {
        person: Some(known.clone()),
        ..self::promise(world, &cx)?
    };
    let upload = begun(world, &cx, again).await?;
    ensure_eq!(upload.person, Some(known), "a person who is known by now");
    Ok(())
}

pub(super) async fn uploads_become_records(world: &World) -> Outcome {
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let upload = begun(world, &cx, promise(world, &cx)?).await?;
    // Whoever holds the link completes it, and is nobody.
    let request_id = cx.request_id().clone();
    let bearer = Context::for_bearer(cx.tenant(), Actor::LinkBearer, request_id, world.now());
    let mut file = world.draft(&bearer, "sent").await?;
    file.person = Some(person("PT-1")?);
    file.content_type = MediaType::parse("image/png")?;
    let record = completed(world, &bearer, upload.id, &file).await?;
    ensure_eq!(record.id, upload.id, "the id of an upload's record");
    ensure_eq!(record.uploaded_by, upload.created_by, "who uploaded it");
    ensure_eq!(record.created_at, bearer.now(), "when it was committed");
    ensure_eq!(record.content_type, file.content_type, "the type");
    ensure_eq!(record.sha256, file.facts.sha256, "the digest");
    let about = record.person.as_ref().map(|person| person.id);
    ensure_eq!(about, Some(file.new_person_id), "the person registered");
    let stored = world.stored(&cx, upload.id).await?;
    ensure_eq!(stored.record, record, "the record found");
    ensure_eq!(stored.blob.id, file.blob, "the blob of the record");
    let other = world.repository().find_file(&cx, file.id).await?;
    ensure_eq!(other, None, "a record under the file's own id");

    let after = found(world, &cx, upload.id).await?.upload;
    let expected = Upload {
        completed_at: Some(bearer.now()),
        ..upload
    };
    ensure_eq!(after, expected, "the upload after its completion");
    let state = after.state(after.expires_at);
    ensure_eq!(state, UploadState::Completed, "its state, for ever");
    Ok(())
}

pub(super) async fn uploads_complete_once(world: &World) -> Outcome {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let upload = begun(world, &cx, promise(world, &cx)?).await?;
    let first = world.draft(&cx, "first").await?;
    let record = completed(world, &cx, upload.id, &first).await?;
    let later = world.context(&tenancy);
    let second = world.draft(&later, "second").await?;
    let attempt = repository.complete_upload(&later, upload.id, &second);
    let complete = Refusal::UploadCompleted;
    refused(attempt.await, &complete, "a second completion")?;
    let renewed = repository.renew_lease(&later, second.blob, second.lease, LONG);
    ensure!(renewed.await?, "a refused completion took a promise away");
    let attempt = repository.cancel_upload(&later, upload.id).await;
    refused(attempt, &complete, "a cancellation after completion")?;
    let stored = world.stored(&cx, upload.id).await?.record;
    ensure_eq!(stored, record, "the record after the second completion");
    let at = found(world, &cx, upload.id).await?.upload.completed_at;
    ensure_eq!(at, Some(cx.now()), "when it was completed");
    // Deleting the record does not open the upload again.
    made(repository.delete_file(&later, upload.id, None).await)?;
    let attempt = repository.complete_upload(&later, upload.id, &second).await;
    refused(
        attempt,
        &Refusal::NotFound,
        "a completion after the record's deletion",
    )
}

pub(super) async fn deleted_records_take_their_uploads_along(world: &World) -> Outcome {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let [deleted, pending] = [
        begun(world, &cx, promise(world, &cx)?).await?,
        begun(world, &cx, promise(world, &cx)?).await?,
    ];
    let file = world.draft(&cx, "personal").await?;
    let record = completed(world, &cx, deleted.id, &file).await?;
    let attempt = repository.delete_file(&cx, pending.id, None).await;
    refused(attempt, &Refusal::NotFound, "the deletion of a promise")?;
    let stale = Some(Revision::new(record.revision.get() + 1));
    let current = record.revision;
    let attempt = repository.delete_file(&cx, deleted.id, stale).await;
    let mismatch = Refusal::RevisionMismatch { current };
    refused(attempt, &mismatch, "a deletion of another revision")?;
    found(world, &cx, deleted.id).await?;

    made(repository.delete_file(&cx, deleted.id, None).await)?;
    let kept = repository.find_upload(&cx, deleted.id).await?;
    ensure_eq!(kept, None, "the upload of a deleted record");
    let kept = found(world, &cx, pending.id).await?.upload;
    ensure_eq!(kept, pending, "an upload that is nobody's record");
    Ok(())
}

pub(super) async fn refusals_leave_an_upload_pending(world: &World) -> Outcome {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let promise = staged_promise(world, &cx, LONG)?;
    let staging = staging_of(&promise)?;
    let upload = begun(world, &cx, promise).await?;
    let mut late = world.draft_leased(&cx, "late", world.short).await?;
    late.person = Some(person("PT-1")?);
    world.outlast_short().await;
    let attempt = repository.complete_upload(&cx, upload.id, &late).await;
    refused(attempt, &Refusal::LeaseLost, "a completion that lost")?;
    let mut stranger = world.draft(&cx, "stranger").await?;
    stranger.person = Some(PersonRef::Id(PersonId::generate(cx.now(), &world.random)));
    let attempt = repository.complete_upload(&cx, upload.id, &stranger).await;
    refused(
        attempt,
        &Refusal::UnknownPerson,
        "a completion about nobody",
    )?;

    let after = found(world, &cx, upload.id).await?.upload;
    ensure_eq!(after, upload, "the upload after refused completions");
    let file = repository.find_file(&cx, upload.id).await?;
    ensure_eq!(file, None, "the record of a refused completion");
    let registered = repository.find_person(&cx, &person("PT-1")?).await?;
    ensure_eq!(registered, None, "a person named by a refused completion");
    let told = deletions(world, staging.id).await?;
    ensure_eq!(told, 0, "deletions of the staging blob of a pending upload");
    stranger.person = None;
    let record = completed(world, &cx, upload.id, &stranger).await?;
    ensure_eq!(record.id, upload.id, "the record in the end");
    Ok(())
}

pub(super) async fn equal_bytes_of_uploads_are_stored_once(world: &World) -> Outcome {
    let cx = world.context(&world.tenant("north").await?);
    let existing = world.file(&cx, "equal").await?;
    let blob = world.stored(&cx, existing.id).await?.blob.id;
    let upload = begun(world, &cx, promise(world, &cx)?).await?;
    let mut file = world.draft(&cx, "equal").await?;
    file.dedup = true;
    let record = completed(world, &cx, upload.id, &file).await?;
    ensure_eq!(record.id, upload.id, "the record of an upload");
    let shared = world.stored(&cx, upload.id).await?.blob.id;
    ensure_eq!(shared, blob, "the blob of an upload with known bytes");
    let told = deletions(world, file.blob).await?;
    ensure_eq!(told, 1, "deletions of the copy that is not needed");
    Ok(())
}

pub(super) async fn foreign_uploads_are_not_found(world: &World) -> Outcome {
    let repository = world.repository();
    let north = world.context(&world.tenant("north").await?);
    let south = world.context(&world.tenant("south").await?);
    let promise = staged_promise(world, &north, LONG)?;
    let staging = staging_of(&promise)?;
    let upload = begun(world, &north, promise).await?;
    let foreign = repository.find_upload(&south, upload.id).await?;
    ensure_eq!(foreign, None, "a foreign upload");
    let file = world.draft(&south, "not theirs").await?;
    let attempt = repository.complete_upload(&south, upload.id, &file).await;
    let unknown = Refusal::NotFound;
    refused(attempt, &unknown, "the completion of a foreign upload")?;
    let attempt = repository.cancel_upload(&south, upload.id).await;
    refused(attempt, &unknown, "the cancellation of a foreign upload")?;
    let told = deletions(world, staging.id).await?;
    ensure_eq!(told, 0, "deletions of a staging blob after foreign calls");
    let after = found(world, &north, upload.id).await?.upload;
    ensure_eq!(after, upload, "our upload after another tenant tried");

    let mut file = world.draft(&north, "ours").await?;
    file.person = Some(person("PT-1")?);
    completed(world, &north, upload.id, &file).await?;
    let about_ours = NewUpload {
        person: Some(PersonRef::Id(file.new_person_id)),
        ..self::promise(world, &south)?
    };
    let attempt = repository.begin_upload(&south, &about_ours).await;
    refused(
        attempt,
        &Refusal::UnknownPerson,
        "a promise about a foreign person",
    )
}
