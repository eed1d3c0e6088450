//! Leases and commits.

use std::collections::HashSet;

use attache_model::{
    BlobId, Description, DisplayName, FileId, FileSeq, Filename, MediaType, ObjectKey, PersonId,
    PersonRef, Revision, Visibility,
};

use super::world::{
    CheckResult, HOUR, Problem, World, accepted, category, ensure, ensure_eq, is_deleted, person,
    refused, storage_key,
};
use crate::{BlobFacts, BlobLocation, IdempotencyKey, LeaseToken, NewFiles, Refusal};

pub(super) async fn records_are_found_as_they_were_committed(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let mut draft = world.draft(&cx, "scan").await?;
    draft.person = Some(person("PT-1")?);
    draft.category = category("images")?;
    draft.name = DisplayName::parse("Naïve — “scan”")?;
    draft.filename = Filename::parse("scan (1).pdf")?;
    draft.description = Some(Description::parse("two\nlines")?);
    draft.content_type = MediaType::parse("text/plain; charset=utf-8")?;
    draft.visibility = Visibility::Public;
    draft.facts = BlobFacts {
        format: 1,
        stored_bytes: 99,
        wrapped_key: Some(vec![1, 2, 3]),
        ..draft.facts
    };
    let committed = world.commit(&cx, draft.clone()).await?;
    ensure!(
        !committed.deduplicated,
        "a new file is reported as deduplicated"
    );
    let record = committed.record;
    ensure_eq!(record.id, draft.id, "the id");
    ensure_eq!(record.tenant, cx.tenant(), "the tenant");
    let about = record.person.clone();
    let about = about.ok_or_else(|| Problem::new("the person is missing"))?;
    ensure_eq!(about.id, draft.new_person_id, "the new person's id");
    ensure_eq!(about.identifier.as_str(), "PT-1", "the person's identifier");
    ensure_eq!(record.category, draft.category, "the category");
    ensure_eq!(record.name, draft.name, "the name");
    ensure_eq!(record.filename, draft.filename, "the filename");
    ensure_eq!(record.description, draft.description, "the description");
    ensure_eq!(record.content_type, draft.content_type, "the type");
    ensure_eq!(record.size_bytes, draft.facts.size_bytes, "the size");
    ensure_eq!(record.sha256, draft.facts.sha256, "the digest");
    ensure_eq!(record.visibility, draft.visibility, "the visibility");
    ensure_eq!(record.uploaded_by, cx.principal_seq(), "the uploader");
    let times = (record.created_at, record.updated_at);
    ensure_eq!(times, (cx.now(), cx.now()), "the times");
    let free = (record.claim.is_none(), record.archived_at, record.held_at);
    ensure_eq!(
        free,
        (true, None, None),
        "claim, archive and hold of a new record"
    );
    ensure_eq!(record.revision, Revision::new(1), "the revision");
    let key = ObjectKey::compose(
        Some(&about),
        draft.category.as_ref(),
        cx.now(),
        &draft.filename,
    );
    ensure_eq!(record.key, key, "the key");

    let stored = world.stored(&cx, draft.id).await?;
    ensure_eq!(stored.record, record, "the record found");
    let blob = BlobLocation {
        id: draft.blob,
        storage_key: storage_key(&cx, draft.blob),
        facts: draft.facts,
    };
    ensure_eq!(stored.blob, blob, "the blob found");
    let later = world.file(&world.context(&tenancy), "more").await?;
    ensure!(later.seq > record.seq, "records are not numbered in order");
    let unknown = FileId::generate(cx.now(), &world.random);
    let found = world.repository().find_file(&cx, unknown).await?;
    ensure_eq!(found, None, "an unknown file");
    Ok(())
}

