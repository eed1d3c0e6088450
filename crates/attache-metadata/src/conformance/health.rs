//! Health of blobs: marks of what was found wrong, and repair by a commit of the same bytes.

use attache_model::Holder;

use super::world::{
    CheckResult, HOUR, World, accepted, digest, ensure, ensure_eq, is_deleted, refused,
};
use crate::{BlobFault, BlobTotals, ReapStage, Refusal};

pub(super) async fn marks_are_kept_and_removed(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let record = world.file(&cx, "marked").await?;
    let blob = world.stored(&cx, record.id).await?.blob;
    let key = &blob.storage_key;
    let kept = async || {
        repository
            .find_kept_blob(&cx, &blob.facts.sha256, blob.facts.size_bytes)
            .await
    };
    ensure_eq!(kept().await?, Some(blob.clone()), "the kept blob");
    for fault in BlobFault::ALL {
        let marked = repository.mark_blob(blob.id, key, Some(fault)).await?;
        ensure!(marked, "the mark {fault} is reported as there already");
        let again = repository.mark_blob(blob.id, key, Some(fault)).await?;
        ensure!(!again, "the mark {fault} is reported as new a second time");
        let listed = repository.list_live_blobs(None, None, 10).await?;
        let marks: Vec<_> = listed.iter().map(|blob| blob.fault).collect();
        ensure_eq!(marks, [Some(fault)], "the marks of the live blobs");
        ensure_eq!(kept().await?, None, "the kept blob with the mark {fault}");
    }
    let found = world.stored(&cx, record.id).await?;
    ensure_eq!(found.blob, blob, "the location of a marked blob");
    ensure!(
        repository.mark_blob(blob.id, key, None).await?,
        "no mark is removed"
    );
    ensure!(
        !repository.mark_blob(blob.id, key, None).await?,
        "a mark is removed twice"
    );
    ensure_eq!(kept().await?, Some(blob), "the blob without a mark");
    Ok(())
}

pub(super) async fn only_bytes_that_were_seen_are_marked(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let record = world.file(&cx, "elsewhere").await?;
    let blob = world.stored(&cx, record.id).await?.blob;
    let fault = Some(BlobFault::Missing);
    let marked = repository.mark_blob(blob.id, "7/00/other", fault).await?;
    ensure!(!marked, "a blob is marked by a key that it does not have");
    let staging = world.draft(&cx, "staging").await?;
    let key = super::world::storage_key(&cx, staging.blob);
    let marked = repository.mark_blob(staging.blob, &key, fault).await?;
    ensure!(!marked, "a staging blob is marked");
    world.commit(&cx, staging).await?;
    accepted(repository.delete_file(&cx, record.id, None).await)?;
    world.reapable().await?;
    let marked = repository.mark_blob(blob.id, &blob.storage_key, fault);
    ensure!(!marked.await?, "a deleted blob is marked");
    Ok(())
}

pub(super) async fn equal_bytes_repair_a_faulty_blob(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let first = world.file(&cx, "same").await?;
    let claimed = world.file(&world.context(&tenancy), "same").await?;
    let archived = world.file(&world.context(&tenancy), "same").await?;
    let holder = Holder::parse("certificate:1")?;
    accepted(repository.claim_file(&cx, claimed.id, &holder).await)?;
    accepted(repository.archive_file(&cx, archived.id).await)?;
    let faulty = world.stored(&cx, first.id).await?.blob;
    // The copies of the second and the third.
    world.reapable().await?;
    repository
        .mark_blob(faulty.id, &faulty.storage_key, Some(BlobFault::WrongDigest))
        .await?;

    let mut draft = world.draft(&world.context(&tenancy), "same").await?;
    draft.dedup = true;
    let own = draft.blob;
    let own_key = super::world::storage_key(&cx, own);
    let again = world.commit(&cx, draft).await?;
    ensure!(again.deduplicated, "a repair hides the existing record");
    for id in [first.id, claimed.id, archived.id] {
        let blob = world.stored(&cx, id).await?.blob;
        ensure_eq!(blob.storage_key, own_key, "the key of a repaired file");
        ensure_eq!(blob.id, faulty.id, "the blob of a repaired file");
    }
    let listed = repository.list_live_blobs(None, None, 10).await?;
    let marks: Vec<_> = listed.iter().map(|blob| blob.fault).collect();
    ensure_eq!(marks, [None], "the marks after the repair");

    let tasks = world.reapable().await?;
    let reaped: Vec<_> = tasks.iter().map(|task| &task.storage_key).collect();
    ensure_eq!(reaped, [&faulty.storage_key], "the keys to be deleted");
    ensure!(is_deleted(&tasks, own), "the spare blob is not reaped");
    repository
        .finish_reap(own, ReapStage::Delete, world.short_duration)
        .await?;
    ensure!(
        repository.knows_storage_key(&faulty.storage_key).await?,
        "the faulty key is forgotten before it is purged"
    );

    // The repaired blob is an ordinary one.
    let next = world.file(&world.context(&tenancy), "same").await?;
    let blob = world.stored(&cx, next.id).await?.blob;
    ensure_eq!(blob.storage_key, own_key, "the key of a later equal file");
    Ok(())
}

