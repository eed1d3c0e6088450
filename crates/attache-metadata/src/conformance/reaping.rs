//! Reaping: blobs are condemned, revived, deleted and purged.

use std::collections::HashSet;

use attache_model::{BlobId, Context};
use futures_util::future::join;

use super::world::{
    CheckResult, HOUR, Problem, World, accepted, ensure, ensure_eq, is_deleted, storage_key,
};
use crate::{ReapStage, StorageUsage};

pub(super) async fn ended_leases_are_reaped(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let held = world.draft(&cx, "held").await?;
    let ended = world
        .draft_leased(&cx, "ended", world.short_duration)
        .await?;
    let tasks = world.reapable().await?;
    ensure!(
        tasks.is_empty(),
        "a blob with a live lease is reaped: {tasks:?}"
    );
    world.advance_past_short().await;

    let tasks = repository.take_reapable(10, world.short_duration).await?;
    ensure_eq!(tasks.len(), 1, "tasks after one lease ended");
    ensure!(
        is_deleted(&tasks, ended.blob),
        "the blob whose lease ended is not reaped"
    );
    let keys: Vec<_> = tasks.iter().map(|task| &task.storage_key).collect();
    ensure_eq!(
        keys,
        [&storage_key(&cx, ended.blob)],
        "the storage keys of the tasks"
    );
    let tasks = repository.take_reapable(10, world.short_duration).await?;
    ensure!(
        tasks.is_empty(),
        "a task is handed out twice at once: {tasks:?}"
    );
    world.advance_past_short().await;
    let tasks = repository.take_reapable(10, HOUR).await?;
    ensure!(
        is_deleted(&tasks, ended.blob),
        "an unfinished task is not handed out again"
    );

    let committed = world.commit(&cx, held).await?.record;
    world.stored(&cx, committed.id).await?;
    Ok(())
}

pub(super) async fn usage_counts_live_and_reapable_blobs(world: &World) -> CheckResult {
    let repository = world.repository();
    let empty = StorageUsage::default();
    ensure_eq!(repository.storage_usage().await?, empty, "an empty usage");
    let cx = world.context(&world.tenant("north").await?);
    let kept = world.file(&cx, "kept").await?;
    let deleted = world.file(&cx, "deleted").await?;
    world.draft(&cx, "under way").await?;
    let both = repository.storage_usage().await?;
    ensure_eq!(
        (both.live_blobs, both.live_bytes, both.reapable_blobs),
        (2, kept.size_bytes + deleted.size_bytes, 0),
        "the usage of two files"
    );
    accepted(repository.delete_file(&cx, deleted.id, None).await)?;
    let one = repository.storage_usage().await?;
    ensure_eq!(
        (one.live_blobs, one.live_bytes, one.reapable_blobs),
        (1, kept.size_bytes, 1),
        "the usage after a deletion"
    );
    Ok(())
}

pub(super) async fn reaped_blobs_are_purged(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let record = world.file(&cx, "short-lived").await?;
    let blob = world.stored(&cx, record.id).await?.blob;
    let key = &blob.storage_key;
    ensure!(
        repository.knows_storage_key(key).await?,
        "a live blob's key is unknown"
    );
    ensure!(
        !repository.knows_storage_key("unknown").await?,
        "a key that was never used is known"
    );
    accepted(repository.delete_file(&cx, record.id, None).await)?;
    ensure!(
        is_deleted(&world.reapable().await?, blob.id),
        "the blob is not reaped after its last reference"
    );

    let finish = async |stage| {
        repository
            .finish_reap(blob.id, stage, world.short_duration)
            .await
    };
    finish(ReapStage::Purge).await?;
    ensure!(
        repository.knows_storage_key(key).await?,
        "a blob is unknown before its bytes were deleted"
    );
    finish(ReapStage::Delete).await?;
    ensure!(
        repository.knows_storage_key(key).await?,
        "a blob is unknown before it was purged"
    );
    let tasks = world.reapable().await?;
    ensure!(
        tasks.is_empty(),
        "a blob is purged before its time: {tasks:?}"
    );
    world.advance_past_short().await;
    let tasks = world.reapable().await?;
    let purged: Vec<_> = tasks.iter().map(|task| (task.id, task.stage)).collect();
    ensure_eq!(purged, [(blob.id, ReapStage::Purge)], "the purged blobs");
    // A late report of the first deletion changes nothing.
    finish(ReapStage::Delete).await?;
    finish(ReapStage::Purge).await?;
    ensure!(
        !repository.knows_storage_key(key).await?,
        "a purged blob is still known"
    );
    finish(ReapStage::Purge).await?;
    Ok(())
}