pub(super) async fn records_are_found_by_number_and_key(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let mut draft = world.draft(&cx, "scan").await?;
    draft.person = Some(person("PT-1")?);
    draft.filename = Filename::parse("Naïve%2F (1).pdf")?;
    let record = world.commit(&cx, draft).await?.record;
    world.file(&world.context(&tenancy), "more").await?;
    let archived = accepted(repository.archive_file(&cx, record.id).await)?;
    let stored = world.stored(&cx, record.id).await?;
    ensure_eq!(stored.record, archived, "the record by its id");
    let by_seq = repository.find_file_by_seq(&cx, record.seq).await?;
    ensure_eq!(by_seq, Some(stored.clone()), "the record by its number");
    let by_key = repository.find_file_by_key(&cx, &record.key).await?;
    ensure_eq!(by_key, Some(stored), "the record by its key");
    for seq in [i64::MIN, -1, 0, i64::MAX] {
        let found = repository.find_file_by_seq(&cx, FileSeq::new(seq)).await?;
        ensure_eq!(found, None, "the record with the number {seq}");
    }
    let key = record.key.as_str();
    for other in ["", "\0", &key.to_uppercase(), &format!("{key} ")] {
        let other = ObjectKey::from_text(other);
        let found = repository.find_file_by_key(&cx, &other).await?;
        ensure_eq!(found, None, "the record with the key {other:?}");
    }
    Ok(())
}

pub(super) async fn commits_are_all_or_none(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let mut good = world.draft(&cx, "good").await?;
    good.person = Some(person("new")?);
    let mut bad = world.draft(&cx, "bad").await?;
    bad.person = Some(PersonRef::Id(PersonId::generate(cx.now(), &world.random)));
    let upload = vec![good.clone(), bad.clone()];
    let attempt = world.try_commit(&cx, upload).await;
    refused(attempt, &Refusal::UnknownPerson, "an unknown person")?;

    for draft in [&good, &bad] {
        let found = repository.find_file(&cx, draft.id).await?;
        ensure_eq!(found, None, "a file of a refused upload");
        let renewed = repository.renew_lease(&cx, draft.blob, draft.lease, HOUR);
        ensure!(renewed.await?, "a refused upload ended a lease");
    }
    let registered = repository.find_person(&cx, &person("new")?).await?;
    ensure_eq!(registered, None, "a person named by a refused upload");

    bad.person = None;
    let committed = accepted(world.try_commit(&cx, vec![good.clone(), bad.clone()]).await)?;
    let ids: Vec<_> = committed.iter().map(|file| file.record.id).collect();
    ensure_eq!(
        ids,
        [good.id, bad.id],
        "the files in the order they were given"
    );
    Ok(())
}

pub(super) async fn lost_leases_are_refused(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let mut stolen = world.draft(&cx, "stolen").await?;
    stolen.lease = LeaseToken::generate(&world.random);
    let mut unknown = world.draft(&cx, "unknown").await?;
    unknown.blob = BlobId::generate(cx.now(), &world.random);
    let abandoned = world.draft(&cx, "abandoned").await?;
    let given_up = repository.abandon_blob(&cx, abandoned.blob, abandoned.lease);
    given_up.await?;
    let ended = world
        .draft_leased(&cx, "ended", world.short_duration)
        .await?;
    world.advance_past_short().await;
    for (draft, what) in [
        (stolen, "another's lease"),
        (unknown, "an unknown blob"),
        (abandoned, "an abandoned blob"),
        (ended, "an ended lease"),
    ] {
        let renewed = repository.renew_lease(&cx, draft.blob, draft.lease, HOUR);
        ensure!(!renewed.await?, "{what} is renewed");
        let id = draft.id;
        let attempt = world.try_commit(&cx, vec![draft]).await;
        refused(attempt, &Refusal::LeaseLost, what)?;
        let found = repository.find_file(&cx, id).await?;
        ensure_eq!(found, None, "a file committed with {what}");
    }
    Ok(())
}

pub(super) async fn renewed_leases_hold(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let draft = world
        .draft_leased(&cx, "slow", world.short_duration)
        .await?;
    let renewed = repository.renew_lease(&cx, draft.blob, draft.lease, HOUR);
    ensure!(renewed.await?, "a lease that holds is not renewed");
    world.advance_past_short().await;
    let tasks = world.reapable().await?;
    ensure!(
        !is_deleted(&tasks, draft.blob),
        "a blob with a renewed lease is reaped"
    );
    let (blob, lease) = (draft.blob, draft.lease);
    world.commit(&cx, draft).await?;
    let renewed = repository.renew_lease(&cx, blob, lease, HOUR).await?;
    ensure!(!renewed, "the lease of a committed blob is renewed");
    Ok(())
}