pub(super) async fn repairs_need_a_lease(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let record = world.file(&cx, "same").await?;
    let blob = world.stored(&cx, record.id).await?.blob;
    repository
        .mark_blob(blob.id, &blob.storage_key, Some(BlobFault::Missing))
        .await?;
    let later = world.context(&tenancy);
    let draft = world.draft(&later, "same").await?;
    repository
        .abandon_blob(&cx, draft.blob, draft.lease)
        .await?;
    let attempt = world.try_commit(&later, vec![draft]).await;
    refused(attempt, &Refusal::LeaseLost, "a repair without a lease")?;
    let found = world.stored(&cx, record.id).await?.blob;
    ensure_eq!(found, blob, "the blob after a refused repair");

    // Another tenant's bytes repair nothing.
    let south = world.context(&world.tenant("south").await?);
    world.file(&south, "same").await?;
    let found = world.stored(&cx, record.id).await?.blob;
    ensure_eq!(found, blob, "the blob after another tenant's upload");
    Ok(())
}

pub(super) async fn blobs_are_listed_with_their_files(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let south = world.context(&world.tenant("south").await?);
    let mut shared = Vec::new();
    for _ in 0..5 {
        shared.push(world.file(&world.context(&tenancy), "shared").await?);
    }
    world.file(&cx, "another").await?;
    let theirs = world.file(&south, "shared").await?;
    world.draft(&cx, "staging").await?;

    let totals = repository.count_live_blobs(Some(cx.tenant())).await?;
    let expected = BlobTotals {
        blobs: 2,
        stored_bytes: 13,
    };
    ensure_eq!(totals, expected, "the live blobs of a tenant");
    let totals = repository.count_live_blobs(None).await?;
    ensure_eq!(totals.blobs, 3, "the live blobs of all tenants");

    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = repository.list_live_blobs(None, after, 2).await?;
        let Some(last) = page.last() else { break };
        ensure!(page.len() <= 2, "a page is longer than its limit");
        after = Some(last.location.id);
        listed.extend(page);
    }
    ensure_eq!(listed.len(), 3, "the listed blobs");
    let ours = repository.list_live_blobs(Some(cx.tenant()), None, 10);
    let ours = ours.await?;
    ensure_eq!(ours.len(), 2, "the listed blobs of a tenant");
    let wanted = digest("shared");
    let blob = ours.iter().find(|it| it.location.facts.sha256 == wanted);
    let blob = blob.ok_or_else(|| super::world::Problem::new("a live blob is not listed"))?;

    let list = async |after, limit| {
        repository
            .list_files_of_blob(cx.tenant(), blob.location.id, after, limit)
            .await
    };
    let first = list(None, 3).await?;
    let rest = list(first.last().map(|file| file.record.seq), 3).await?;
    let files: Vec<_> = first.iter().chain(&rest).map(|it| it.record.id).collect();
    let expected: Vec<_> = shared.iter().map(|file| file.id).collect();
    ensure_eq!(files, expected, "the files of a blob, in pages");
    let foreign = repository
        .list_files_of_blob(theirs.tenant, blob.location.id, None, 10)
        .await?;
    ensure!(foreign.is_empty(), "a blob has files of another tenant");
    Ok(())
}

pub(super) async fn late_writers_are_reaped_again(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let late = world
        .draft_leased(&cx, "late", world.short_duration)
        .await?;
    world.advance_past_short().await;
    ensure!(
        is_deleted(&world.reapable().await?, late.blob),
        "a blob whose lease ended is not reaped"
    );
    // Its writer ends while the first deletion is reported, and again after.
    repository.abandon_blob(&cx, late.blob, late.lease).await?;
    repository
        .finish_reap(late.blob, ReapStage::Delete, HOUR)
        .await?;
    ensure!(
        is_deleted(&world.reapable().await?, late.blob),
        "bytes that were written during the deletion are not deleted again"
    );
    repository
        .finish_reap(late.blob, ReapStage::Delete, HOUR)
        .await?;
    ensure!(
        world.reapable().await?.is_empty(),
        "a deleted blob is reaped without a reason"
    );
    repository.abandon_blob(&cx, late.blob, late.lease).await?;
    ensure!(
        is_deleted(&world.reapable().await?, late.blob),
        "bytes that were written after the deletion are not deleted again"
    );
    // A blob that a record refers to is nobody's to give up.
    let draft = world.draft(&cx, "committed").await?;
    let (blob, lease) = (draft.blob, draft.lease);
    let record = world.commit(&cx, draft).await?.record;
    repository.abandon_blob(&cx, blob, lease).await?;
    ensure!(
        world.reapable().await?.is_empty(),
        "a referenced blob is given up"
    );
    world.stored(&cx, record.id).await?;
    Ok(())
}