pub(super) async fn condemned_blobs_are_revived(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let first = world.file(&cx, "wanted again").await?;
    let blob = world.stored(&cx, first.id).await?.blob.id;
    accepted(repository.delete_file(&cx, first.id, None).await)?;
    let second = world.file(&cx, "wanted again").await?;
    let again = world.stored(&cx, second.id).await?.blob.id;
    ensure_eq!(again, blob, "the blob that was not reaped yet");
    let tasks = world.reapable().await?;
    ensure!(
        !is_deleted(&tasks, blob),
        "a blob that is referenced again is reaped"
    );
    world.stored(&cx, second.id).await?;
    Ok(())
}

pub(super) async fn deleting_is_final(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let first = world.file(&cx, "too late").await?;
    let old = world.stored(&cx, first.id).await?.blob.id;
    accepted(repository.delete_file(&cx, first.id, None).await)?;
    ensure!(
        is_deleted(&world.reapable().await?, old),
        "the blob is not reaped"
    );

    let second = world.draft(&cx, "too late").await?;
    let own = second.blob;
    let second = world.commit(&cx, second).await?.record;
    let blob = world.stored(&cx, second.id).await?.blob.id;
    ensure_eq!(
        blob,
        own,
        "the blob of an upload that came too late for the old one"
    );
    repository
        .finish_reap(old, ReapStage::Delete, world.short_duration)
        .await?;
    let third = world.file(&cx, "too late").await?;
    let blob = world.stored(&cx, third.id).await?.blob.id;
    ensure_eq!(blob, own, "the blob of one more upload");
    Ok(())
}

pub(super) async fn shared_blobs_are_kept(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let first = world.file(&cx, "shared").await?;
    let second = world.file(&cx, "shared").await?;
    let blob = world.stored(&cx, first.id).await?.blob.id;
    world.reapable().await?;
    accepted(repository.delete_file(&cx, first.id, None).await)?;
    let tasks = world.reapable().await?;
    ensure!(
        tasks.is_empty(),
        "the blob of another record is reaped: {tasks:?}"
    );
    let stored = world.stored(&cx, second.id).await?;
    ensure_eq!(stored.blob.id, blob, "the blob of the other record");
    accepted(repository.archive_file(&cx, second.id).await)?;
    let tasks = world.reapable().await?;
    ensure!(
        tasks.is_empty(),
        "the blob of an archived record is reaped: {tasks:?}"
    );
    accepted(repository.delete_file(&cx, second.id, None).await)?;
    ensure!(
        is_deleted(&world.reapable().await?, blob),
        "the blob is not reaped after its last reference"
    );
    Ok(())
}

pub(super) async fn races_never_lose_referenced_bytes(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let mut reaped: HashSet<BlobId> = HashSet::new();
    let mut present = world.file(&world.context(&tenancy), "contended").await?;
    for round in 0..24 {
        let cx = world.context(&tenancy);
        let draft = world.draft(&cx, "contended").await?;
        let deletion = repository.delete_file(&cx, present.id, None);
        let upload = world.try_commit(&cx, vec![draft]);
        let reaping = world.reapable();
        // The order in which the three are begun changes from round to round.
        let (deleted, uploaded, tasks) = match round % 3 {
            0 => {
                let (deleted, (uploaded, tasks)) = join(deletion, join(upload, reaping)).await;
                (deleted, uploaded, tasks)
            }
            1 => {
                let (tasks, (deleted, uploaded)) = join(reaping, join(deletion, upload)).await;
                (deleted, uploaded, tasks)
            }
            _ => {
                let (uploaded, (tasks, deleted)) = join(upload, join(reaping, deletion)).await;
                (deleted, uploaded, tasks)
            }
        };
        accepted(deleted)?;
        reaped.extend(tasks?.iter().map(|task| task.id));
        let uploaded = accepted(uploaded)?.pop();
        let uploaded = uploaded.ok_or_else(|| Problem::new("no file was returned"))?;
        present = uploaded.record;
        reaped.extend(world.reapable().await?.iter().map(|task| task.id));
        check_not_reaped(world, &cx, &reaped, &present, round).await?;
    }
    Ok(())
}

async fn check_not_reaped(
    world: &World,
    cx: &Context,
    reaped: &HashSet<BlobId>,
    record: &attache_model::FileRecord,
    round: u32,
) -> CheckResult {
    let blob = world.stored(cx, record.id).await?.blob.id;
    ensure!(
        !reaped.contains(&blob),
        "round {round}: the bytes of a record are reaped"
    );
    Ok(())
}
