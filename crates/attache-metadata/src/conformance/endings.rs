//! Ends of uploads: completion, cancellation, expiry, and the staging blob in each case.

use std::time::Duration;

use attache_model::Timestamp;
use futures_util::future::{join, join_all};

use super::uploads::{
    begin, complete, count_deletions, find, new_staged_upload, new_upload, staging_of,
};
use super::world::{
    CheckResult, HOUR, Problem, World, accepted, ensure, ensure_eq, is_deleted, refused,
};
use crate::{NewUpload, Refusal};

/// The number of concurrent completions.
const COMPLETIONS: usize = 16;

pub(super) async fn exactly_one_completion_wins(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    let cx = world.context(&tenancy);
    let upload = begin(world, &cx, new_upload(world, &cx)?).await?;
    let mut drafts = Vec::new();
    for number in 0..COMPLETIONS {
        let cx = world.context(&tenancy);
        let file = world.draft(&cx, &format!("try {number}")).await?;
        drafts.push((cx, file));
    }
    let tries = drafts.iter().map(|(cx, file)| async move {
        let attempt = repository.complete_upload(cx, upload.id, file).await;
        (attempt, file.blob)
    });
    let mut winners = Vec::new();
    for (attempt, blob) in join_all(tries).await {
        match attempt? {
            Ok(record) => winners.push((record, blob)),
            Err(refusal) => {
                ensure_eq!(
                    refusal,
                    Refusal::UploadCompleted,
                    "the refusal of the others"
                );
            }
        }
    }
    ensure_eq!(winners.len(), 1, "winners of {COMPLETIONS} completions");
    let stored = world.stored(&cx, upload.id).await?;
    let winner = (stored.record, stored.blob.id);
    ensure_eq!(winners, [winner], "the record that won");
    Ok(())
}

pub(super) async fn completion_and_cancellation_are_exclusive(world: &World) -> CheckResult {
    let repository = world.repository();
    let tenancy = world.tenant("north").await?;
    for round in 0..8 {
        let cx = world.context(&tenancy);
        let upload = begin(world, &cx, new_upload(world, &cx)?).await?;
        let file = world.draft(&cx, &format!("round {round}")).await?;
        let completion = repository.complete_upload(&cx, upload.id, &file);
        let cancellation = repository.cancel_upload(&cx, upload.id);
        let (completed, cancelled) = if round % 2 == 0 {
            join(completion, cancellation).await
        } else {
            let (cancelled, completed) = join(cancellation, completion).await;
            (completed, cancelled)
        };
        let is_there = repository.find_file(&cx, upload.id).await?.is_some();
        match (completed?, cancelled?) {
            (Ok(_), Err(Refusal::UploadCompleted)) => {
                ensure!(is_there, "round {round}: a completed upload has no record");
            }
            (Err(Refusal::NotFound), Ok(())) => {
                ensure!(!is_there, "round {round}: a cancelled upload has a record");
            }
            (completed, cancelled) => {
                return Err(Problem::new(format!(
                    "round {round}: completed {completed:?} and cancelled {cancelled:?}"
                )));
            }
        }
    }
    Ok(())
}

pub(super) async fn cancelled_uploads_are_dropped(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let upload = begin(world, &cx, new_upload(world, &cx)?).await?;
    let file = world.draft(&cx, "too late").await?;
    accepted(repository.cancel_upload(&cx, upload.id).await)?;
    let kept = repository.find_upload(&cx, upload.id).await?;
    ensure_eq!(kept, None, "an upload that was cancelled");
    let attempt = repository.complete_upload(&cx, upload.id, &file).await;
    refused(
        attempt,
        &Refusal::NotFound,
        "the completion of a cancelled upload",
    )?;
    let record = repository.find_file(&cx, upload.id).await?;
    ensure_eq!(record, None, "the record of a cancelled upload");
    let renewed = repository.renew_lease(&cx, file.blob, file.lease, HOUR);
    ensure!(renewed.await?, "a refused completion ended a lease");
    let attempt = repository.cancel_upload(&cx, upload.id).await;
    refused(attempt, &Refusal::NotFound, "a second cancellation")
}