pub(super) async fn abandoned_blobs_are_reaped_at_once(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let draft = world.draft(&cx, "partial").await?;
    let other = LeaseToken::generate(&world.random);
    repository.abandon_blob(&cx, draft.blob, other).await?;
    ensure!(
        !is_deleted(&world.reapable().await?, draft.blob),
        "a blob is abandoned with another's lease"
    );
    repository
        .abandon_blob(&cx, draft.blob, draft.lease)
        .await?;
    ensure!(
        is_deleted(&world.reapable().await?, draft.blob),
        "an abandoned blob is not reaped"
    );

    let kept = world.draft(&cx, "kept").await?;
    let (blob, lease) = (kept.blob, kept.lease);
    let record = world.commit(&cx, kept).await?.record;
    repository.abandon_blob(&cx, blob, lease).await?;
    ensure!(
        !is_deleted(&world.reapable().await?, blob),
        "a committed blob is abandoned"
    );
    world.stored(&cx, record.id).await?;
    Ok(())
}

pub(super) async fn keys_are_unique(world: &World) -> CheckResult {
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let mut drafts = Vec::new();
    for number in 0..5 {
        drafts.push(world.draft(&cx, &format!("page {number}")).await?);
    }
    let late = drafts.split_off(3);
    let mut records = accepted(world.try_commit(&cx, drafts).await)?;
    for draft in late {
        records.push(world.commit(&cx, draft).await?);
    }
    let keys: HashSet<_> = records.iter().map(|file| &file.record.key).collect();
    ensure_eq!(keys.len(), 5, "different keys of five files");
    for (file, later) in records.iter().zip(0_i64..) {
        let record = &file.record;
        let moved = record.created_at.as_millis() - cx.now().as_millis();
        ensure_eq!(
            moved,
            later,
            "milliseconds by which file {later} was moved on"
        );
        let key = ObjectKey::compose(None, None, record.created_at, &record.filename);
        ensure_eq!(record.key, key, "the key of file {later}");
    }
    // Keys are unique per tenant only.
    let south = world.tenant("south").await?;
    let file = world.file(&south.context_at(cx.now()), "page").await?;
    ensure_eq!(
        file.created_at,
        cx.now(),
        "the creation time of another tenant's file"
    );
    Ok(())
}

pub(super) async fn repeated_requests_are_refused(world: &World) -> CheckResult {
    let north = world.context(&world.tenant("north").await?);
    let south = world.context(&world.tenant("south").await?);
    let upload = async |cx, key: &str, label: &str| {
        let files = vec![
            world.draft(cx, &format!("{label} 1")).await?,
            world.draft(cx, &format!("{label} 2")).await?,
        ];
        let idempotency_key = Some(IdempotencyKey::parse(key)?);
        Ok::<_, Problem>(NewFiles {
            files,
            idempotency_key,
        })
    };
    let repository = world.repository();
    let first = upload(&north, "r1", "first").await?;
    accepted(repository.commit_files(&north, &first).await)?;
    let again = upload(&north, "r1", "again").await?;
    let attempt = repository.commit_files(&north, &again).await;
    refused(attempt, &Refusal::RequestRepeated, "a repeated request")?;
    for file in &again.files {
        let found = repository.find_file(&north, file.id).await?;
        ensure_eq!(found, None, "a file of a repeated request");
    }
    let other = upload(&north, "r2", "other").await?;
    accepted(repository.commit_files(&north, &other).await)?;
    let foreign = upload(&south, "r1", "foreign").await?;
    accepted(repository.commit_files(&south, &foreign).await)?;
    Ok(())
}

pub(super) async fn holds_are_set_and_released(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let mut draft = world.draft(&cx, "suspect").await?;
    draft.held = true;
    let held = world.commit(&cx, draft).await?.record;
    ensure!(held.held_at.is_some(), "a held file is not marked as held");
    let later = world.context(&tenancy);
    let released = accepted(repository.release_hold(&later, held.id).await)?;
    ensure_eq!(released.held_at, None, "the hold after its release");
    ensure!(
        released.revision > held.revision,
        "releasing a hold does not change the revision"
    );
    ensure_eq!(
        released.updated_at,
        later.now(),
        "the update time of a released file"
    );
    let again = accepted(
        repository
            .release_hold(&world.context(&tenancy), held.id)
            .await,
    )?;
    ensure_eq!(again, released, "a hold released twice");
    Ok(())
}