pub(super) async fn staging_blobs_are_reaped_once(world: &World) -> CheckResult {
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    let mut uploads = Vec::new();
    for lease_for in [HOUR, HOUR, HOUR, world.short_duration] {
        let new = new_staged_upload(world, &cx, lease_for)?;
        let staging = staging_of(&new)?;
        uploads.push((begin(world, &cx, new).await?.id, staging.id));
    }
    let tasks = world.reapable().await?;
    ensure!(
        tasks.is_empty(),
        "a staging blob is reaped before its time: {tasks:?}"
    );
    let [to_complete, to_cancel, to_wait, to_expire] = uploads[..] else {
        return Err(Problem::new("not all uploads were begun"));
    };

    let file = world.draft(&cx, "copied").await?;
    let record = complete(world, &cx, to_complete.0, &file).await?;
    accepted(repository.cancel_upload(&cx, to_cancel.0).await)?;
    world.advance_past_short().await;
    let tasks = world.reapable().await?;
    let mut deleted: Vec<_> = tasks.iter().map(|task| task.id).collect();
    deleted.sort_unstable();
    let mut expected = vec![to_complete.1, to_cancel.1, to_expire.1];
    expected.sort_unstable();
    ensure_eq!(
        deleted,
        expected,
        "the blobs reaped after completion, cancellation and the end of a lease"
    );
    for (_, blob) in [to_complete, to_cancel, to_expire] {
        ensure!(is_deleted(&tasks, blob), "a staging blob is not deleted");
    }
    // The upload outlives its staging blob, and even then a copy may complete it.
    let file = world.draft(&cx, "copied in time").await?;
    complete(world, &cx, to_expire.0, &file).await?;
    let tasks = world.reapable().await?;
    ensure!(tasks.is_empty(), "a blob is reaped again: {tasks:?}");
    let stored = world.stored(&cx, record.id).await?;
    ensure!(
        stored.blob.id != to_complete.1,
        "a record refers to a staging blob"
    );
    let waiting = find(world, &cx, to_wait.0).await?.staging;
    ensure!(waiting.is_some(), "a pending upload lost its staging blob");
    Ok(())
}

pub(super) async fn expired_uploads_are_dropped(world: &World) -> CheckResult {
    const YEAR: Duration = Duration::from_hours(24 * 365);
    let repository = world.repository();
    let cx = world.context(&world.tenant("north").await?);
    // Long before and long after the time of the database's clock.
    let (ended, open) = (Timestamp::from_millis(1), cx.now().plus(YEAR * 500));
    let mut expired = Vec::new();
    for _ in 0..3 {
        let new = NewUpload {
            expires_at: ended,
            ..new_staged_upload(world, &cx, HOUR)?
        };
        let staging = staging_of(&new)?;
        expired.push((begin(world, &cx, new).await?.id, staging.id));
    }
    let new = NewUpload {
        expires_at: open,
        ..new_upload(world, &cx)?
    };
    let pending = begin(world, &cx, new).await?;
    let file = world.draft(&cx, "completed").await?;
    let record = complete(world, &cx, expired[0].0, &file).await?;
    world.reapable().await?;

    let dropped = repository.drop_expired_uploads(YEAR * 1000, 10).await?;
    ensure_eq!(dropped, 0, "uploads dropped before their time");
    let dropped = repository.drop_expired_uploads(YEAR, 2).await?;
    ensure_eq!(dropped, 2, "uploads dropped with a limit of 2");
    let dropped = repository.drop_expired_uploads(YEAR, 2).await?;
    ensure_eq!(dropped, 1, "uploads dropped by the next call");
    let dropped = repository.drop_expired_uploads(Duration::ZERO, 2).await?;
    ensure_eq!(dropped, 0, "uploads dropped when none is left");
    for (id, _) in &expired {
        let kept = repository.find_upload(&cx, *id).await?;
        ensure_eq!(kept, None, "an upload that was dropped");
    }
    let kept = find(world, &cx, pending.id).await?.upload;
    ensure_eq!(kept, pending, "an upload that has not expired");
    let stored = world.stored(&cx, record.id).await?.record;
    ensure_eq!(stored, record, "the record of a dropped upload");
    for (_, staging) in &expired {
        let count = count_deletions(world, *staging).await?;
        ensure_eq!(count, 0, "deletions before the staging blob's lease ended");
    }
    Ok(())
}
